"""The server: questions over HTTP to events, answers and searches of the knowledge bases of one folder.

app.py        create_app: everything below put together; run.py runs it until a signal
ask.py        /v1/ask, our event stream; openai.py and chat.py the same in OpenAI's protocol
kbs.py        /v1/kbs: list, search, pictures, sources; uploads.py and jobs.py what changes them
health.py     /healthz, /readyz, /metrics; docs.py the OpenAPI page; pages.py the files of page/
desk.py       questions in flight: admitted, timed, watched, ended
library.py    the folder's knowledge bases, as they are now
sse.py        event streams that end when the client leaves
pictures.py   what a client sends as a picture, checked; fetch.py pictures by URL
mcp.py        the same for MCP clients, mcp_shown.py what they get of it
problems.py   everything that goes wrong to what a client is told
guard.py, limits.py, logs.py, metrics.py, telemetry.py   around every request

Needs the extra `serve`: pip install 'r1router[serve]'; mcp.py needs `mcp`.
"""

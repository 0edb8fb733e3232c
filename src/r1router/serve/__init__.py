"""Serves questions over HTTP and MCP: events, answers and searches of the knowledge bases of one folder.

app.py        builds the application; run.py runs it until a signal
routes/       what can be asked for, one file a group of paths
middleware/   what every request passes: request_log, access, body_limit
work/         what is behind the routes: questions admitted and answered, jobs, uploads, pictures, knowledge bases
mcp/          the same for MCP clients
page/         the web page: HTML, scripts and styles, as they are served
limits.py     how much one client may ask
error_responses.py   errors to what a client is told
sse.py        event streams that end when the client leaves
logs.py, metrics.py, telemetry.py   what those who run the server see

Needs the extra `serve`: pip install 'r1router[serve]'; mcp/ needs `mcp`.
"""

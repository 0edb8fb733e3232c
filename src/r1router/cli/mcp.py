"""Implements `r1router mcp`: offers knowledge bases and a policy to MCP clients as tools."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from r1router.api import Setup, open_policy_of
from r1router.cli import listening, options
from r1router.errors import MissingExtra


@options.takes(setup=options.make_setup)
def mcp(
    *,
    setup: Setup,
    http: Annotated[bool, typer.Option("--http", help="Serve streamable HTTP at /mcp instead of stdio.")] = False,
    host: Annotated[
        str, typer.Option(help="With --http: address to listen at. One that other machines can reach needs a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http: port to listen at.")] = 8001,
    api_key_env: Annotated[
        str, typer.Option(metavar="NAME", help="With --http: environment variable with the key that clients must send.")
    ] = "",
    keys: Annotated[
        Path | None,
        typer.Option(help="With --http: file of keys, with what each may see and do."),
    ] = None,
) -> None:
    """Serve the knowledge bases to an MCP client.

    It gets tools to ask and to search, and evidence to read.
    """
    try:
        from r1router.serve import logs
        from r1router.serve.mcp.server import build_http_app, create_server, run_http, run_stdio
        from r1router.serve.middleware import access
        from r1router.serve.run import check_free
        from r1router.serve.work.askers import Keys
    except ImportError as error:
        raise MissingExtra(error.name or "mcp", "mcp", "r1router mcp") from error
    key = listening.read_key([host], api_key_env, others=keys is not None) if http else ""
    known = Keys(keys) if keys and http else None
    logs.set_up(as_json=False)
    if http:
        check_free(host, port)
    # Over stdio the model is opened once the client has stdout, so that nothing of it lands there.
    server = create_server(replace(setup, policy=open_policy_of(setup)) if http else setup, guarded=known is not None)
    if not http:
        run_stdio(server)
        return
    hosts = {*access.LOOPBACK, host} if access.is_loopback(host) else ()
    run_http(build_http_app(server, key=key, keys=known, hosts=hosts), host=host, port=port)

"""Implements `r1router serve`: serves a folder of knowledge bases and a policy over HTTP, with a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from r1router.api import Setup, open_policy_of
from r1router.cli import listening, options
from r1router.errors import InputError, MissingExtra


@options.takes(setup=options.make_setup)
def serve(
    *,
    setup: Setup,
    host: Annotated[
        str, typer.Option(help="Address to listen at. One that other machines can reach needs a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at.")] = 8000,
    api_key_env: Annotated[
        str, typer.Option(metavar="NAME", help="Environment variable that holds the key that clients must send.")
    ] = "",
    keys: Annotated[Path | None, typer.Option(help="File of keys, with what each may see and do.")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="Also serve requests to this host name.")] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Let pages of this origin ask, such as https://chat.example.")
    ] = None,
    allow_url_images: Annotated[
        bool, typer.Option("--allow-url-images", hidden=True, help="Gone; see the error.")
    ] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse uploads and removals.")] = False,
    keep_answers: Annotated[
        float, typer.Option(min=0.0, metavar="HOURS", help="How long each answer keeps its address; 0 keeps none.")
    ] = 24.0,
    max_questions: Annotated[
        int, typer.Option(min=1, help="Questions in flight at once; others are told to try again.")
    ] = 64,
    max_seconds: Annotated[float, typer.Option(min=1.0, help="Most seconds for one question.")] = 300.0,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="Most megabytes of one upload.")] = 64,
    shutdown_seconds: Annotated[
        float, typer.Option(min=0.0, help="Seconds that running questions get when the server is told to stop.")
    ] = 20.0,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write the log as lines of JSON.")] = False,
) -> None:
    """Serve a page, an API and OpenAI's protocol.

    The API sends each step as an event.
    """
    try:
        from r1router.serve import logs, telemetry
        from r1router.serve.app import create_app
        from r1router.serve.limits import MIB, Limits
        from r1router.serve.middleware import access
        from r1router.serve.run import check_free, run
        from r1router.serve.work.askers import Keys
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "r1router serve") from error
    if allow_url_images:
        raise InputError(
            "--allow-url-images is gone: this server fetches nothing that a client names; clients send a picture "
            "itself, as a data URL"
        )
    names = {host, *(allow_host or ())}
    key = listening.read_key(names, api_key_env, others=keys is not None)
    known = Keys(keys) if keys else None
    logs.set_up(as_json=log_json)
    check_free(host, port)
    app = create_app(
        replace(setup, policy=open_policy_of(setup)),
        key=key,
        keys=known,
        hosts={*access.LOOPBACK, *names} if access.is_loopback(host) else allow_host or (),
        origins=allow_origin or (),
        limits=Limits(questions=max_questions, seconds=max_seconds, upload_bytes=max_upload_mb * MIB),
        read_only=read_only,
        keep_hours=keep_answers,
        tracer=telemetry.open_tracer(),
    )
    run(app, host=host, port=port, shutdown_seconds=shutdown_seconds)

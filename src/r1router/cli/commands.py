"""Puts the commands of `r1router` together, because each one is a file of its own."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

import r1router
from r1router.cli.ask import ask
from r1router.cli.audit import audit
from r1router.cli.chat import chat
from r1router.cli.config import config
from r1router.cli.demo import demo
from r1router.cli.eval import eval_
from r1router.cli.index import index
from r1router.cli.init import init
from r1router.cli.kb import kb_app
from r1router.cli.mcp import mcp
from r1router.cli.methods import methods
from r1router.cli.models import models
from r1router.cli.policies import policies
from r1router.cli.report import report
from r1router.cli.score import score
from r1router.cli.serve import serve
from r1router.cli.settings import FILE, find, make_default_map, settle
from r1router.cli.show import show
from r1router.cli.synthesize import synthesize
from r1router.cli.train import train_app
from r1router.codec import escape_controls
from r1router.errors import ADVICE, R1RouterError

app = typer.Typer(
    name="r1router",
    help="Step-wise retrieval-augmented reasoning over several knowledge bases.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(init)
app.command("config")(config)
app.command()(index)
app.command()(ask)
app.command()(chat)
app.command()(demo)
app.command("eval")(eval_)
app.command()(report)
app.command()(show)
app.command()(score)
app.command()(audit)
app.command()(methods)
app.command()(policies)
app.command()(models)
app.command()(serve)
app.command()(mcp)
app.command()(synthesize)
app.add_typer(kb_app, name="kb")
app.add_typer(train_app, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(r1router.__version__)
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice for everything.")] = 0,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--config", envvar="R1ROUTER_CONFIG", help=f"File of settings. [the nearest {FILE} from here upward]"
        ),
    ] = None,
) -> None:
    level = [logging.WARNING, logging.INFO, logging.DEBUG][min(verbose, 2)]
    handler = RichHandler(console=Console(stderr=True), show_time=False, show_path=False)
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("r1router").setLevel(level)
    logging.getLogger("r1router.policies._default_model").setLevel(min(level, logging.INFO))  # it may take minutes
    if context.invoked_subcommand != "init":  # which writes the file that is not there yet
        context.obj = find(file)
        context.default_map = make_default_map(settle(context.command, context.obj))


def run() -> int:
    """Runs the command; gives the exit code where it ended with an error."""
    try:
        app()
    except R1RouterError as error:
        _tell(str(error))
    except BrokenPipeError:  # `r1router … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in ADVICE:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _tell(f"{place}{error.strerror}; {ADVICE[error.errno]}")
    return 1


def _tell(message: str) -> None:
    shown = _escape(escape_controls(message))
    Console(stderr=True, highlight=False).print(f"[bold red]error:[/] {shown}", soft_wrap=True)


class _Printable(logging.Formatter):
    """Shows a message without the codes that a file's name may hold for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(super().format(record))


def _escape(text: str) -> str:
    return text.replace("[", "\\[")

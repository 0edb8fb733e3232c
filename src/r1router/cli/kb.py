"""Implements `r1router kb`: lists knowledge bases, searches, queries and describes one, moves it, removes from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import typer.core
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from r1router.cli import options, render
from r1router.cli.progress import show_counts
from r1router.codec import to_dict
from r1router.errors import InputError, KnowledgeBaseError
from r1router.filters.fields import FACTS
from r1router.filters.match import write
from r1router.filters.narrow import check_fields
from r1router.filters.parse import parse
from r1router.filters.tree import Value
from r1router.images import load_image
from r1router.ingest.left_out import read_left_out, remember
from r1router.ingest.records import Problem
from r1router.kb import find_store
from r1router.kb.manifest import check_name
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stored_tables import StoredTable, StoredTables
from r1router.kb.stores import open_catalog
from r1router.kb.stores.store import Store
from r1router.table import TableResult
from r1router.types import Query

OTHER_NAMES = {
    "delete": "rm", "remove": "rm", "ls": "list", "info": "show", "find": "search", "sql": "query", "files": "sources",
    "create": "new", "mv": "rename", "cp": "copy", "pack": "export", "unpack": "import",
}  # fmt: skip
"""Words that other programs have for our commands."""


class _Group(typer.core.TyperGroup):
    """Names our command where somebody types the word of another program."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and (ours := OTHER_NAMES.get(args[0])):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {ours!r}?")
        return super().resolve_command(ctx, args)


kb_app = typer.Typer(
    help="Look into knowledge bases: search, describe, move, remove.", cls=_Group, no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Name of the knowledge base.", show_default=False)]
_MOST_SOURCES = 20
_MOST_TABLES = 20


@kb_app.command("list")
def list_(kbs: options.Kbs = "kbs", as_json: options.AsJson = False) -> None:
    """List the knowledge bases."""
    catalog, found = open_catalog(kbs), []
    for each, store in catalog.list_stores().items():
        try:
            found.append(_summary(store))
        except KnowledgeBaseError as error:
            Console(stderr=True).print(Text(f"{each} is left out: {error}", style="yellow"), soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found:
        raise InputError(
            f"no knowledge bases in {catalog.place!r}; make some with: r1router index FILES… --kbs {catalog.place}"
        )
    table = Table(
        Column("name", overflow="fold"),
        "kind",
        Column("holds", overflow="fold"),
        box=None,
        header_style="dim",
        pad_edge=False,
    )
    for title in ("entries", "sources"):
        table.add_column(title, justify="right")
    for kb in found:
        name = Text(kb["name"], style="bold")
        table.add_row(name, kb["kind"], Text(kb["holds"]), f"{kb['entries']:,}", f"{kb['sources']:,}")
    Console().print(table)


@kb_app.command()
def show(name: Name, kbs: options.Kbs = "kbs", as_json: options.AsJson = False) -> None:
    """Show the card, size, sources and tables of one.

    Embedders and the columns of tables are shown, too.
    """
    store = find_store(kbs, name)
    tables = StoredTables(store) if store.read_manifest().kind == "table" else None
    known = tables.list_all() if tables else []
    inspected = store.inspect()
    written = inspected.written.isoformat(timespec="seconds") if inspected.written else None
    size = {"bytes": store.measure(), "written": written}
    summary = {**_summary(store), **size, "index": inspected.index, "recall": inspected.recall}
    sources = [asdict(taken) for taken in store.ledger.read().values() if taken.entries or not taken.fingerprint]
    if as_json:
        shown_tables = [{**asdict(table), "columns": _columns(tables, table)} for table in known if tables]
        typer.echo(json.dumps({**summary, "sources": sources, "tables": shown_tables}, ensure_ascii=False, indent=2))
        return
    console = Console()
    grid = Table.grid(padding=(0, 2))
    for key, value in summary.items():
        if value is not None:
            shown = (
                f"{value / 1e6:,.1f} MB" if key == "bytes" else f"{value:,}" if isinstance(value, int) else str(value)
            )
            grid.add_row(Text("on disk" if key == "bytes" else key.replace("_", " "), style="dim"), Text(shown))
    console.print(grid)
    for source in sources[:_MOST_SOURCES]:
        state = _entries(source["entries"]) if source["fingerprint"] else "unfinished; index it again"
        console.print(Text(f"  {source['source']}  ").append(state, style="dim"), soft_wrap=True)
    if len(sources) > _MOST_SOURCES:
        console.print(Text(f"  … and {len(sources) - _MOST_SOURCES} more; --json lists them all", style="dim"))
    for table in known[:_MOST_TABLES]:
        rows = f"  {table.rows:,} {'row' if table.rows == 1 else 'rows'}"
        console.print(Text(f"  {_title(table)}", style="bold").append(rows, style="dim"), soft_wrap=True)
        columns = _columns(tables, table) if tables else []
        said = ", ".join(_say_column(column) for column in columns) or "index its file again to query it"
        console.print(Text(f"    {said}", style="dim"), soft_wrap=True)
    if len(known) > _MOST_TABLES:
        console.print(Text(f"  … and {len(known) - _MOST_TABLES} more tables; --json lists them all", style="dim"))


def _columns(tables: StoredTables, table: StoredTable) -> list[dict[str, Any]]:
    """The columns of a table as queries see them; none for one that was indexed before tables could be queried."""
    try:
        return [asdict(column) for column in tables.columns(table.id)]
    except KnowledgeBaseError:
        return []


def _title(table: StoredTable) -> str:
    own = f" — {table.section}" if table.section else ""
    return f"{table.title or table.record}{own}"


def _say_column(column: dict[str, Any]) -> str:
    unit = f", {column['unit']}" if column["unit"] else ""
    unread = f", {column['unread']:,} not" if column["unread"] else ""
    return f"{column['name']} ({column['kind']}{unit}{unread})"


@kb_app.command()
def sources(
    name: Annotated[
        str | None, typer.Argument(help="List the files of this knowledge base only. [all]", show_default=False)
    ] = None,
    kbs: options.Kbs = "kbs",
    where: options.Where = "",
    as_json: options.AsJson = False,
) -> None:
    """List the files that were indexed.

    What is known of each is told, what was left out, and why.
    """
    catalog = open_catalog(kbs)
    stores = {name: find_store(kbs, name)} if name else catalog.list_stores()
    told = read_left_out(catalog)
    rows: list[dict[str, Any]] = []
    for kb, store in stores.items():
        known = {found.source: found for found in _open_part(store, where).list_sources()}
        rows += [
            {
                "kb": kb,
                **asdict(taken),
                "about": dict(known[taken.source].fields) if taken.source in known else {},
                "left_out": [asdict(problem) for problem in told.get(taken.source, ())],
            }
            for taken in store.ledger.read().values()
            if (taken.source in known if where else taken.entries or not taken.fingerprint)
        ]
    listed = {row["source"] for row in rows}
    unread = [] if name or where else [problem for source in told.keys() - listed for problem in told[source]]
    if as_json:
        said = {"sources": rows, "not_indexed": [asdict(problem) for problem in unread]}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    console = Console()
    for row in rows:
        state = _entries(row["entries"]) if row["fingerprint"] else "unfinished; index it again"
        console.print(Text(f"{row['kb']}  {row['source']}  ").append(state, style="dim"), soft_wrap=True)
        if fields := _say_fields(row["about"]):
            console.print(Text(f"     {fields}", style="dim"), soft_wrap=True)
        for problem in told.get(row["source"], ()):
            _tell(console, problem)
    for problem in sorted(unread, key=lambda problem: problem.path):
        console.print(Text(f"–  {problem.path}  ").append("not indexed", style="yellow"), soft_wrap=True)
        _tell(console, problem)


def _open_part(store: Store, where: str) -> StoredKnowledgeBase:
    """The knowledge base, or the part of it that a filter lets through."""
    kb = StoredKnowledgeBase(store)
    check_fields({store.name: kb}, where)
    return kb.narrow(parse(where)) if where.strip() else kb


def _say_fields(fields: Mapping[str, Value]) -> str:
    """What is known of a source beside where it is, which its name says."""
    hidden = {*FACTS, "its_created", "its_modified"}  # dates as they were written: `created` and `modified` say them
    shown = {name: value for name, value in fields.items() if name not in hidden}
    said = {
        name: ", ".join(map(write, value if isinstance(value, tuple) else (value,))) for name, value in shown.items()
    }
    return "; ".join(f"{name}: {value}" for name, value in said.items())


def _tell(console: Console, problem: Problem) -> None:
    where = f"{problem.where}: " if problem.where else ""
    console.print(Text(f"     {where}{problem.reason}", style="dim" if problem.read else "yellow"), soft_wrap=True)


@kb_app.command()
def search(
    name: Name,
    text: Annotated[str, typer.Argument(help="What to look for.")] = "",
    image: Annotated[Path | None, typer.Option(help="A picture to look for.")] = None,
    kbs: options.Kbs = "kbs",
    k: options.K = 5,
    where: options.Where = "",
    mode: Annotated[
        Literal["fused", "vector", "text"], typer.Option(help="Search by vectors, by words, or by both.")
    ] = "fused",
    at_least: Annotated[
        float | None, typer.Option(min=-1.0, max=1.0, help="Leave out what is less similar to the words than this.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Search one knowledge base."""
    if not text.strip() and image is None:
        raise InputError("give words to look for, or a picture with --image")
    kb = _open_part(find_store(kbs, name), where)
    query = Query(text, load_image(image) if image else None)
    [found] = kb.search([query], k=k, mode=mode)
    ranking = [e for e in found if at_least is None or (e.similarity is not None and e.similarity >= at_least)]
    if as_json:
        typer.echo(json.dumps(to_dict(ranking), ensure_ascii=False, indent=2))
        return
    console = Console()
    for number, evidence in enumerate(ranking, 1):
        console.print(
            Text(f"{number}. ", style="bold")
            .append(render.write_where(evidence), style="blue")
            .append(
                "" if evidence.similarity is None else f"  similarity {evidence.similarity:.2f}", style="not bold dim"
            ),
            soft_wrap=True,
        )
        console.print(Text(evidence.text, style="dim"))
        if evidence.image:
            console.print(Text(str(kb.find_picture(evidence.image).absolute()), style="blue"), soft_wrap=True)
    if not ranking:
        console.print(Text("nothing found", style="yellow"))


def _say_similarity(similarity: float | None) -> str:
    return "" if similarity is None else f"  similarity {similarity:.2f}"


@kb_app.command()
def query(
    name: Name,
    sql: Annotated[str, typer.Argument(help="One SELECT; the table is called t, its columns as in its header.")],
    table: Annotated[str | None, typer.Option(help="Title of the table, if there are several.")] = None,
    kbs: options.Kbs = "kbs",
    where: options.Where = "",
    as_json: options.AsJson = False,
) -> None:
    """Query a whole table with SQL.

    The other tables of its file have their own names.
    """
    tables = _open_part(find_store(kbs, name), where).tables
    asked = tables.find(table)
    result = tables.compute(asked.id, sql, joined=True)
    if as_json:
        typer.echo(json.dumps(to_dict(result), ensure_ascii=False, indent=2))
        return
    console = Console()
    shown = Table(
        *(Column(Text(name), overflow="fold") for name in result.columns), box=None, header_style="dim", pad_edge=False
    )
    for row in result.rows:
        shown.add_row(*map(Text, row))
    console.print(shown)
    more = "more rows are left out; LIMIT says how many" if result.more else ""
    rests = _say_rows(result)
    said = "; ".join(part for part in (f"{_title(asked)}{rests}", more) if part)
    console.print(Text(said, style="blue"), soft_wrap=True)


def _say_rows(result: TableResult) -> str:
    """The rows of the table that a result rests on."""
    if result.resting_on is None:
        return ""
    shown = ", ".join(str(row) for row in result.source_rows[:10])
    more = ", …" if result.resting_on > min(10, len(result.source_rows)) else ""
    return f", {result.resting_on:,} rows: {shown}{more}" if shown else ", no rows"


@kb_app.command()
def rm(
    name: Name,
    source: Annotated[str | None, typer.Option(help="Remove only what came from this file.")] = None,
    kbs: options.Kbs = "kbs",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove a knowledge base, or one source of it. The indexed files themselves stay."""
    from r1router.kb.writer import open_writer

    store = find_store(kbs, name)
    if source is None:
        try:
            held = f" with {_entries(_summary(store)['entries'])}"
        except KnowledgeBaseError:
            held = ", which is damaged,"
        _ask(f"remove {name}{held} from {open_catalog(kbs).place}?", yes)
        store.remove()
        Console().print(Text(f"removed {name}"))
        return
    taken = store.ledger.read().get(source)
    if taken is None:
        raise InputError(f"{name} has nothing from {source!r}; `r1router kb show {name}` lists its sources")
    _ask(f"remove {_entries(taken.entries)} from {source} of {name}?", yes)
    with open_writer(store, store.read_manifest()) as writer:
        removed = writer.drop_source(source)
        writer.finish()
    Console().print(Text(f"removed {_entries(removed)} from {source}"))


@kb_app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="Name of the knowledge base. [all]")] = None,
    kbs: options.Kbs = "kbs",
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")] = False,
) -> None:
    """Check that the parts of knowledge bases agree.

    These are the card, the table, the full-text index, pictures and sources.
    """
    stores = {name: find_store(kbs, name)} if name else open_catalog(kbs).list_stores()
    console, left = Console(), 0
    for each, store in stores.items():
        findings = store.check(repair=repair)
        left += sum(not finding.mended for finding in findings)
        for finding in findings:
            style = "green" if finding.mended else "yellow"
            mended = "mended: " if finding.mended else ""
            console.print(Text(f"{each}: ").append(f"{mended}{finding.what}", style=style), soft_wrap=True)
        if not findings:
            console.print(Text(f"{each} is whole"))
    if left:
        raise typer.Exit(1)


@kb_app.command("new")
def make(
    name: Name,
    holds: Annotated[str, typer.Argument(help="One line that says what it will hold. [from its content]")] = "",
    kind: Annotated[Literal["text", "image", "table"], typer.Option(help="What it will hold.")] = "text",
    label: Annotated[str, typer.Option(help="The label that the policy writes to choose it. [its name]")] = "",
    embedder: Annotated[str | None, typer.Option(help="Text embedder: minilm: or another spec.")] = None,
    image_embedder: Annotated[str | None, typer.Option(help="Picture embedder: efficientnet: or another spec.")] = None,
    kbs: options.Kbs = "kbs",
) -> None:
    """Make an empty knowledge base; `index --name` fills it."""
    from r1router.ingest.run import describe_new
    from r1router.kb.naming import make_kb

    made = describe_new(name, kind, embedder=embedder, image_embedder=image_embedder)
    make_kb(kbs, replace(made, holds=holds, label=label))
    Console().print(
        Text(f"{name} is there now; fill it with: r1router index FILES… --name {name} --as {kind}"), soft_wrap=True
    )


@kb_app.command()
def describe(
    name: Annotated[str | None, typer.Argument(help="Name of the knowledge base. [all]", show_default=False)] = None,
    holds: Annotated[
        str | None, typer.Argument(help="One line that says what it holds; the router reads it.", show_default=False)
    ] = None,
    label: Annotated[str | None, typer.Option(help="The label that the policy writes to choose it. [its name]")] = None,
    details: Annotated[
        str | None, typer.Option(help='Lines that say more, for large models; "" makes them from its content.')
    ] = None,
    read: Annotated[
        Path | None, typer.Option("--from", help="Describe several as a file says, which --json has printed.")
    ] = None,
    kbs: options.Kbs = "kbs",
    as_json: options.AsJson = False,
) -> None:
    """Show how knowledge bases describe themselves, or say it otherwise.

    The router chooses by the line.
    """
    from r1router.kb.naming import change_kb

    given = {"holds": holds, "label": label, "details": details}
    changed = {field: said for field, said in given.items() if said is not None}
    if changed and name is None:
        raise InputError("name the knowledge base that is to be described, or give a file with --from")
    changes = _read_changes(read) if read else {name: changed} if name and changed else {}
    for each in changes:
        find_store(kbs, each)  # none is changed where one is not there
    for each, change in changes.items():
        change_kb(kbs, each, **change)
    shown = [name] if name else [*changes] or [*open_catalog(kbs).list_stores()]
    cards = [find_store(kbs, each).read_manifest().card for each in shown]
    if as_json:
        said = {card.name: {"holds": card.holds, "label": card.label, "details": card.details} for card in cards}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    for card in cards:
        known_as = f" (label: {card.label})" if card.label else ""
        Console().print(Text(f"{card.name}{known_as}: ", style="bold").append(card.holds, style="none"), soft_wrap=True)
        for line in card.details.splitlines():
            Console().print(Text(f"  {line}", style="dim"), soft_wrap=True)


def _read_changes(file: Path) -> dict[str, dict[str, str]]:
    """What a file says of several knowledge bases: for each name `holds`, `label` and `details`, or some of them."""
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    fields = ("holds", "label", "details")
    if not isinstance(read, dict) or not all(
        isinstance(change, dict) and all(field in fields and isinstance(said, str) for field, said in change.items())
        for change in read.values()
    ):
        raise InputError(f'{file} is not of the form {{"NAME": {{"holds": "…", "label": "…", "details": "…"}}}}')
    return read


@kb_app.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="Its new name.")],
    kbs: options.Kbs = "kbs",
) -> None:
    """Give a knowledge base another name.

    To index into it again, say --name.
    """
    from r1router.kb.naming import change_kb

    change_kb(kbs, name, new=new)
    Console().print(
        Text(f"{name} is {new} now; index into it with: r1router index FILES… --name {new}"), soft_wrap=True
    )


@kb_app.command()
def copy(
    source: Annotated[str, typer.Argument(help="Where they are: a folder, s3://…, postgresql://… or milvus://….")],
    target: Annotated[str, typer.Argument(help="Where they go.")],
    kb: options.SomeKbs = None,
    name: Annotated[str | None, typer.Option(help="Another name for the copy of one. [its own]")] = None,
) -> None:
    """Copy knowledge bases to another place. Nothing is embedded again; run it again to go on after a kill."""
    from r1router.kb.copy import copy_kb

    there, place = open_catalog(source), open_catalog(target)
    stores = {each: find_store(source, each) for each in kb} if kb else there.list_stores()
    if not stores:
        raise InputError(f"no knowledge bases in {there.place!r}")
    if name and len(stores) > 1:
        raise InputError(f"--name is for the copy of one; choose it with --kb: {', '.join(stores)}")
    if there.place == place.place and not name:
        raise InputError("a copy in the same place needs another name: --name")
    for each, store in stores.items():
        made = place.get_store(check_name(name or each))
        with show_counts(f"copying {each}") as tell:
            written = copy_kb(store, made, tell=tell)
        Console().print(Text(f"{made.place}: {_entries(written)} written, {_entries(made.count())}"), soft_wrap=True)
    remember(place, read_left_out(there))


@kb_app.command("export")
def export_(
    name: Name,
    file: Annotated[Path | None, typer.Argument(help="File to write. [NAME.r1kb.tar.gz]")] = None,
    kbs: options.Kbs = "kbs",
) -> None:
    """Pack a knowledge base into one file.

    The file can be kept or given away; it holds the text and where it was from.
    """
    from r1router.kb.transfer import SUFFIX, pack

    file = file or Path(f"{name}{SUFFIX}")
    pack(find_store(kbs, name), file)
    Console().print(
        Text(f"wrote {file}, {file.stat().st_size / 1e6:,.1f} MB; r1router kb import takes it"), soft_wrap=True
    )


@kb_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `kb export` wrote.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Import it under this name.")] = None,
    kbs: options.Kbs = "kbs",
) -> None:
    """Take in a knowledge base that was packed elsewhere."""
    from r1router.kb.transfer import unpack

    taken = unpack(file, kbs, name=name)
    Console().print(Text(f"{taken.name}: {_summary(taken)['holds']}"), soft_wrap=True)


def _ask(question: str, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def _summary(store: Store) -> dict[str, Any]:
    """From the card and the ledger alone, without opening the index."""
    found = store.read_manifest()
    taken = [source for source in store.ledger.read().values() if source.entries]
    embedders = {"text_embedder": found.text_embedder}
    if found.image_embedder:
        embedders["image_embedder"] = found.image_embedder
    return {
        "name": found.name,
        "kind": found.kind,
        "holds": found.card.holds,
        "details": found.card.details,
        "label": found.card.label or found.name,
        **embedders,
        "entries": sum(source.entries for source in taken),
        "sources": len(taken),
    }

"""Makes a small sound file for every name pattern that a reader takes, so that there is something to damage."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sqlite3
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from r1router.ingest import readers
from r1router.ingest.parts.registry import find_reader


def list_samples() -> dict[str, tuple[str, bytes]]:
    """(name of the reader, content) by file name, for each pattern of the registry; so a new reader is in it, too.

    Names that a pattern gives whole, such as `readme`, are left out, since many files cannot have them.
    """
    found = {}
    for pattern in readers.list_patterns():
        if not set("*[") & set(pattern):
            continue
        name = pattern.replace("[0-9][0-9]", "00").replace("[0-9]", "1").replace("*", "a")
        reader = getattr(find_reader(Path(name)), "__name__", "").rpartition(".")[2]
        found[name] = (reader, _make(reader, name))
    return found


def _make(reader: str, name: str) -> bytes:
    """Of a reader that nobody made a sample for, an archive of XML and text."""
    inner, _, packing = name.rpartition(".")
    pack = {"gz": gzip.compress, "bz2": bz2.compress}.get(packing, bytes) if reader != "archive" else bytes
    return pack(_MAKERS.get(reader, _mixed)(PurePath(name if pack is bytes else inner).suffix))


def write_zip(parts: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return packed.getvalue()


sys.path.append(str(Path(__file__).parents[2] / "tests"))  # which makes some of these files, too

_TEXT = "Oslo is the capital of Norway. It lies at the end of a fjord.\n\nBergen lies at the coast, in the west.\n"
_ROWS = (("city", "people", "since"), ("Oslo", "717710", "1048"), ("Bergen", "291940", "1070"))
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _mixed(suffix: str) -> bytes:
    return write_zip({"mimetype": "application/zip", "content.xml": f"{_XML}<a><b>{_TEXT}</b></a>", "a.txt": _TEXT})


def _archive(suffix: str) -> bytes:
    if suffix == ".zip":
        return write_zip({"a.md": _markdown(""), "b/c.csv": _delimited(".csv"), "d.docx": _docx("")})
    packed = io.BytesIO()
    mode = {".tgz": "w:gz", ".gz": "w:gz", ".bz2": "w:bz2", ".tbz2": "w:bz2", ".xz": "w:xz", ".txz": "w:xz"}
    with tarfile.open(fileobj=packed, mode=mode.get(suffix, "w")) as archive:
        for name, data in (("a.md", _markdown("")), ("b/c.csv", _delimited(".csv"))):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _epub(suffix: str) -> bytes:
    from test_readers_inside import make_book

    with TemporaryDirectory() as folder:
        return Path(make_book(Path(folder, "a.epub"))).read_bytes()


def _outlook(suffix: str) -> bytes:
    from test_readers_inside import compound, mail

    return bytes(compound(mail({(0x37, 0x1F): "Gate", (0x1000, 0x1F): _TEXT})))


def _rst(suffix: str) -> bytes:
    from test_readers_more import RST

    return str(RST).encode()


def _rtf(suffix: str) -> bytes:
    from test_readers_more import RTF

    return bytes(RTF)


def _xls(suffix: str) -> bytes:
    from held_files import XLS

    return XLS


def _text(suffix: str) -> bytes:
    return _TEXT.encode() * 3


def _delimited(suffix: str) -> bytes:
    return "\n".join(("\t" if suffix in (".tsv", ".tab") else ",").join(row) for row in _ROWS).encode() + b"\n"


def _html(suffix: str) -> bytes:
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in _ROWS)
    return f"<html><title>Norway</title><body><h1>Cities</h1><p>{_TEXT}<table>{rows}</table></body></html>".encode()


def _markdown(suffix: str) -> bytes:
    rows = [f"| {' | '.join(row)} |" for row in (_ROWS[0], ("---",) * 3, *_ROWS[1:])]
    return f"---\ntitle: Norway\n---\n# Cities\n{_TEXT}\n".encode() + "\n".join(rows).encode() + b"\n\n- one\n- two\n"


def _json(suffix: str) -> bytes:
    if suffix == ".geojson":
        point = {
            "type": "Feature",
            "properties": {"name": "Oslo"},
            "geometry": {"type": "Point", "coordinates": [1, 2]},
        }
        return json.dumps({"type": "FeatureCollection", "features": [point, point]}).encode()
    return json.dumps([dict(zip(_ROWS[0], row, strict=True)) for row in _ROWS[1:]]).encode()


def _jsonl(suffix: str) -> bytes:
    return b'{"id": 1, "title": "Oslo", "text": "A capital."}\n{"id": 2, "title": "Bergen", "text": "A city."}\n'


def _wiki(suffix: str) -> bytes:
    return f'<doc id="1" url="https://example.org/1" title="Oslo">\nOslo\n\n{_TEXT}</doc>\n'.encode() * 2


def _mail(suffix: str) -> bytes:
    head = (
        "From: a@example.org\nTo: b@example.org\nSubject: =?utf-8?q?Cities?=\nDate: Sat, 28 Nov 2026 10:00:00 +0000\n"
    )
    body = 'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
    mail = f"{head}{body}{_TEXT}\n--b\nContent-Type: text/html\n\n<p>{_TEXT}</p>\n--b--\n"
    return (f"From a@example.org Sat Nov 28 10:00:00 2026\n{mail}\n" * 2 if suffix == ".mbox" else mail).encode()


def _notebook(suffix: str) -> bytes:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Cities\n", _TEXT]},
        {"cell_type": "code", "metadata": {}, "source": "1 + 1", "outputs": [{"output_type": "stream", "text": "2"}]},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _docx(suffix: str) -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Cities", 1)
    document.add_paragraph(_TEXT)
    table = document.add_table(len(_ROWS), len(_ROWS[0]))
    for cells, row in zip(table.rows, _ROWS, strict=True):
        for cell, text in zip(cells.cells, row, strict=True):
            cell.text = text
    packed = io.BytesIO()
    document.save(packed)
    return packed.getvalue()


def _xlsx(suffix: str) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in _ROWS:
        book.active.append(row)
    book.create_sheet("More").append(["a", 1, 2.5, "=1+1"])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _pptx(suffix: str) -> bytes:
    names = 'xmlns:a="urn:a" xmlns:p="urn:p" xmlns:r="urn:r"'
    shape = (
        "<p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p>"
    )
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
    cells = "".join(f"<a:tr>{''.join(map(cell.format, row))}</a:tr>" for row in _ROWS)
    slide = f"{_XML}<p:sld {names}>{shape.format('Cities')}</p:txBody></p:sp><a:tbl>{cells}</a:tbl></p:sld>"
    listed = '<p:sldIdLst><p:sldId r:id="r1"/></p:sldIdLst>'
    return write_zip(
        {
            "_rels/.rels": _relations("officeDocument", "ppt/presentation.xml"),
            "ppt/presentation.xml": f"{_XML}<p:presentation {names}>{listed}</p:presentation>",
            "ppt/_rels/presentation.xml.rels": _relations("slide", "slides/slide1.xml"),
            "ppt/slides/slide1.xml": slide,
        }
    )


def _relations(kind: str, target: str) -> str:
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'{_XML}<Relationships xmlns="{_RELATIONS}">{relation}</Relationships>'


def write_open_document(body: str, *, head: str = "") -> bytes:
    names = 'xmlns:office="urn:o" xmlns:text="urn:t" xmlns:table="urn:b" xmlns:draw="urn:d"'
    content = (
        f"{_XML}{head}<office:document-content {names}><office:body>{body}</office:body></office:document-content>"
    )
    return write_zip({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def _odf(suffix: str) -> bytes:
    rows = "".join(
        "<table:table-row>" + "".join(f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in row)
        + "</table:table-row>" for row in _ROWS
    )  # fmt: skip
    table = f'<table:table table:name="Cities">{rows}</table:table>'
    match suffix[:3]:
        case ".od" if suffix == ".ods":
            return write_open_document(f"<office:spreadsheet>{table}</office:spreadsheet>")
        case _ if suffix in (".odp", ".otp"):
            page = f'<draw:page draw:name="One"><text:p>{_TEXT}</text:p></draw:page>'
            return write_open_document(f"<office:presentation>{page}</office:presentation>")
        case _ if suffix == ".ots":
            return write_open_document(f"<office:spreadsheet>{table}</office:spreadsheet>")
    head = '<text:h text:outline-level="1">Cities</text:h>'
    return write_open_document(f"<office:text>{head}<text:p>{_TEXT}</text:p>{table}</office:text>")


def _parquet(suffix: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = dict(zip(_ROWS[0], zip(*_ROWS[1:], strict=True), strict=True))
    packed = io.BytesIO()
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), packed)
    return packed.getvalue()


def _pdf(suffix: str) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    packed = io.BytesIO()
    page = Canvas(packed, pageCompression=0)
    for number, line in enumerate(_TEXT.splitlines()):
        page.drawString(72, 720 - 20 * number, line)
    for y, row in enumerate(_ROWS):
        for x, text in enumerate(row):
            page.drawString(72 + 150 * x, 600 - 20 * y, text)
    page.showPage()
    page.save()
    return packed.getvalue()


def _picture(suffix: str) -> bytes:
    from PIL import Image

    if suffix in (".svg", ".svgz"):
        drawn = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><text x="5" y="20">{_TEXT}</text></svg>'
        )
        return gzip.compress(drawn.encode()) if suffix == ".svgz" else drawn.encode()
    if suffix in (".heic", ".heif"):
        from held_files import HEIC

        return HEIC
    kind = {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())
    packed = io.BytesIO()
    Image.new("RGB", (32, 24), "teal").save(packed, kind)
    return packed.getvalue()


def _sqlite(suffix: str) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.db")
        db = sqlite3.connect(file)
        db.execute(f"create table cities ({', '.join(_ROWS[0])})")
        db.executemany("insert into cities values (?, ?, ?)", _ROWS[1:])
        db.execute("create view large as select * from cities where people > 500000")
        db.commit()
        db.close()
        return file.read_bytes()


_MAKERS: dict[str, Callable[[str], bytes]] = {
    "text": _text, "delimited": _delimited, "html": _html, "markdown": _markdown, "json": _json, "jsonl": _jsonl,
    "wiki": _wiki, "mail": _mail, "notebook": _notebook, "docx": _docx, "xlsx": _xlsx, "pptx": _pptx, "odf": _odf,
    "parquet": _parquet, "pdf": _pdf, "pictures": _picture, "sqlite": _sqlite, "archive": _archive, "epub": _epub,
    "outlook": _outlook, "rst": _rst, "rtf": _rtf, "xls": _xls,
}  # fmt: skip
"""By the name of the reader."""

"""Uploads files made to take all memory, all time or the process with them, and watches the server meanwhile.

Over a hundred of them, small as files, of every kind of reader. Each comes with a sound file in the same upload: that
must be indexed; the bomb must be read within the limits, or be reported in a line. The server may not take more than
1 GB, nor the process that reads (and a tenth, which it may take before it is seen), no file more than its time, and
/healthz must answer all the while. The system keeps the peak of each process, which begins anew with each bomb, so that
the one that passes a limit is named. What was read of a bomb is removed before the next one comes. They come one by
one, since two at once would keep all cores of a small machine, and /healthz would measure that.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.robust.rows import Row, is_clear, is_over, show, tell, write_peaks
from benchmarks.robust.samples import list_samples, write_open_document, write_zip
from benchmarks.robust.server import (
    forget_peak,
    read_cpu_of_children,
    read_memory,
    read_peak,
    read_peak_of_children,
    remove,
    request,
    start_server,
    upload,
    wait_for_job,
    watch,
)

BOMBS = 100
"""Of some 165 that there are, so that all parts end within half an hour."""
MOST_MIB = 10**9 >> 20
"""Of the server's own process."""
MOST_MIB_READING = 1_100_000_000 >> 20
MOST_SECONDS = 30.0
"""Of CPU that reading one bomb may take: the limit of 28, and until it is seen."""
MOST_P99 = 100.0
"""Milliseconds of /healthz."""
PATIENCE = 150.0
"""Seconds until a job must have ended: reading has 28 of CPU, and what comes of it a few thousand entries at most."""
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    bombs = rng.sample(list(make_bombs()), max(4, round(BOMBS * share)))
    survived = reported = 0
    took: dict[str, float] = {}
    """Seconds of CPU for reading each."""
    lasted: dict[str, float] = {}
    """Seconds until each was read, and removed again."""
    peaks: dict[str, int] = {}
    """MiB of the server while each was taken in and removed."""
    reading: dict[str, int] = {}
    """MiB of the process that read it."""
    with start_server(folder) as (port, process), watch(port, process) as seen:
        for number, (name, make) in enumerate(bombs):
            if is_over():
                break
            sound = f"sound{number}.txt"
            data, began = make(), read_cpu_of_children(process)
            forget_peak(process)
            started, reading[name] = time.monotonic(), 0

            def look(name: str = name) -> None:
                reading[name] = max(reading[name], read_peak_of_children(process))

            status, said = upload(port, {name: data, sound: f"Tower {number} is sound.".encode()})
            job = wait_for_job(port, said["job"], PATIENCE, look) if status == 202 else {"state": f"status {status}"}
            look()
            took[name] = read_cpu_of_children(process) - began
            faults = [] if job["state"] == "done" else [str(job)[:300]]
            problems = [problem for problem in job.get("report", {}).get("problems", ()) if name in problem["path"]]
            reported += bool(problems)
            faults += [f"unclear: {problem['reason']}" for problem in problems if not is_clear(problem["reason"])]
            if not json.loads(request(port, "GET", f"/v1/kbs/text/entries?source=uploads/{sound}")[1]).get("entries"):
                faults.append("the sound file beside it is not indexed")
            if faults:
                tell(name, faults)
            else:
                survived += 1
            what = problems[0]["reason"][:80] if problems else "read"
            remove(port, name, PATIENCE)  # so that the next one does not meet all that these became
            peaks[name], lasted[name] = read_peak(process), time.monotonic() - started
            said = f"{len(data):,} bytes, {lasted[name]:.1f} s, {took[name]:.1f} s of CPU for reading"
            said += f", MiB at most: reading {reading[name]}, server {peaks[name]} (now {read_memory(process)})"
            show(f"{number + 1} of {len(bombs)}: {name}, {said}: {what}")
    [watched] = seen
    note = f"{reported} reported, the others read; {len(bombs) - len(took)} not reached in the time; {watched}"
    yield Row("bombs uploaded beside a sound file", len(took), survived, note)
    slowest = max(took, key=lambda name: took[name])
    within = sum(seconds < MOST_SECONDS for seconds in took.values())
    note = f"slowest {took[slowest]:.0f} s ({slowest}), {sum(took.values()):.0f} s together; "
    longest = sorted(lasted, key=lambda name: -lasted[name])[:5]
    note += f"by the clock {', '.join(f'{name} {lasted[name]:.0f} s' for name in longest)}"
    yield Row(f"bombs that are read, or given up, in less than {MOST_SECONDS:g} s of CPU", len(took), within, note)
    yield Row("bombs at which the server stays below 1 GB", len(peaks), *write_peaks(peaks, MOST_MIB))
    yield Row("bombs that are read in less than 1.1 GB", len(reading), *write_peaks(reading, MOST_MIB_READING))
    yield Row(f"/healthz p99 below {MOST_P99:g} ms all the while", 1, int(watched.p99 < MOST_P99), watched.health)


def make_bombs() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """(file name, what makes its content); each kind in a few sizes."""
    for n in (10**5, 10**9, 2 * 10**9):
        yield (
            f"span{n}.docx",
            lambda n=n: _docx(f'<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="{n}"/></w:tcPr></w:tc></w:tr></w:tbl>'),
        )
        yield f"columns{n}.ods", lambda n=n: _sheet(f'table:number-columns-repeated="{n}"', "")
        yield f"rows{n}.ods", lambda n=n: _sheet("", f'table:number-rows-repeated="{n}"')
        yield (
            f"blanks{n}.odt",
            lambda n=n: write_open_document(f'<office:text><text:p>a<text:s text:c="{n}"/>b</text:p></office:text>'),
        )
        yield f"span{n}.html", lambda n=n: f"<table><tr><td colspan={n} rowspan={n}>a<td>b</table>".encode()
        yield f"far{n}.xlsx", lambda n=n: _xlsx(f'<row r="{n}"><c r="XFD{n}" t="inlineStr"><is><t>a</t></is></c></row>')
        yield f"size{n}.png", lambda n=n: _png(n, n)
    for mode in ("RGB", "RGBA", "P"):
        yield f"white{mode}.png", lambda mode=mode: _flat(mode)
    yield "whites.zip", lambda: write_zip(dict.fromkeys((f"{number}.png" for number in range(20)), _flat("RGBA")))
    for n in (10_000, 200_000, 2_000_000):
        yield f"paragraphs{n}.docx", lambda n=n: _docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>" * n)
        yield (
            f"paragraphs{n}.odt",
            lambda n=n: write_open_document("<office:text>" + "<text:p>x</text:p>" * n + "</office:text>"),
        )
        yield f"rows{n}.xlsx", lambda n=n: _xlsx("<row><c t='inlineStr'><is><t>x</t></is></c></row>" * n)
        yield f"cells{n}.html", lambda n=n: b"<table><tr>" + b"<td>x" * n
        yield f"columns{n}.csv", lambda n=n: b",".join([b"x"] * n) + b"\n" + b",".join([b"1"] * n) + b"\n"
        yield f"quotes{n}.csv", lambda n=n: b'a,b\n"' + b"x\n" * n
        yield f"open{n}.md", lambda n=n: b"[" * n + b"\n" + b"> " * (n // 10)
        yield f"headers{n}.eml", lambda n=n: b"X-A: b\n" * n + b"\nhello"
        yield f"docs{n}.jsonl.gz", lambda n=n: gzip.compress(b'{"text": "x"}\n' * n)
        yield f"blanks{n}.txt", lambda n=n: b"<" + b" " * n + b"\n" + b"x" * n
    for n in (1_000, 20_000, 100_000):
        yield f"deep{n}.html", lambda n=n: b"<div>" * n + b"x"
        yield f"deep{n}.json", lambda n=n: b"[" * n + b"]" * n
        yield f"deep{n}.docx", lambda n=n: _docx("<w:tbl><w:tr><w:tc>" * n + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * n)
        yield f"attributes{n}.html", lambda n=n: b"<p " + b" ".join(f"a{i}=1".encode() for i in range(3 * n)) + b">x"
        yield f"parts{n}.eml", lambda n=n: _nested_mail(n)
        yield f"files{n}.zip", lambda n=n: write_zip({f"{i}.txt": "x" for i in range(min(n, 20_000))})
    for mib in (50, 500, 1500):
        yield f"zeros{mib}.txt.gz", lambda mib=mib: _pack(b"a" * (1 << 20), mib)
        yield f"rows{mib}.csv.gz", lambda mib=mib: _pack(b"1,2\n" * (1 << 18), mib)
        yield f"line{mib}.jsonl.gz", lambda mib=mib: _pack(b" " * (1 << 20), mib)
        yield f"flat{mib}.pdf", lambda mib=mib: _pdf(mib)
        yield f"zeros{mib}.zip", lambda mib=mib: write_zip({"a.txt": b"a" * (min(mib, 500) << 20)})
        yield f"zeros{mib}.docx", lambda mib=mib: _docx("<w:p/>", {"word/media/a.xml": b"a" * (min(mib, 500) << 20)})
    for suffix, body in (("docx", "<w:p><w:r><w:t>&z;</w:t></w:r></w:p>"), ("docx", "<w:p>&z;</w:p>")):
        yield f"laughs{len(body)}.{suffix}", lambda body=body: _docx(body, head=_laughs())
    for suffix in ("html", "xhtml", "svg"):
        yield (
            f"laughs.{suffix}",
            lambda: f"{_XML}{_laughs()}<svg xmlns='http://www.w3.org/2000/svg'><text>&z;</text></svg>".encode(),
        )
    for size in (1 << 16, 1 << 20, 1 << 24):
        yield f"cells{size}.parquet", lambda size=size: _parquet(size)
        yield (
            f"cell{size}.db",
            lambda size=size: _sqlite(f"insert into t values (zeroblob({min(size * 8, 40 << 20)}), '{'x' * 9}')"),
        )
        yield f"number{size}.json", lambda size=size: b"[" + b"9" * size + b"]"
        yield f"text{size}.png", lambda size=size: _png(4, 4, b"zTXt", b"a\0\0" + zlib.compress(b"x" * size * 8))
    yield (
        "endless.db",
        lambda: _sqlite(
            "create view v as with recursive c(x) as (select 1 union all select x + 1 from c) select x from c"
        ),
    )
    yield "pages.pdf", lambda: _pdf_of("<</Type/Pages/Kids[2 0 R 2 0 R 2 0 R]/Count 99999999>>")
    yield "forms.pdf", lambda: _pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", b"/X Do " * 100_000)
    yield (
        "quine.zip",
        lambda: write_zip(
            {
                f"{i}.zip": write_zip({f"{j}.zip": write_zip({"a.txt": "x" * 10**6}) for j in range(20)})
                for i in range(20)
            }
        ),
    )
    yield "wiki_00.gz", lambda: _pack(b"<doc id='1' title='a'>\nx\n", 1)
    yield "styles.rtf", lambda: b"{\\rtf1 " + b"{" * 300_000 + b"x"
    yield "table.rtf", lambda: b"{\\rtf1 \\trowd" + b"\\cellx1" * 500_000 + b"\\intbl x\\cell\\row}"
    yield "sections.rst", lambda: b"\n".join(f"A{i}\n====\n".encode() for i in range(50_000))
    yield (
        "outputs.ipynb",
        lambda: json.dumps(
            {"cells": [{"cell_type": "code", "source": "x", "outputs": [{"text": "y" * 10**6}]}] * 40, "nbformat": 4}
        ).encode(),
    )

    # What stands in every entry: a title, a heading, a header; and records of any length.
    yield "title.jsonl", lambda: json.dumps({"title": "t" * 1_000_000, "text": "a b " * 200_000}).encode()
    yield "heading.html", lambda: b"<h1>" + b"h" * 1_000_000 + b"</h1><p>" + b"a b " * 200_000
    yield "heading.md", lambda: b"# " + b"h" * 1_000_000 + b"\n" + b"a b " * 200_000
    yield "header.csv", lambda: b",".join([b"h" * 1000] * 1000) + b"\n" + (b"1" + b"," * 999 + b"\n") * 20_000
    yield "caption.html", lambda: b"<table><caption>" + b"c" * 10**6 + b"</caption>" + b"<tr><td>x<td>y" * 20_000
    for mib in (20, 100, 200):
        yield f"words{mib}.txt.gz", lambda mib=mib: _pack(b"a b " * (1 << 18), mib)
    for n in (1_000, 20_000, 100_000):
        yield f"nested{n}.html", lambda n=n: b"<table><tr><td>" * n + b"x"
        yield f"groups{n}.svg", lambda n=n: _svg("<g>" * n + "<text>x</text>" + "</g>" * n)
        yield f"lists{n}.md", lambda n=n: b"\n".join(b" " * (i % 500) + b"- x" for i in range(n))
        yield f"quotes{n}.md", lambda n=n: b">" * n + b" x"
        yield (
            f"mails{n}.mbox",
            lambda n=n: b"From a@b.c Sat Nov 28 10:00:00 2026\nSubject: x\n\nhello\n\n" * min(n, 20_000),
        )
        yield f"chapters{n}.epub", lambda n=n: _epub(n)
        yield f"slides{n}.pptx", lambda n=n: _slides(n)
        yield f"same{n}.pdf", lambda n=n: _same_pages(n)
        yield f"frames{n}.gif", lambda n=n: _gif(n)
        yield f"entries{n}.tar", lambda n=n: _tar(min(n, 12_000))
    for count in (10**6, 10**7, 10**8):
        yield f"zeros{count}.parquet", lambda count=count: _zeros(count)
    for suffix in ("msg", "xls"):
        yield f"loop.{suffix}", lambda suffix=suffix: _loop_sectors(suffix)
    yield "use.svg", _use_of_use
    yield (
        "quadratic.xlsx",
        lambda: _xlsx(
            "<row>" + "<c t='inlineStr'><is><t>&a;</t></is></c>" * 20_000 + "</row>",
            f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>',
        ),
    )
    yield "laughs.odt", lambda: write_open_document("<office:text><text:p>&z;</text:p></office:text>", head=_laughs())
    yield "size.tar", lambda: _tar(1)[:124] + b"77777777777\0" + _tar(1)[136:]
    yield "zeros500.tgz", lambda: _pack_tar(500)


def _svg(inner: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60">{inner}</svg>'.encode()


def _use_of_use() -> bytes:
    """Twelve groups, each ten times the one before."""
    uses = (f"<use href='#a{i - 1}'/>" * 10 for i in range(12))
    return _svg("".join(f'<g id="a{i}">{use}</g>' for i, use in enumerate(uses)))


def _epub(n: int) -> bytes:
    """A book whose spine names one chapter of 50 KB so many times."""
    opf = "http://www.idpf.org/2007/opf"
    item = '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
    spine = '<itemref idref="a"/>' * n
    package = f'<package xmlns="{opf}"><metadata/><manifest>{item}</manifest><spine>{spine}</spine></package>'
    root = "<rootfiles><rootfile full-path='a.opf'/></rootfiles>"
    return write_zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f"{_XML}<container>{root}</container>",
            "a.opf": f"{_XML}{package}",
            "a.xhtml": f"<html><body><p>{'a b ' * 12_000}</p></body></html>",
        }
    )


def _slides(n: int) -> bytes:
    """A presentation that names its one slide so many times."""
    [(_, sound)] = [sample for name, sample in list_samples().items() if name == "a.pptx"]
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    slide = '<p:sldId r:id="r1"/>'
    named = bytes(parts["ppt/presentation.xml"]).decode()
    parts["ppt/presentation.xml"] = named.replace(slide, slide * n)
    return write_zip(parts)


def _same_pages(n: int) -> bytes:
    """So many pages that share one content of a hundred thousand words."""
    content = b"BT /F 9 Tf " + b"(word) Tj " * 100_000 + b"ET"
    packed = zlib.compress(content, 9)
    return _pdf_of(f"<</Type/Pages/Kids[{'3 0 R ' * n}]/Count {n}>>", packed, "/Filter/FlateDecode")


def _gif(n: int) -> bytes:
    frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    return b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame * n + b"\x3b"


def _tar(n: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(n):
            entry = tarfile.TarInfo(f"{number}.txt")
            entry.size = 1
            archive.addfile(entry, io.BytesIO(b"x"))
    return packed.getvalue()


def _pack_tar(mib: int) -> bytes:
    class Zeros(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"a" * size

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = mib << 20
        archive.addfile(entry, Zeros())
    return packed.getvalue()


def _zeros(count: int) -> bytes:
    """A column of so many zeros, a few kilobytes as a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = io.BytesIO()
    zeros = pa.array(np.zeros(count, np.int8))
    pq.write_table(pa.table({"a": zeros}), packed, compression="zstd", row_group_size=count)
    return packed.getvalue()


def _loop_sectors(suffix: str) -> bytes:
    """A compound file each of whose sectors is followed by itself."""
    [(_, sound)] = [sample for name, sample in list_samples().items() if name == f"a.{suffix}"]
    data = bytearray(sound)
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    table = (struct.unpack_from("<I", data, 76)[0] + 1) * size  # the first sector of its allocation table
    for number in range(size // 4):
        struct.pack_into("<I", data, table + 4 * number, number)
    return bytes(data)


def _docx(body: str, more: dict[str, bytes] | None = None, head: str = "") -> bytes:
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    return write_zip(
        {
            "[Content_Types].xml": f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": _relations("word/document.xml"),
            "word/document.xml": f"{_XML}{head}<w:document {names}><w:body>{body}</w:body></w:document>",
            **(more or {}),
        }
    )


def _relations(target: str) -> str:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    names = "http://schemas.openxmlformats.org/package/2006/relationships"
    relation = f'<Relationship Id="r1" Type="{kind}/officeDocument" Target="{target}"/>'
    return f'{_XML}<Relationships xmlns="{names}">{relation}</Relationships>'


def _laughs() -> str:
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghij", "bcdefghijz", strict=True))
    return f'<!DOCTYPE x [<!ENTITY a "ha ha ha ha">{entities}]>'


def _sheet(cell: str, row: str) -> bytes:
    inner = f"<table:table-cell {cell}><text:p>x</text:p></table:table-cell>"
    table = f'<table:table table:name="a"><table:table-row {row}>{inner}</table:table-row></table:table>'
    return write_open_document(f"<office:spreadsheet>{table}</office:spreadsheet>")


def _xlsx(rows: str, head: str = "") -> bytes:
    import openpyxl

    packed = io.BytesIO()
    openpyxl.Workbook().save(packed)
    with zipfile.ZipFile(packed) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    names = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts["xl/worksheets/sheet1.xml"] = f"{_XML}{head}<worksheet {names}><sheetData>{rows}</sheetData></worksheet>"
    return write_zip(parts)


def _png(width: int, height: int, kind: bytes = b"", more: bytes = b"") -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", min(width, 2**31 - 1), min(height, 2**31 - 1), 8, 2, 0, 0, 0)
    extra = chunk(kind, more) if kind else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def _flat(mode: str) -> bytes:
    """A picture of one colour and of as many pixels as are read at most, or so."""
    from PIL import Image

    packed = io.BytesIO()
    Image.new(mode, (9_400, 9_400), 1 if mode == "P" else "white").save(packed, "PNG")
    return packed.getvalue()


def _pack(piece: bytes, times: int) -> bytes:
    """A gzip file of a piece so many times over."""
    checksum = 0
    for _ in range(times):
        checksum = zlib.crc32(piece, checksum)
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + _deflate(piece, times) + struct.pack("<II", checksum, len(piece) * times & 0xFFFFFFFF)


def _deflate(piece: bytes, times: int) -> bytes:
    """The piece so many times over, packed once: a gigabyte takes seconds to pack."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)) * times + packer.flush()


def _nested_mail(depth: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(depth))
    return b"Subject: deep\nMIME-Version: 1.0\n" + head + b"Content-Type: text/plain\n\nhello\n"


def _pdf(mib: int) -> bytes:
    """A page whose content unpacks to so many MiB."""
    piece, checksum = b" " * (1 << 20), 1
    for _ in range(mib):
        checksum = zlib.adler32(piece, checksum)
    stream = b"\x78\xda" + _deflate(piece, mib) + struct.pack(">I", checksum)
    return _pdf_of("<</Type/Pages/Kids[3 0 R]/Count 1>>", stream, "/Filter/FlateDecode")


def _pdf_of(pages: str, content: bytes = b"", filtered: str = "") -> bytes:
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 12>>"
    form += b"stream\n/X Do /X Do \nendstream"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        pages.encode(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99999999 99999999]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
        f"<</Length {len(content)}{filtered}>>stream\n".encode() + content + b"\nendstream",
        form,
    ]
    whole, places = b"%PDF-1.7\n", []
    for number, data in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n" % number + data + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(whole)
    whole += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table
    return whole + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def _parquet(size: int) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = io.BytesIO()
    column = pa.array(["x" * size]).dictionary_encode()
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), column.dictionary)
    pq.write_table(pa.table({"a": rows, "b": pa.array([1] * 2000)}), packed, compression="zstd")
    return packed.getvalue()


def _sqlite(statement: str) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.db")
        db = sqlite3.connect(file)
        db.execute("create table t (a, b)")
        db.execute("insert into t values (1, 'x')")
        db.execute(statement)
        db.commit()
        db.close()
        return file.read_bytes()

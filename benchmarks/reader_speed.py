"""Reads made-up files of each kind, and the same with the library alone, to show what our part of a reader costs.

    python benchmarks/reader_speed.py

For each kind: MB of the file, MB per CPU second with our reader, with the library alone as its documentation reads such
a file, and the largest memory of the process so far. The best of three runs counts.
"""

from __future__ import annotations

import csv
import json
import resource
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from r1router.ingest.parts.find import find
from r1router.ingest.parts.read import read

WORDS = "The harbour crane lifts forty tonnes and was built beside the old mill in the year of the great flood. "
ROWS = 4_000


def make(folder: Path) -> dict[str, tuple[Path, Callable[[Path], Any]]]:
    """A file of each kind, and how its library reads it."""
    import openpyxl
    from docx import Document
    from reportlab.pdfgen import canvas

    rows = [["Plant", "Opened", "MW", "Owner"], *([f"Plant {n}", 1900 + n % 120, n * 1.5, "Nord"] for n in range(ROWS))]
    made: dict[str, tuple[Path, Callable[[Path], Any]]] = {}

    with (folder / "a.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows * 5)
    made["csv"] = folder / "a.csv", _read_csv
    (folder / "a.jsonl").write_text(
        "".join(json.dumps({"text": WORDS * 5, "town": "Lund"}) + "\n" for _ in range(ROWS))
    )
    made["jsonl"] = folder / "a.jsonl", lambda path: [json.loads(line) for line in path.open()]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "a.xlsx")
    made["xlsx"] = folder / "a.xlsx", _read_xlsx
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    page = f"<h1>Plants</h1>{f'<h2>Part</h2><p>{WORDS * 8}</p>' * 500}<table>{cells}</table>"
    (folder / "a.html").write_text(page)
    made["html"] = folder / "a.html", _read_html
    document = Document()
    for number in range(300):
        document.add_heading(f"Part {number}", 1)
        document.add_paragraph(WORDS * 8)
    document.save(str(folder / "a.docx"))
    made["docx"] = folder / "a.docx", _read_docx
    sheet = canvas.Canvas(str(folder / "a.pdf"))
    for _ in range(40):
        for line in range(50):
            sheet.drawString(50, 780 - 14 * line, WORDS[:90])
        sheet.showPage()
    sheet.save()
    made["pdf"] = folder / "a.pdf", _read_pdf
    (folder / "a.md").write_text(f"# Plants\n\n{f'## Part{chr(10) * 2}{WORDS * 8}{chr(10) * 2}' * 1_000}")
    made["md"] = folder / "a.md", lambda path: path.read_text()
    with sqlite3.connect(folder / "a.db") as base:
        base.execute("CREATE TABLE plants (name, opened, mw, owner)")
        base.executemany("INSERT INTO plants VALUES (?, ?, ?, ?)", rows[1:] * 5)
    base.close()
    made["sqlite"] = folder / "a.db", lambda path: sqlite3.connect(path).execute("SELECT * FROM plants").fetchall()
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "text", "table"))
    lines = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
        + "</table:table-row>"
        for row in rows
    )
    with zipfile.ZipFile(folder / "a.ods", "w", zipfile.ZIP_DEFLATED) as archive:
        content = (
            f"<office:body><office:spreadsheet><table:table>{lines}</table:table></office:spreadsheet></office:body>"
        )
        archive.writestr("content.xml", f"<office:document-content {spaces}>{content}</office:document-content>")
    made["ods"] = folder / "a.ods", _read_ods
    return made


def _read_csv(path: Path) -> Any:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def _read_xlsx(path: Path) -> Any:
    import openpyxl

    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path, data_only=True).active.iter_rows()]


def _read_html(path: Path) -> Any:
    from lxml import html

    return html.parse(str(path)).getroot().text_content()


def _read_docx(path: Path) -> Any:
    from docx import Document

    return [paragraph.text for paragraph in Document(str(path)).paragraphs]


def _read_pdf(path: Path) -> Any:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    return [page.get_textpage().get_text_range() for page in document]


def _read_ods(path: Path) -> Any:
    from lxml import etree

    with zipfile.ZipFile(path) as archive:
        return "".join(etree.fromstring(archive.read("content.xml")).itertext())


def measure(work: Callable[[], Any]) -> float:
    """CPU seconds, the best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    print("| kind | MB | ours, MB/s | the library alone, MB/s | share | memory so far, MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for kind, (path, alone) in make(Path(scratch)).items():
            [file] = find([path])
            size = path.stat().st_size / 1e6
            ours = measure(lambda file=file: list(read(file)))  # type: ignore[misc]
            its_own = measure(lambda path=path, alone=alone: alone(path))  # type: ignore[misc]
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            share = its_own / ours
            print(
                f"| {kind} | {size:.2f} | {size / ours:.2f} | {size / its_own:.2f} | {share:.2f} | {memory:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

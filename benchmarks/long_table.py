"""Indexes a long csv and queries it, because neither its memory nor a count's time may grow with it unseen.

    python benchmarks/long_table.py --rows 1000000

It prints the seconds and the peak memory of indexing in a process of its own, the size on disk, and the engine's
seconds for some queries, each on a table opened anew and on one that is open.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from r1router.kb.stores.folder.long_tables import FOLDER
from r1router.kb.stores.folder.table import open_table
from r1router.tables.engine import Tables

COUNTRIES = ["Norway", "Peru", "Ghana", "Japan", "Chile", "Kenya", "Nepal", "Spain", "Italy", "Samoa"]
QUERIES = (
    "SELECT count(*) FROM t WHERE \"Country\" = 'Norway' AND \"Ordered\" BETWEEN '2024-03-01' AND '2024-03-31'",
    'SELECT avg("Price") FROM t WHERE "Power" > 2',
    'SELECT "Country", sum("Price") FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 3',
    'SELECT "Order", "Price" FROM t ORDER BY "Price" DESC LIMIT 1',
)


def write_csv(path: Path, rows: int) -> None:
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as out:
        out.write("Order,Country,Ordered,Price,Power,Note\n")
        for n in range(1, rows + 1):
            day = f"{rng.randint(1, 28)} {rng.choice(('January', 'March', 'July'))} {rng.randint(2020, 2025)}"
            price, power = f'"${rng.randint(100, 900_000) / 100:,.2f}"', f"{rng.randint(1, 60) / 10} kW"
            out.write(f"A-{n:07d},{rng.choice(COUNTRIES)},{day},{price},{power},pump no {n}\n")


def index(file: Path, kbs: Path) -> None:
    """In a process of its own, so that its peak memory is that of indexing."""
    from r1router.ingest.run import index as run

    began = time.perf_counter()
    report = run([file], kbs)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"indexed {report.kbs['table'].added:,} entries in {seconds:.1f} s; peak memory {peak:,.0f} MB")
    for problem in report.problems:
        print(f"  {problem.where}: {problem.reason}")


def size(path: Path) -> float:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) / 1e6


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        file, kbs = Path(scratch) / "orders.csv", Path(scratch) / "kbs"
        write_csv(file, rows)
        print(f"{rows:,} rows, {file.stat().st_size / 1e6:.1f} MB")
        subprocess.run([sys.executable, __file__, "--index", file, kbs], check=True)
        folder = kbs / "table"
        print(f"on disk: {size(folder):.1f} MB, of which columns {size(folder / FOLDER):.1f} MB")
        from r1router.kb import open_kb

        table = open_table(folder)
        assert table is not None
        id = table.search().limit(1).to_list()[0]["id"]
        for sql in QUERIES:
            began = time.perf_counter()
            result = open_kb(folder).compute(id, sql)
            print(f"{time.perf_counter() - began:.3f} s from the closed index: {sql}\n        {result.rows[0]}")
        files = list((folder / FOLDER).glob("*.parquet"))
        if files:
            with Tables(files[0]) as tables:
                for sql in QUERIES:
                    began = time.perf_counter()
                    tables.query(sql)
                    print(f"{time.perf_counter() - began:.3f} s of the engine: {sql}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--index", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    index(*given.index) if given.index else main(given.rows)

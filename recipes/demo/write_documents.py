"""Write the demo's binary documents and tables (docx, pdf, xlsx, sqlite) from the words and numbers below.

    python recipes/demo/write_documents.py [FOLDER]

FOLDER is `src/r1router/demo_data` where it is not given. Needs the `dev` extra (reportlab).
"""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "src" / "r1router" / "demo_data"
WRITTEN = datetime(2025, 1, 1, tzinfo=UTC)
"""Date put into every file, so that writing them again changes as little as possible."""

ANDERSEN = (
    ("Hans Christian Andersen", 0),
    (
        "Hans Christian Andersen was a Danish writer. He was born on 2 April 1805 in Odense, the son of a "
        "shoemaker and a washerwoman, and went to Copenhagen alone when he was fourteen to become an actor.",
        None,
    ),
    ("Fairy tales", 1),
    (
        "His first booklet of fairy tales came out in 1835. The Little Mermaid followed in 1837, The Ugly "
        "Duckling in 1843 and The Snow Queen in 1844. He wrote more than 150 tales, and they have been "
        "translated into well over a hundred languages.",
        None,
    ),
    ("The statue in the harbour", 1),
    (
        "The bronze statue of the Little Mermaid on the shore of Copenhagen was made by the sculptor Edvard "
        "Eriksen. The brewer Carl Jacobsen paid for it and gave it to the city in 1913.",
        None,
    ),
    (
        "Andersen died on 4 August 1875 in Copenhagen, where he is buried in the Assistens Cemetery.",
        None,
    ),
)

OLYMPICS = (
    (
        "The Olympic Games of 1896",
        "The first Olympic Games of modern times were held in Athens, the capital of Greece. King George I "
        "opened them on 6 April 1896 in the Panathenaic Stadium, which is built of white marble. Pierre de "
        "Coubertin had proposed them at a congress in Paris two years before, and Demetrios Vikelas became "
        "the first president of the International Olympic Committee.",
        "Winners received a silver medal and an olive branch. Gold medals were given only from 1904 on.",
    ),
    (
        "The first marathon",
        "The marathon was a new race. It followed the legend of a messenger who ran from the battlefield of "
        "Marathon to Athens to announce the victory over the Persians in 490 BC.",
        "Spyridon Louis, a water carrier from the village of Marousi, won the race on 10 April 1896 in just "
        "under three hours and became a national hero. The large stadium in Athens in which the Olympic "
        "Games of 2004 took place bears his name.",
    ),
)

MOUNTAINS = {
    "Seven summits": (
        ("Mountain", "Continent", "Height (m)", "First ascent"),
        ("Everest", "Asia", 8849, 1953),
        ("Aconcagua", "South America", 6961, 1897),
        ("Denali", "North America", 6190, 1913),
        ("Kilimanjaro", "Africa", 5895, 1889),
        ("Elbrus", "Europe", 5642, 1874),
        ("Vinson", "Antarctica", 4892, 1966),
        ("Puncak Jaya", "Oceania", 4884, 1962),
    ),
    "Highest of the country": (
        ("Country", "Highest mountain", "Height (m)"),
        ("Argentina", "Aconcagua", 6961),
        ("Peru", "Huascarán", 6768),
        ("Kenya", "Mount Kenya", 5199),
        ("Morocco", "Toubkal", 4167),
        ("Austria", "Grossglockner", 3798),
        ("Japan", "Mount Fuji", 3776),
        ("New Zealand", "Aoraki / Mount Cook", 3724),
        ("Germany", "Zugspitze", 2962),
        ("Thailand", "Doi Inthanon", 2565),
        ("Norway", "Galdhøpiggen", 2469),
        ("Jamaica", "Blue Mountain Peak", 2256),
        ("Iceland", "Hvannadalshnúkur", 2110),
        ("Ukraine", "Hoverla", 2061),
        ("Czechia", "Sněžka", 1603),
        ("Finland", "Halti", 1324),
        ("Ireland", "Carrauntoohil", 1039),
        ("Estonia", "Suur Munamägi", 318),
    ),
}

NATIONAL_DAYS = (
    ("Austria", "26 October", "law on permanent neutrality", 1955),
    ("Bangladesh", "26 March", "declaration of independence", 1971),
    ("Botswana", "30 September", "independence from the United Kingdom", 1966),
    ("Colombia", "20 July", "declaration of independence from Spain", 1810),
    ("Czechia", "28 October", "foundation of Czechoslovakia", 1918),
    ("Estonia", "24 February", "declaration of independence", 1918),
    ("Finland", "6 December", "declaration of independence", 1917),
    ("France", "14 July", "storming of the Bastille", 1789),
    ("Germany", "3 October", "reunification", 1990),
    ("Greece", "25 March", "beginning of the war of independence", 1821),
    ("Iceland", "17 June", "foundation of the republic", 1944),
    ("Italy", "2 June", "vote for the republic", 1946),
    ("Jamaica", "6 August", "independence from the United Kingdom", 1962),
    ("Mali", "22 September", "independence", 1960),
    ("Nigeria", "1 October", "independence from the United Kingdom", 1960),
    ("Norway", "17 May", "signing of the constitution", 1814),
    ("Peru", "28 July", "declaration of independence from Spain", 1821),
    ("Poland", "11 November", "independence regained", 1918),
    ("Sweden", "6 June", "election of Gustav Vasa as king", 1523),
    ("Switzerland", "1 August", "federal charter", 1291),
    ("Ukraine", "24 August", "declaration of independence", 1991),
)


def write_docx(path: Path) -> None:
    import docx

    document = docx.Document()
    document.core_properties.title = "Hans Christian Andersen"
    document.core_properties.author = "r1router"
    document.core_properties.created = document.core_properties.modified = WRITTEN
    for text, level in ANDERSEN:
        if level is None:
            document.add_paragraph(text)
        else:
            document.add_heading(text, level)
    document.save(str(path))


def write_pdf(path: Path) -> None:
    """One page for each chapter."""
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    styles = getSampleStyleSheet()
    flow = []
    for heading, *paragraphs in OLYMPICS:
        flow.append(Paragraph(heading, styles["Heading1"]))
        flow.extend(Paragraph(text, styles["BodyText"]) for text in paragraphs)
        flow.append(PageBreak())
    SimpleDocTemplate(str(path), pagesize=A5, title="The Olympic Games of 1896", author="r1router", invariant=1).build(
        flow
    )


def write_xlsx(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    book.properties.created = book.properties.modified = WRITTEN.replace(tzinfo=None)
    for title, rows in MOUNTAINS.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


def write_sqlite(path: Path) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA page_size = 1024")
        base.execute("CREATE TABLE national_days (country TEXT, date TEXT, occasion TEXT, year INTEGER)")
        base.executemany("INSERT INTO national_days VALUES (?, ?, ?, ?)", NATIONAL_DAYS)
    base.close()


def main(folder: Path = FOLDER) -> None:
    for name in ("text", "tables"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_docx(folder / "text" / "hans-christian-andersen.docx")
    write_pdf(folder / "text" / "olympic-games-1896.pdf")
    write_xlsx(folder / "tables" / "mountains.xlsx")
    write_sqlite(folder / "tables" / "national-days.sqlite")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)

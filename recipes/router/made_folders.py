"""Fills the folders written by hand in `folders/` with names and numbers, so that one text gives many folders.

A folder of theirs begins with `= name | language | what it is`. Then come

    + text PATH | TITLE             a document: the line after it is its text
    - PATH | TITLE                  the same, out of date: nothing is asked of it
    + table PATH | TITLE            its columns in `cols: name:form | …`, its length in `rows: n`
    + image PATH | CAPTION          a picture with its caption in a file beside it
    ? question // other wording | answer            asked of the entry above
    ?? question | SELECT …          asked of the table above, and computed; [[column]] is a cell of one of its rows
    & question => sub-question | kind | answer => …     asked in several steps; `cell(column=value,other)` looks one up
                                    in any table, `query(SELECT …)` asks the table above, and `row(column=value)` is
                                    that value, with the other cells of its row as [[column]] of the questions
    ! question                      nothing in the folder answers it

In `readings/` a document is `# PATH | TITLE` with its text on the lines after it; an answer may be `unknown`, and of
several between ` || ` it is the first.

`{P1}` is a person, `{C1}` a town, `{B1}` a firm, `{W1}` a title, `{I1}` a number with letters, `{M1}` a month, `{d1}` a
date, `{t1}` a time, `{n1=2-9}` a number, `{X1=a|b}` one of these; the same everywhere in the folder.
"""

from __future__ import annotations

import itertools
import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import invented

from r1router.errors import QueryError
from r1router.table import TableBlock
from r1router.tables.engine import compute

FOLDERS = Path(__file__).parent / "folders"
_AFTER_TEXT = ("# ", "? ", "& ", "+ ")
"""What the line after a document's text begins with, in `readings/`."""
_SLOT = re.compile(r"\{([A-Za-z]+)(\d*)(?:=([^{}]*))?\}")
_WORDS = tomllib.loads((FOLDERS / "words.toml").read_text(encoding="utf-8"))
_PERSONS, _MONTHS, _ZH = _WORDS["persons"], _WORDS["months"], _WORDS["chinese"]
_SIDES = {"ja": "yes", "nein": "no", "oui": "yes", "non": "no", "sí": "yes", "可以": "yes", "不可以": "no"}
"""A copied answer says yes and no in one language, so that a small model learns two words and not ten."""


@dataclass
class Table:
    path: str
    title: str
    header: list[str]
    rows: list[list[str]]

    @property
    def block(self) -> TableBlock:
        """The whole of it, as an engine asks it."""
        return TableBlock(self.title, header=tuple(self.header), rows=tuple(map(tuple, self.rows)))


@dataclass
class Hop:
    sub_question: str
    kind: str
    answer: str
    path: str = ""
    """The file that says it; empty where it is told by another hop's table."""
    sql: str = ""


@dataclass
class Asked:
    """One question with its hops; without any where the folder does not answer it."""

    question: str
    answer: str
    hops: list[Hop] = field(default_factory=list)
    other_wordings: list[str] = field(default_factory=list)


@dataclass
class Made:
    """A filled folder: texts and captions by path, tables, and what is asked of them."""

    name: str
    language: str
    texts: dict[str, str] = field(default_factory=dict)
    captions: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


def read_folders(written: Path = FOLDERS, files: str = "*.txt") -> list[list[str]]:
    """The folders as they were written: the lines of each."""
    found: list[list[str]] = []
    for file in sorted(written.glob(files)):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("= "):
                found.append([])
            if line.strip():
                found[-1].append(line.rstrip())
    return found


def fill(lines: Sequence[str], rng: random.Random) -> Made:
    """One folder with everything drawn."""
    name, language = (part.strip() for part in lines[0][2:].split("|")[:2])
    made = Made(name, language)
    slots: dict[str, str] = {}
    draw = _Draw(language, rng, slots)
    kind, path, text_ends = "", "", 0
    for number, line in enumerate(lines[1:], 1):
        if number < text_ends:
            continue
        if line.startswith(("+ ", "- ")):
            kind, head = line[2:].split(" ", 1) if line[0] == "+" else ("old", line[2:])
            path, title = (draw(part.strip()) for part in head.split("|", 1))
            if kind in ("text", "old"):
                made.texts[path] = f"{title}\n\n{draw(lines[number + 1])}"
            elif kind == "image":
                made.captions[path] = title
            else:
                made.tables[path] = _table(path, title, lines[number + 1], lines[number + 2], draw)
        elif line.startswith("# ") and "|" in line:
            kind, (path, title) = "text", (part.strip() for part in line[2:].split("|", 1))
            body = [*itertools.takewhile(lambda after: not after.startswith(_AFTER_TEXT), lines[number + 1 :])]
            made.texts[path] = "\n".join([title, "", *body])
            text_ends = number + 1 + len(body)
        elif line.startswith("?? "):
            _ask_table(made, path, line[3:], rng)
        elif line.startswith("? "):
            wordings, answer = line[2:].split(" || ")[0].rsplit("|", 1)
            wording = _one_wording(wordings, rng)
            others = [draw(other.strip()) for other in wordings.split("//") if other.strip() != wording]
            question, told = draw(wording), draw(answer.strip())
            told = _SIDES.get(told, told)
            hops = [] if told == "unknown" else [Hop(question, kind, told, path)]
            made.asked.append(Asked(question, told, hops, others))
        elif line.startswith("! "):
            made.asked.append(Asked(draw(line[2:]), "unknown"))
        elif line.startswith("& ") and "=>" in line:
            _ask_chain(made, path, line[2:], draw)
    return made


class _Draw:
    """Fills the slots of a text; what was drawn once stays."""

    def __init__(self, language: str, rng: random.Random, slots: dict[str, str]) -> None:
        self.language, self.rng, self.slots = language, rng, slots

    def __call__(self, text: str) -> str:
        return _SLOT.sub(self._one, text)

    def _one(self, match: re.Match[str]) -> str:
        kind, number, given = match.groups()
        key = kind + number
        if key not in self.slots:
            self.slots[key] = self._new(kind, given)
        return self.slots[key]

    def _new(self, kind: str, given: str | None) -> str:
        rng = self.rng
        if given and "|" in given:
            return rng.choice(given.split("|"))
        if kind == "boat":
            return invented.word(rng)
        match kind[:1]:
            case "P":
                return self.person()
            case "C" if self.language == "zh":
                return "".join(rng.sample(_ZH["place"], 2))
            case "C" | "B":
                return invented.word(rng)
            case "W":
                return " ".join(invented.word(rng, 2) for _ in range(rng.choice((1, 2, 2, 3))))
            case "I":
                return f"{rng.choice('ABDEFHKMRST')}{rng.choice('ABDEFHKMRST')}-{rng.randrange(100, 99999)}"
            case "M":
                return f"{rng.randrange(1, 13)}月" if self.language == "zh" else rng.choice(_MONTHS[self.language])
            case "d":
                return self.date()
            case "t":
                return f"{rng.randrange(6, 22)}:{rng.choice(('00', '15', '30', '45'))}"
            case _:
                low, high = (int(n) for n in (given or "2-90").split("-"))
                return str(rng.randrange(low, high + 1))

    def person(self) -> str:
        rng = self.rng
        if self.language == "zh":
            return rng.choice(_ZH["family"]) + "".join(rng.sample(_ZH["given"], rng.choice((1, 2))))
        first = rng.choice(_PERSONS[self.language])
        if rng.random() < 0.8:
            return f"{first} {invented.word(rng)}"
        return f"{rng.choice(('Dr.', 'Mr.', 'Ms.'))} {invented.word(rng)}" if self.language == "en" else first

    def date(self) -> str:
        rng = self.rng
        day, year = rng.randrange(1, 29), rng.choice((2024, 2025, 2026))
        if self.language == "zh":
            return f"{year}年{rng.randrange(1, 13)}月{day}日"
        month = rng.choice(_MONTHS[self.language])
        forms = {
            "en": ("{day} {month} {year}", "{month} {day}", "{day} {month}"),
            "de": ("{day}. {month} {year}", "{day}. {month}"),
            "fr": ("{day} {month} {year}", "{day} {month}"),
            "es": ("{day} de {month} de {year}",),
            "it": ("{day} {month} {year}", "{day} {month}"),
            "nl": ("{day} {month} {year}", "{day} {month}"),
        }
        return rng.choice(forms[self.language]).format(day=day, month=month, year=year)


# ── tables ─────────────────────────────────────────────────────────────────────────────────────


def _table(path: str, title: str, columns: str, rows: str, draw: _Draw) -> Table:
    parts = [part.strip().split(":", 1) for part in columns.removeprefix("cols:").split("|")]
    header, forms = [name for name, _ in parts], [form for _, form in parts]
    people = next((form for form in forms if form.startswith("people(")), "")
    count = rows.removeprefix("rows:").strip()
    size = len(people[7:-1].split(",")) if count == "all" else int(count)
    if count != "all":
        size = max(6, round(size * draw.rng.uniform(0.5, 1.3)))
    made = [_column(form, size, draw) for form in forms]
    size = min(map(len, made))
    return Table(path, title, header, [[column[n] for column in made] for n in range(size)])


def _column(form: str, size: int, draw: _Draw) -> list[str]:
    rng = draw.rng
    kind, _, given = form.partition("(")
    given = given.rstrip(")")

    def pool(make: object, default: int) -> list[str]:
        return [make() for _ in range(int(given) if given.isdigit() else default)]  # type: ignore[operator]

    def some(values: Sequence[str]) -> list[str]:
        return [rng.choice(values) for _ in range(size)]

    def each(values: Sequence[str]) -> list[str]:
        return rng.sample(list(values), min(size, len(values)))

    low, high = (float(n) for n in given.split("-")) if re.fullmatch(r"[\d.]+-[\d.]+", given) else (0.0, 1.0)
    match kind:
        case "pick":
            return some(given.split(","))
        case "cycle":
            return given.split(",") * size
        case "repeat":
            times, *values = given.split(",")
            return [value for value in values for _ in range(int(times))]
        case "int" | "year":
            return [str(rng.randrange(int(low), int(high) + 1)) for _ in range(size)]
        case "dec":
            return [f"{rng.uniform(low, high):.1f}" for _ in range(size)]
        case "half":
            return [f"{rng.randrange(int(low * 2), int(high * 2) + 1) / 2:g}" for _ in range(size)]
        case "money":
            return [f"{rng.uniform(low, high):.2f}" for _ in range(size)]
        case "date":
            days = ((rng.choice((2024, 2025)), rng.randrange(1, 13), rng.randrange(1, 29)) for _ in range(size))
            return sorted(f"{year}-{month:02}-{day:02}" for year, month, day in days)
        case "time" | "times":
            return some([f"{h:02}:{m:02}" for h in range(6, 22) for m in (0, 15, 30, 45)])
        case "seq":
            return [str(int(given or 1) + n) for n in range(size)]
        case "id":
            return each([f"{given}{n:03}" for n in range(100, 999)])
        case "berth":
            return each([f"{letter}{n}" for letter in "ABCDEFG" for n in range(1, 20)])
        case "phone":
            return each([str(n) for n in range(100, 999)])
        case "months":
            return list(_MONTHS.get(draw.language) or _MONTHS["en"])
        case "people":
            return [draw(f"{{{name}}}") for name in given.split(",")]
        case "person":
            names = pool(draw.person, size)
            return each(names) if len(set(names)) >= size else some(names)
        case "firms":
            return some(pool(lambda: rng.choice(("{}", "{} Ltd", "{} & Co", "Café {}")).format(invented.word(rng)), 10))
        case "invented" | "town" | "streets" | "works":
            words = (1, 2, 3) if kind == "works" else (1,)
            names = pool(lambda: " ".join(invented.word(rng) for _ in range(rng.choice(words))), size)
            return each(names) if len(set(names)) >= size else some(names)
        case "goods" | "tools" | "plants" | "tickets":
            return each(_WORDS[kind])
        case _:
            raise ValueError(f"no column of the form {form!r}")


def _ask_table(made: Made, path: str, line: str, rng: random.Random) -> None:
    wording, sql = line.rsplit("|", 1)
    question, sql, table = _one_wording(wording, rng), _written_out(sql.strip()), made.tables[path]
    if not sql.startswith("SELECT"):
        return
    row, other = rng.choice(table.rows), rng.choice(table.rows)
    for place, column in enumerate(table.header):
        question = question.replace(f"[[{column}]]", row[place]).replace(f"[[{column}2]]", other[place])
        for slot, cell in ((f"[[{column}]]", row[place]), (f"[[{column}2]]", other[place])):
            sql = sql.replace(slot, _literal(cell))
    made.asked.append(Asked(question, "", [Hop(question, "table", "", path, sql)]))


def _written_out(sql: str) -> str:
    """The short forms as queries: `TOP column;condition` is the most frequent value."""
    if sql.startswith("TOP "):
        column, condition = sql[4:].split(";", 1)
        where = f' WHERE "{condition.split(" = ")[0]}" = {condition.split(" = ")[1]}' if condition.strip() else ""
        return f'SELECT "{column}" FROM t{where} GROUP BY "{column}" ORDER BY COUNT(*) DESC LIMIT 1'
    if sql.startswith("TOPSUM "):
        column, value = sql[7:].split(";")
        return f'SELECT "{column}" FROM t GROUP BY "{column}" ORDER BY SUM("{value}") DESC LIMIT 1'
    return re.sub(r'month\(("[^"]+")\) = (\d+)', lambda m: f"monthname({m[1]}) = '{_MONTHS['en'][int(m[2]) - 1]}'", sql)


def _ask_chain(made: Made, path: str, line: str, draw: _Draw) -> None:
    question, *parts = (draw(part.strip()) for part in line.split("=>"))
    asked = Asked(question, "")
    for part in parts:
        sub_question, kind, told = (p.strip() for p in part.split("|"))
        asked.hops.append(hop := Hop(sub_question, kind, told))
        if found := re.fullmatch(r"query\((SELECT .+)\)", told):
            hop.answer, hop.path, hop.sql = "", path, found[1]
        elif found := re.fullmatch(r"row\((.+?)=(.+)\)", told):
            if not _identify(asked, hop, made.tables[path], *found.groups(), draw.rng):
                return
        elif found := re.fullmatch(r"cell\((.+?)=(.+),(.+?)\)", told) or re.fullmatch(r"(phone)\((.+)\)", told):
            column, value, wanted = found.groups() if len(found.groups()) == 3 else ("name", found[2], "phone")
            table = next((t for t in made.tables.values() if {column, wanted} <= set(t.header)), None)
            if not table:
                return
            hop.answer = _row_of(table, column, value, draw.rng)[table.header.index(wanted)]
            hop.path = table.path
            hop.sql = f'SELECT "{wanted}" FROM t WHERE "{column}" = \'{value}\''
        else:
            hop.path = next((p for p, text in made.texts.items() if told in text), "")
    asked.answer = asked.hops[-1].answer
    made.asked.append(asked)


def _row_of(table: Table, column: str, value: str, rng: random.Random) -> list[str]:
    """The row that names the value; what was named is put into the table where it is not there."""
    place = table.header.index(column)
    for row in table.rows:
        if row[place] == value:
            return row
    row = list(rng.choice(table.rows))
    row[place] = value
    table.rows.append(row)
    return row


def _identify(asked: Asked, hop: Hop, table: Table, column: str, value: str, rng: random.Random) -> bool:
    """Asks which value of the column stands in a row that the question names by other cells; False if several do."""
    row = _row_of(table, column, value, rng)
    named = [name for name in table.header if f"[[{name}]]" in hop.sub_question]
    cells = [(name, row[table.header.index(name)]) for name in named]
    for name, cell in cells:
        asked.question = asked.question.replace(f"[[{name}]]", cell)
        hop.sub_question = hop.sub_question.replace(f"[[{name}]]", cell)
    alike = [r for r in table.rows if all(r[table.header.index(name)] == cell for name, cell in cells)]
    hop.answer, hop.path = value, table.path
    where = " AND ".join(f'"{name}" = {_literal(cell)}' for name, cell in cells)
    hop.sql = f'SELECT "{column}" FROM t WHERE {where}'
    return bool(cells) and {r[table.header.index(column)] for r in alike} == {value}


def _literal(cell: str) -> str:
    return cell if cell.isdigit() else "'" + cell.replace("'", "''") + "'"


def find_answer(folder: Made, hop: Hop) -> str | None:
    """The hop's answer; None where its query has none, or more than eight."""
    if not hop.sql or hop.answer:
        return hop.answer
    try:
        result = compute(folder.tables[hop.path].block, hop.sql)
    except QueryError:
        return None
    cells = [row[0] for row in result.rows if row[0] not in ("", None)]
    return ", ".join(map(str, cells)) if 0 < len(cells) <= 8 else None


def _one_wording(text: str, rng: random.Random) -> str:
    return rng.choice(text.split("//")).strip()


def roughen(question: str, rng: random.Random) -> str:
    """The question as people type: now and then without capitals, without its mark, with two letters swapped."""
    if rng.random() < 0.25:
        question = question[0].lower() + question[1:]
    if rng.random() < 0.2:
        question = question.rstrip("?. ")
    if rng.random() < 0.12 and len(question) > 20 and question.isascii():
        place = rng.randrange(3, len(question) - 3)
        if question[place : place + 2].isalpha():
            question = question[:place] + question[place + 1] + question[place] + question[place + 2 :]
    if rng.random() < 0.08 and question.isascii():
        question = rng.choice(("hi, ", "hello! ", "Quick one: ", "pls: ")) + question
    return question


def write_files(made: Sequence[Made], folder: Path) -> None:
    """All of them as files: documents, csv tables, pictures with their captions beside them."""
    from PIL import Image

    for one in made:
        for path, text in one.texts.items():
            _write(folder / Path(path).with_suffix(".md" if path.endswith((".md", ".html")) else ".txt"), text)
        for path, caption in one.captions.items():
            file = (folder / path).with_suffix(".png")
            file.parent.mkdir(parents=True, exist_ok=True)
            shade = tuple(random.Random(path + caption).randrange(256) for _ in range(3))
            Image.new("RGB", (48, 32), shade).save(file)
            _write(file.with_suffix(".txt"), caption)
        for path, table in one.tables.items():
            lines = [",".join(map(_cell, row)) for row in [table.header, *table.rows]]
            _write((folder / path).with_suffix(".csv"), "\n".join(lines) + "\n")


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text

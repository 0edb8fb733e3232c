"""Chooses a document's title, because programs write some that say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from r1router.ingest.parts.cells import make_title, write_cell

_NO_TITLE = re.compile(
    r"\W*(?:untitled(?: document| page)?|new (?:document|page)|neues dokument|anonymous|unspecified|unknown|unbenannt"
    r"|sans titre|senza titolo|sin título|sem título|naamloos|uten navn|namnlös|bez názvu|bez tytułu|без имени"
    r"|无标题|無題|未命名|제목 없음|title|titel|no title|blank page|none)\W*\d*$"
    r"|(?:power ?point|microsoft|präsentation|présentation|presentation|presentazione|presentación|slide|folie"
    r"|diapositiv[ae]|dia|document|documento|dokument|документ|презентация|лист|book|mappe|classeur|libro|sheet|tabelle"
    r"|feuille|layout|page|seite|página|pagina|幻灯片|演示文稿|文档|文書|スライド|プレゼンテーション|工作簿|문서)"
    r"[ \-]?(?:\d+|(?:power ?point|word|excel)?[ \-]?(?:presentation|präsentation|document)?\d*)$"
    r"|microsoft \w+ - |\S+\.(?:docx?|tex|dvi|indd|pptx?|xlsx?|rtf|pdf|odt|odp|qxd|fm|html?|txt|ps)$",
    re.IGNORECASE,
)


def choose_title(stated: Iterable[object], path: Path) -> str:
    """The first of the titles that a file states of itself; its file's name where a program wrote them all."""
    said = map(write_cell, stated)
    return next((title for title in said if title and not is_by_a_program(title)), "") or make_title(path)


def is_by_a_program(title: str) -> bool:
    return _NO_TITLE.match(title) is not None

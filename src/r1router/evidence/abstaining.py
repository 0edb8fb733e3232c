"""Tells whether an answer abstains, and which side it takes, because neither stands in a piece word for word."""

from __future__ import annotations

import re

from r1router.scripts import cut_terms

SIDES = {"yes": True, "ja": True, "oui": True, "si": True, "no": False, "nein": False, "non": False}
"""A yes or a no in English, German, French and Spanish, without accents, and whether it says yes."""

_WHOLE = re.compile(
    r"(?:the )?(?:answer (?:is|was|remains) )?"
    r"(?:unknown|unclear|unanswerable|undetermined|none|no answer|noanswer|n a|no idea|not (?:known|available|given|"
    r"provided|specified|stated|mentioned|found|sure)|nothing|null|idk)"
    r"|(?:die antwort ist )?(?:unbekannt|unklar|nichts|(?:ist )?nicht (?:bekannt|angegeben|gefunden|enthalten)|"
    r"weiss nicht|keine (?:angaben?|antwort|ahnung))"
    r"|(?:la reponse est )?(?:inconnue?s?|rien|aucune? (?:idee|reponse|information)|"
    r"non (?:precise|indique|mentionne)e?s?)"
    r"|(?:la respuesta es )?(?:desconocid[oa]s?|nada|ni idea|no (?:se sabe|consta|figura))"
)
_OPENING = re.compile(
    r"(?:sorry )?(?:i |we )?(?:do not|don t|did not|cannot|can t|could not|couldn t|(?:am |was |were )?unable to)"
    r" (?:really )?(?:know|tell|say|determine|answer|find|identify|be (?:determined|answered|found|identified))\b"
    r"|(?:sorry )?(?:i am|i m) (?:not (?:sure|certain|able)|unable)\b"
    r"|(?:there (?:is|was|are) )?(?:not enough|insufficient|no (?:relevant |available |specific )?) ?"
    r"(?:information|evidence|data|context)\b"
    r"|(?:the |this |that )?(?:\w+ ){0,6}(?:cannot|can not|could not|can t) be "
    r"(?:determined|answered|found|identified)\b"
    r"|(?:the |this )?(?:provided |given |available |retrieved )?"
    r"(?:information|evidence|context|documents?|passages?|text|tables?)(?: provided| given| available)? "
    r"(?:does|do|did) not\b|(?:the |this )?(?:\w+ )?(?:context|evidence|text|passage) (?:doesn|didn) t\b"
    r"|(?:das |ich )?(?:weiss|kann) (?:ich |das |es )*nicht(?: (?:sagen|finden|beantworten))?\b"
    r"|dazu (?:gibt es|finde ich|steht) (?:nichts|keine)\b|(?:das|es|dies) (?:steht|geht|wird) (?:\w+ ){0,6}nicht\b"
    r"|je ne (?:sais|trouve|peux) pas\b|(?:cela|ce|c|il|ce n) (?:n )?(?:est|y a) (?:pas|aucune) "
    r"(?:precise|indique|mentionne|dit|d information|information)\w*"
    r"|no (?:lo )?(?:se|encuentro|puedo)(?: (?:decir|responder|encontrar)\w*)?$|no hay (?:informacion|datos)\b"
)
_GUESS = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|likely|my (?:best )?guess|vielleicht|vermutlich|peut etre|quizas?)\b"
)


def abstains(answer: str) -> bool:
    """Whether an answer says that it is none, in English, German, French or Spanish; an empty one does.

    >>> [abstains(text) for text in ("Unknown.", "I do not know; the documents do not say.", "Unbekannt", "no", "Oslo")]
    [True, True, True, False, False]
    """
    said = " ".join(cut_terms(answer))
    return not said or bool(_WHOLE.fullmatch(said) or (_OPENING.match(said) and not _GUESS.search(said)))


def read_side(answer: str) -> bool | None:
    """True for an answer that is a yes or begins "Yes, …", False for a no, None for every other.

    >>> [read_side(text) for text in ("Ja.", "No, lift B", "Sí", "No dogs")]
    [True, False, True, None]
    """
    first, mark, _ = re.match(r"\W*(\w*)\s*(\W?)(.*)", answer, re.DOTALL).groups()  # type: ignore[union-attr]  # matches all
    said = cut_terms(first)
    closes = len(cut_terms(answer)) == 1 or mark in (",", ";", ":", ".", "–", "-", "(")
    return SIDES.get(said[0]) if said and closes else None

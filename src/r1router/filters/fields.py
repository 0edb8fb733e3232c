"""Brings what files say of themselves into one form, because filters compare it and stores keep it.

A name is small letters, digits and "_"; a value is short text, a number, true or false, or several of these. Path,
folder and type are facts about the file: a document that has fields of these names cannot pass for another.
"""

from __future__ import annotations

import datetime
import email.utils
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from r1router.filters.tree import Fields, Scalar, Value

FACTS = ("path", "folder", "type")
"""What is known of every file, whatever it says itself."""
KNOWN = (*FACTS, "title", "lang", "author", "created", "modified")
"""Fields that have the same meaning everywhere, where they are there."""
_ALSO = {
    "lang": ("language",),
    "author": ("authors", "creator", "by", "from"),
    "created": ("date", "published", "date_published", "publication_date"),
    "modified": ("updated", "last_modified", "lastmod", "date_modified"),
}
"""Other names under which documents have the known fields: these are there too, then."""
LONGEST_NAME, LONGEST_VALUE, MOST_VALUES, MOST_FIELDS = 64, 500, 100, 100
"""Characters of a name and of a text; values of a field; fields of a source. What is beyond is no field."""
_NO_NAME = re.compile(r"\W+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?")
_ISO = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?$|(\d{4})$")
_PDF = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")


def clean(given: Mapping[str, Any]) -> dict[str, Value]:
    """The fields that these values are, known ones under their known names too."""
    found: dict[str, Value] = {}
    for name, value in _flatten(given, ""):
        name = f"its_{name}" if name in FACTS else name
        if name and len(found) < MOST_FIELDS and (cleaned := _clean_value(value)) is not None:
            found.setdefault(name, cleaned)
    for name, others in _ALSO.items():
        said = next((found[other] for other in (name, *others) if other in found), None)
        if said is not None and name not in found:
            found[name] = said
    for name in ("created", "modified"):
        if name in found and (moment := clean_date(found[name])) != found[name]:
            found[f"its_{name}"] = found.pop(name)  # as it was written
            if moment:
                found[name] = moment
    if isinstance(found.get("lang"), str):
        found["lang"] = str(found["lang"]).replace("_", "-").lower()
    return found


def is_field(value: Any, *, inside: bool = False) -> bool:
    """Whether `clean` keeps all that this value says; an object in another or in a list is no field.

    >>> is_field(["ferry", "pier"]), is_field([{"step": "mix"}]), is_field("a long story " * 99)
    (True, False, False)
    """
    match value:
        case Mapping():
            return not inside and all(is_field(each, inside=True) for each in value.values())
        case list() | tuple() | set():
            return len(value) <= MOST_VALUES and all(is_field(each, inside=True) for each in value)
        case None | "":
            return True
        case _:
            return _clean_scalar(value) is not None


def describe_path(source: str) -> dict[str, Value]:
    """The facts that follow from where a source is. A folder stands between slashes, to be compared by whole names."""
    path = PurePosixPath(unicodedata.normalize("NFC", source))
    suffixes = [suffix for suffix in path.suffixes if suffix.lower() not in (".gz", ".bz2")]
    parent = str(path.parent).strip("/").removeprefix(".").lstrip("/")
    return {
        "path": path.as_posix(),
        "folder": f"/{parent}/" if parent else "/",
        "type": suffixes[-1][1:].lower() if suffixes else "",
    }


def merge(document: Fields, own: Fields, firm: Fields) -> dict[str, Value]:
    """What is known of one record: of its document, itself, and, above both, what was said beside the file."""
    return {**document, **own, **firm}


def clean_name(name: str) -> str:
    """
    >>> clean_name("Publication Year")
    'publication_year'
    """
    plain = _NO_NAME.sub("_", unicodedata.normalize("NFC", str(name)).casefold()).strip("_")[:LONGEST_NAME]
    return f"_{plain}" if plain[:1].isdigit() else plain


def clean_date(value: Value) -> str | None:
    """A date or a moment in ISO 8601, moments in UTC; None for what is none that is known here."""
    text = str(value).strip()
    if _ISO.match(text):
        return text
    try:
        if found := _PDF.match(text):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
            moment = datetime.datetime(year, month or 1, day or 1, hour, minute, second)
            if found[7]:
                ahead = datetime.timedelta(hours=int(found[8]), minutes=int(found[9] or 0))
                moment -= ahead if found[7] == "+" else -ahead
        else:
            moment = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    return _write_moment(moment)


def _write_moment(moment: datetime.datetime) -> str:
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(datetime.UTC)
        except OverflowError:
            moment = moment.replace(tzinfo=None)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _flatten(given: Mapping[Any, Any], front: str) -> Iterable[tuple[str, Any]]:
    for key, value in given.items():
        name = clean_name(f"{front}{key}")
        if isinstance(value, Mapping):
            if not front:
                yield from _flatten(value, f"{name}_")
        else:
            yield name, value


def _clean_value(value: Any) -> Value | None:
    if isinstance(value, list | tuple | set | frozenset):
        items = [item for item in map(_clean_scalar, value) if item is not None]
        return tuple(dict.fromkeys(items))[:MOST_VALUES] or None
    return _clean_scalar(value)


def _clean_scalar(value: Any) -> Scalar | None:
    match value:
        case bool():
            return value
        case int():
            return value if abs(value) < 2**63 else str(value)
        case float():
            if not math.isfinite(value):
                return None
            return int(value) if value.is_integer() and abs(value) < 2**53 else value
        case datetime.datetime():
            return _write_moment(value)
        case datetime.date():
            return value.isoformat()
        case str():
            return _clean_text(value)
        case _:
            return None


def _clean_text(text: str) -> Scalar | None:
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).strip()
    if not text or len(text) > LONGEST_VALUE:
        return None
    if _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        if str(number) == text:
            return number
    return text

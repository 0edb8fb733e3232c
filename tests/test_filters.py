"""What a filter says, what is refused and where, and what it lets through."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1router.errors import InputError
from r1router.filters.fields import clean, clean_name, describe_path
from r1router.filters.match import is_like, matches
from r1router.filters.parse import join, parse
from r1router.filters.tree import And, Compare, Like, Not, Or

FIELDS = {
    **describe_path("docs/2025/q1/report.md"),
    **clean(
        {"lang": "DE", "year": 2024, "tags": ["a", "b"], "zip": "01067", "open": True, "modified": "2025-03-31T10:00Z"}
    ),
}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('lang = "de"', Compare("lang", "=", "de")),
        ("LANG='de'", Compare("lang", "=", "de")),
        ('a = "it""s"', Compare("a", "=", 'it"s')),
        ("a != 1", Not(Compare("a", "=", 1))),
        ("a > -1.5 and not b = true", And((Compare("a", ">", -1.5), Not(Compare("b", "=", True))))),
        ("a=1 or b=2 and c=3", Or((Compare("a", "=", 1), And((Compare("b", "=", 2), Compare("c", "=", 3)))))),
        ("(a=1 or b=2) and c=3", And((Or((Compare("a", "=", 1), Compare("b", "=", 2))), Compare("c", "=", 3)))),
        ('a in ("x", 2)', Or((Compare("a", "=", "x"), Compare("a", "=", 2)))),
        ('a not in ("x")', Not(Compare("a", "=", "x"))),
        ('title like "Re%"', Like("title", "Re%")),
        ('folder = "2025"', Like("folder", "%/2025/%")),
        ('path under "docs/2025/"', Like("folder", "/docs/2025/%")),
        ("a = none", Compare("a", "=", None)),
        ("d = 2025-03", And((Compare("d", ">=", "2025-03"), Compare("d", "<", "2025-04")))),
        ("d > 2024-02-28", Compare("d", ">=", "2024-02-29")),
        ('created <= "2025"', Compare("created", "<", "2026")),
        ("größe >= 3", Compare(clean_name("Größe"), ">=", 3)),
    ],
)
def test_a_text_becomes_this_tree(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", 1, "the name of a field"),
        ("lang", 5, "wanted '=', '!='"),
        ("lang = ", 8, "a value, and it ends there"),
        ("lang = de", 8, "text in quotes"),
        ('lang = "de', 8, "a value in quotes"),
        ('lang = "de" and', 16, "the name of a field"),
        ('(lang = "de"', 13, "wanted ')'"),
        ("a=1 b=2", 5, "'and', 'or' or the end"),
        ("a == 1", 4, "a value"),
        ("x in ()", 7, "a value"),
        ("x < none", 5, "what has an order"),
        ("created = 2025-02-30", 11, "a day that there is"),
        ('modified = "soon"', 12, "a date such as 2025-03-31"),
        ('folder like "x"', 8, "'=', '!=', 'in' or 'under'"),
        ('year under "x"', 6, "'under' is for path and folder"),
        ('folder = "20%"', 10, "without '%'"),
        ('folder > "a"', 10, "a folder in quotes"),
    ],
)
def test_an_error_names_the_place_and_what_is_wanted(text: str, place: int, said: str) -> None:
    with pytest.raises(InputError, match=f"at character {place}:") as raised:
        parse(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        'lang = "de"; DROP TABLE about',
        'lang = "de" -- and more',
        'lang = "de" /* x */',
        "1 = 1",
        "'a' = 'a'",
        "lang = 'de' or 1=1",
        "lang = lang",
        "select(1)",
        "json_extract(fields, '$') = 1",
        "a.b = 1",
        "a = 1 union select 2",
        "a = $1",
        "a = \\x00",
        "a \x00= 1",
        "`a` = 1",
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


def test_quotes_comments_and_semicolons_in_a_value_are_text() -> None:
    nasty = "x'; DROP TABLE about; -- /* \" */ %"
    tree = parse(f"a = '{nasty.replace(chr(39), chr(39) * 2)}'")
    assert tree == Compare("a", "=", nasty)
    assert matches(tree, {"a": nasty})
    assert not matches(tree, {"a": "x"})


@pytest.mark.parametrize(
    "text", ["(" * 1000 + "a=1" + ")" * 1000, "not " * 900 + "a=1", "a=1 or " * 2000 + "a=1", "a" * 5000]
)
def test_a_filter_that_is_too_deep_or_too_long_is_refused_at_once(text: str) -> None:
    with pytest.raises(InputError, match="at most"):
        parse(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab=<>!()'\"%,. 01-2notadrinlikeunder\t\n;é"), max_size=60))
def test_any_text_is_a_filter_or_refused_in_words(text: str) -> None:
    try:
        said = str(matches(parse(text), FIELDS))
    except InputError as error:
        said = str(error)
    assert said in ("True", "False") or "filter" in said


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('folder = "2025" and lang = "de"', True),
        ('folder = "2025/q1"', True),
        ('folder = "025"', False),
        ('folder in ("2024", "docs")', True),
        ('folder under "2025"', False),
        ('path under "docs/2025"', True),
        ('path under "docs/20"', False),
        ('path = "docs/2025/q1/report.md"', True),
        ('path like "%/report.%" and type = "md"', True),
        ("modified <= 2025-03", True),
        ("modified < 2025-03-31", False),
        ("modified = 2025", True),
        ("modified = 2025-03-31T10:00", True),
        ("modified > 2025-03-31", False),
        ("year in (2023, 2024)", True),
        ('year = "2024"', True),
        ("year >= 2024.5", False),
        ('year > "2"', False),
        ('tags = "b" and tags != "c"', True),
        ('tags in ("x", "a")', True),
        ("nothing != 1", True),
        ("nothing > 0 or nothing < 0", False),
        ("nothing = none and lang != none", True),
        ('zip = "01067" and not zip = 1067', True),
        ("open = true", True),
        ("open = 1", False),
        ('open = "true"', True),
        ('lang = "DE"', False),
    ],
)
def test_a_source_fits_or_not(text: str, fits: bool) -> None:
    assert matches(parse(text), FIELDS) is fits


@settings(deadline=None)
@given(st.text(alphabet="ab%", max_size=8), st.text(alphabet="ab", max_size=8))
def test_a_pattern_fits_as_a_regular_expression_would(pattern: str, text: str) -> None:
    assert is_like(text, pattern) == bool(re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), text))


def test_many_signs_for_anything_cost_no_time() -> None:
    began = time.process_time()
    assert not is_like("a" * 500, "%a" * 1500 + "%b")
    assert time.process_time() - began < 5


def test_joined_filters_are_all_kept() -> None:
    assert parse(join("a=1 or b=2", "", "c=3")) == parse("(a=1 or b=2) and (c=3)")
    assert join("", "a=1") == "a=1"
    assert join("") == ""


def test_fields_come_into_one_form() -> None:
    given = {
        "Publication Year": "2024", "meta": {"Deep": 1, "deeper": {"no": 1}}, "Zip": "01067", "Language": "de_DE",
        "path": "/etc/passwd", "authors": ["A", "B", "A"], "long": "x" * 600, "none": None, "list": [[1]],
        "date": "Mon, 31 Mar 2025 12:00:00 +0200", "modified": "D:20250331120000+02'00'",
    }  # fmt: skip
    assert clean(given) == {
        "publication_year": 2024,
        "meta_deep": 1,
        "zip": "01067",
        "language": "de_DE",
        "lang": "de-de",
        "its_path": "/etc/passwd",
        "authors": ("A", "B"),
        "author": ("A", "B"),
        "date": "Mon, 31 Mar 2025 12:00:00 +0200",
        "its_created": "Mon, 31 Mar 2025 12:00:00 +0200",
        "created": "2025-03-31T10:00:00Z",
        "its_modified": "D:20250331120000+02'00'",
        "modified": "2025-03-31T10:00:00Z",
    }


def test_a_date_that_cannot_be_read_is_kept_as_it_was_written() -> None:
    assert clean({"created": "last spring"}) == {"its_created": "last spring"}


def test_where_a_file_is_stands_between_slashes() -> None:
    assert describe_path("docs/2025/a.csv.gz") == {"path": "docs/2025/a.csv.gz", "folder": "/docs/2025/", "type": "csv"}
    assert describe_path("a.TXT") == {"path": "a.TXT", "folder": "/", "type": "txt"}
    assert describe_path("/data/x/README")["folder"] == "/data/x/"

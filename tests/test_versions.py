"""Which version of a document comes first, and how evidence is spread over sources."""

import pytest

from flows import KBS, STOP, answer, step
from r1router.evidence.spread import NEAR, spread_sources
from r1router.evidence.versions import keep_newer
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.types import Ask, Evidence, Location, Question, Reply, Search

FEES = "The fee for a second dog is 96 euros a year."
OLD = f"{FEES} Pay in cash at the desk of the town hall, in May or before, and bring last summer's receipt."


def piece(source, text=FEES, *, title="", similarity=None):
    return Evidence("text", source, text, title=title, location=Location(source), similarity=similarity)


def order(question, *evidence):
    return [item.id for item in keep_newer(question, evidence)[0]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rules/old/fees.md", "rules/fees.md"),
        ("superseded/fees_rev4.md", "fees_rev5.md"),
        ("fees_v9.md", "fees_v10.md"),
        ("2023/fees.md", "2024/fees.md"),
        ("fees_2023.csv", "fees_2024-07.xlsx"),
        ("alt/Hundesteuersatzung_2017.pdf", "Hundesteuersatzung_2024.pdf"),
        ("opening-hours-2023_OLD.docx", "Opening hours and contacts.docx"),
        ("archives/Règlement.pdf", "Règlement.pdf"),
    ],
)
def test_the_version_in_force_comes_before_an_older_one(old, new):
    before = piece(old, OLD)
    assert order("What does a dog cost?", before, piece("other.md", "Cats."), piece(new)) == [new, "other.md", old]
    assert order("What does a dog cost?", piece(new), before) == [new, old]


def test_of_a_passage_that_was_revised_only_the_version_in_force_is_read():
    now = FEES.replace("96", "108")
    old, new, other = piece("old/fees.md"), piece("fees.md", now), piece("other.md", "Cats.")
    assert order("What does a dog cost?", old, other, new) == ["fees.md", "other.md"]
    assert "old/fees.md is out of date" in keep_newer("What does a dog cost?", [old, other, new])[1]
    assert order("What did a dog cost before, in the old rules?", old, new) == ["old/fees.md", "fees.md"]
    march, april = piece("figures 2025-03.md"), piece("figures 2025-04.md", now)
    assert order("What did a dog cost in March?", march, april) == ["figures 2025-04.md", "figures 2025-03.md"]


def test_a_title_tells_versions_apart_where_file_names_do_not():
    old, new = piece("a.html", OLD, title="Dog tax 2019"), piece("b.html", title="Dog tax 2021")
    assert order("What does a dog cost?", old, new) == ["b.html", "a.html"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("minutes 2025-03-11.txt", "minutes 2025-04-08.txt"),  # of two meetings, with words of their own
        ("fees.md", "hours.md"),
        ("old/fees.md", "hours.md"),
        ("room 12.md", "room 14.md"),
    ],
)
def test_documents_that_are_no_versions_of_each_other_keep_their_order(first, second):
    pieces = piece(first, "Ida reports on the roof."), piece(second, "Bo has ordered new lamps for the hall.")
    assert keep_newer("What does a dog cost?", pieces) == (pieces, "")


def test_of_two_dates_the_one_is_older_and_what_lies_in_an_archive_is_out_of_date():
    for old, told in (("fees 2019.md", "is older"), ("old/fees 2024.md", "is out of date")):
        for pieces, moved in (((old, "fees 2024.md"), "was put first"), (("fees 2024.md", old), "comes first")):
            note = keep_newer("What does a dog cost?", [piece(name) for name in pieces])[1]
            assert note == f"{old} {told}; fees 2024.md {moved}"


def test_versions_that_were_found_beside_the_best_piece_are_put_in_order_but_not_named():
    found = [piece("opening hours.md"), piece("old/fees.md", OLD), piece("fees.md")]
    ordered, note = keep_newer("When do you open?", found)
    assert [item.location.source for item in ordered] == ["opening hours.md", "fees.md", "old/fees.md"]
    assert note == ""


def test_a_question_for_the_past_gets_the_order_of_the_search():
    for question in ("What did a dog cost in 2019?", "What did the old rules say?", "Was kostete er früher?"):
        assert order(question, piece("fees 2019.md"), piece("fees 2024.md")) == ["fees 2019.md", "fees 2024.md"]


def test_the_trajectory_says_which_version_is_older():
    found, said = [piece("old/fees.md"), piece("fees.md", FEES.replace("96", "108"))], []
    flow = load_method("r1_router")(Question("What is the fee?"), {"text": KBS["text"]}, prompts=Prompts())
    replies, brought = iter([step("What is the fee?", "text"), answer("108 euros"), STOP, answer("108 euros")]), None
    try:
        while True:
            request = flow.send(brought)
            said.append(request)
            brought = (
                Reply(next(replies)) if isinstance(request, Ask) else [found] if isinstance(request, Search) else None
            )
    except StopIteration as end:
        path = end.value
    assert "old/fees.md is out of date; fees.md was put first" in path.steps[0].note
    assert [item.id for item in path.sources] == ["fees.md"]


def test_a_third_piece_of_a_source_gives_way_to_another_source_that_is_as_near():
    ranking = [piece("a", str(n), similarity=0.5) for n in range(4)] + [piece("b", similarity=0.46)]
    assert [item.id for item in spread_sources(ranking, 3)] == ["a", "a", "b"]
    assert [item.id for item in spread_sources(ranking, 5)] == ["a", "a", "b", "a", "a"]
    just = [*ranking[:4], piece("b", similarity=0.5 - NEAR)]
    assert [item.id for item in spread_sources(just, 3)] == ["a", "a", "b"]
    far = [*ranking[:4], piece("b", similarity=0.3)]
    assert [item.id for item in spread_sources(far, 3)] == ["a", "a", "a"]
    unknown = [piece("a", str(n)) for n in range(3)] + [piece("b")]
    assert [item.text for item in spread_sources(unknown, 3)] == ["0", "1", "2"]

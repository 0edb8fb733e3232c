"""Which evidence an answer rests on."""

from r1router.evidence.cite import cite
from r1router.types import Evidence, Step


def piece(name, text, kb="text"):
    return Evidence(kb=kb, id=name, text=text)


def names(cited):
    return [e.id for e in cited]


def test_the_piece_that_contains_the_step_answer_is_cited():
    step = Step(evidence=(piece("a", "Bergen rains."), piece("b", "Oslo is the capital.")), answer="Oslo.")
    assert names(cite([step], "anything")) == ["b"]


def test_marks_in_the_answer_come_first():
    step = Step(evidence=(piece("a", "Oslo"), piece("b", "x"), piece("c", "y")), answer="It is y [3], see [9].")
    assert names(cite([step], "y")) == ["c"]


def test_words_are_matched_whole():
    step = Step(evidence=(piece("a", "Romania"), piece("b", "Oman")), answer="Oman")
    assert names(cite([step], "Oman")) == ["b"]


def test_without_a_match_the_best_ranked_piece_is_cited():
    step = Step(evidence=(piece("a", "x"), piece("b", "y")), answer="z")
    assert names(cite([step], "z")) == ["a"]


def test_the_last_step_comes_first_and_nothing_is_cited_twice():
    first = Step(evidence=(piece("a", "Norway"),), answer="Norway")
    second = Step(evidence=(piece("b", "Oslo", "table"), piece("a", "Norway")), answer="Oslo")
    assert names(cite([first, second], "Oslo")) == ["b", "a"]
    assert names(cite([second, first], "Oslo")) == ["a", "b"]
    again = Step(evidence=(piece("b", "Oslo", "table"),), answer="Oslo")
    assert names(cite([second, first, again], "Oslo")) == ["b", "a"]


def test_no_evidence_no_citation():
    assert cite([], "Oslo") == ()
    assert cite([Step(answer="Oslo")], "Oslo") == ()

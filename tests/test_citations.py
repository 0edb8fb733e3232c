"""Which evidence an answer rests on."""

import pytest

from r1router.evidence.cite import cite, find_sources
from r1router.table import TableBlock, TableResult
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


def test_marks_are_cited_in_the_order_of_the_answer():
    said = "It stands in [3], in [1] and again in [3]."
    step = Step(evidence=(piece("a", "Oslo"), piece("b", "x"), piece("c", "Oslo")), answer_thought=said, answer="Oslo")
    assert names(cite([step], "Oslo")) == ["c", "a"]


def test_a_mark_at_the_end_of_a_word_is_the_answers_own_unless_a_piece_has_it_so():
    asked = "What is the capital?"
    for capital, cited in (("The capital is Oslo.", "b"), ("The capital is Oslo[2].", "a")):
        pieces = (piece("a", capital), piece("b", "Oslo"))
        assert names(cite([Step(sub_question=asked, evidence=pieces, answer="Oslo[2]")], "Oslo")) == [cited]


@pytest.mark.parametrize(
    "mark", ["【2†source】", " [ID:0]", "[^2]", " [Source 2]", " [citation:3]", "[doc2]", " (Source: bread.txt)", "²"]
)
def test_a_mark_of_another_program_is_no_part_of_the_answer(mark):
    pieces = (piece("a", "The crane lifts 45 tonnes."), piece("b", "Bread is baked at six."))
    step = Step(sub_question="How much does the crane lift?", evidence=pieces, answer=f"45 tonnes{mark}")
    assert names(cite([step], f"45 tonnes{mark}")) == ["a"]


def test_of_pieces_that_say_the_same_the_first_is_cited():
    step = Step(sub_question="What is the capital?", evidence=(piece("a", "Oslo."), piece("b", "Oslo.")), answer="Oslo")
    assert names(cite([step], "Oslo")) == ["a"]


def test_words_are_matched_whole():
    step = Step(evidence=(piece("a", "Romania"), piece("b", "Oman")), answer="Oman")
    assert names(cite([step], "Oman")) == ["b"]


def test_an_answer_that_no_piece_holds_has_no_source():
    pieces = (piece("a", "The harbour crane lifts 45 tonnes."), piece("b", "Whales are large."))
    for said in ("Herman Melville", "I do not know; the documents do not say.", "unknown", ""):
        assert cite([Step(sub_question="Who wrote Moby-Dick?", evidence=pieces, answer=said)], said) == ()


@pytest.mark.parametrize(
    ("question", "said", "cited"),
    [
        ("How much does the crane lift?", "45 tonnes[3]", ["crane"]),
        ("How much does the crane lift?", "45 tonnes [3]", ["crane"]),
        ("How much does the crane lift?", "45", ["crane"]),
        ("How much does the crane lift?", "5 tonnes", []),
        ("What is opened?", "Holm quay", []),  # both words, and not together
        ("How much does the crane lift?", "The crane of the harbour lifts up to 45 tonnes.", ["crane"]),
        ("How many cranes are there?", "12", []),
        ("How many cranes lift?", "two", ["lifts"]),
        ("How many people work there?", "1200", ["staff"]),
        ("How many people work there?", "1,200 people", ["staff"]),
        ("How many people work there?", "200", []),
        ("When was the quay opened?", "12 March", ["quay"]),
        ("When was the quay opened?", "2", []),
        ("Who runs the quay and what does the crane lift?", "Ida Holm, 45 tonnes", ["quay", "crane"]),
        ("What does the crane lift and who runs the quay?", "45 tonnes, Ida Holm", ["crane", "quay"]),
        ("Who runs the quay and the crane?", "Ida Holm, Bo Dahl, Eva Lund", []),
        ("Does the crane of the harbour lift 50 tonnes?", "no", ["crane"]),
        ("Do penguins fly?", "no", []),
        ("¿La grúa crane harbour?", "Sí", ["crane"]),
    ],
)
def test_a_piece_is_cited_where_it_holds_the_answer(question, said, cited):
    pieces = (
        piece("index", "Register, see page 12 and p. 200."),
        piece("quay", "The quay was opened on 12 March 1904 by Ida Holm, who runs it."),
        piece("crane", "The harbour crane lifts 45 tonnes[3]."),
        piece("staff", "Some 1.200 people work there."),
        piece("lifts", "2 cranes lift."),
    )
    assert names(cite([Step(sub_question=question, evidence=pieces, answer=said)], said)) == cited


def test_a_sentence_is_cited_from_three_pieces_at_most():
    said = ("Anna fishes herring", "Bruno smokes salmon", "Clara sells mussels", "Doris fries plaice")
    pieces = [piece(part.split()[0], part) for part in said]
    assert names(find_sources("What happens?", " ".join(said), pieces)) == ["Anna", "Bruno", "Clara"]


def test_numbers_alone_are_cited_from_the_pieces_that_hold_them():
    pieces = [piece("a", "opened in 1904"), piece("b", "lifts 45 tonnes"), piece("c", "12 people")]
    assert names(find_sources("What?", "12 45 1904", pieces)) == ["a", "b", "c"]
    assert find_sources("What?", "12 45 1905", pieces) == []


def test_of_pieces_that_hold_the_answer_the_one_about_the_question_is_cited():
    step = Step(
        sub_question="Until when is the desk open?",
        evidence=(piece("a", "The gate closes at 18:15."), piece("b", "The desk is open until 18:15.")),
        answer="18:15",
    )
    assert names(cite([step], "18:15")) == ["b"]


@pytest.mark.parametrize(
    ("similarities", "cited"),
    [((0.4, 0.2), ["rules"]), ((0.2, 0.4), []), ((None, None), [])],
)
def test_a_no_is_cited_from_what_is_about_the_question_and_not_from_another_no(similarities, cited):
    texts = {"rules": "Beards are not allowed under masks.", "alarm": "Is the lamp red? No, wait for the bell."}
    pieces = [
        Evidence("text", name, text, similarity=near)
        for (name, text), near in zip(texts.items(), similarities, strict=True)
    ]
    assert names(find_sources("Could the new firemen wear masks with beards?", "no", pieces)) == cited
    assert names(find_sources("Are beards allowed under masks?", "No", pieces)) == ["rules"]


def test_a_number_and_the_unit_of_its_column_are_held_by_a_table():
    table = TableBlock("Fares", header=("ticket", "price in euros"), rows=(("day", "52"), ("week", "152")))
    row = Evidence("table", "t", table.text, title="Fares", table=table)
    step = Step(
        sub_question="What does the day ticket cost?",
        evidence=(piece("a", "A day has 24 hours"), row),
        answer="52 euros",
    )
    assert names(cite([step], "52 euros")) == ["t"]


@pytest.mark.parametrize(
    ("cell", "said"), [("17", "17"), ("21.333333333", "21.33"), ("true", "yes"), ("Ask; Bo", "Bo")]
)
def test_what_a_query_gave_is_the_source_of_its_answer(cell, said):
    result = TableResult("SELECT 1", ("x",), ((cell,),))
    step = Step(
        sub_question="How many?", evidence=(Evidence("t", "q", cell, result=result), piece("a", f"{said} How many?")),
        answer=said,
    )  # fmt: skip
    assert names(cite([step], said)) == ["q"]


def test_what_a_query_gave_is_no_source_of_another_number():
    result = TableResult("SELECT 1", ("x",), (("17",),))
    step = Step(sub_question="How many?", evidence=(Evidence("t", "q", "17", result=result),), answer="20")
    assert cite([step], "20") == ()


def test_letters_of_a_script_without_spaces_are_found_inside_a_sentence():
    step = Step(
        sub_question="港口的起重机能吊多少?",
        evidence=(piece("a", "码头很长。"), piece("b", "起重机可吊四十五吨货物。")),
        answer="四十五吨",
    )
    assert names(cite([step], "四十五吨")) == ["b"]


def test_a_mark_counts_only_where_its_piece_says_the_answer():
    step = Step(evidence=(piece("a", "Oslo"), piece("b", "Bergen")), answer="Oslo [2]")
    assert names(cite([step], "Oslo")) == ["a"]


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

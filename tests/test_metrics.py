"""The answer metrics, accepted answers, names and the judge."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1router.errors import InputError, ParseError, UnknownName
from r1router.evals import metrics
from r1router.evals.answers import Range, list_references, read_range, write_range
from r1router.evals.judge import judge, read_verdict
from r1router.evals.metrics import (
    abstention,
    contains,
    exact_match,
    length_aware,
    load_metric,
    load_metrics,
    load_score,
    measure,
    numeric,
    token_f1,
    yes_no,
)
from r1router.evidence.abstaining import abstains
from r1router.evidence.numbers import read_quantities
from r1router.policies.scripted import Scripted
from r1router.types import Answer, Example, Image, Question, Reply, Step, Trajectory


def example(*answers, question="Who?", gold=None):
    return Example("q1", Question(question), answers, gold)


def trajectory(text="", *steps, **fields):
    answer = Answer("", text) if text else None
    return Trajectory(Question("Who?"), steps=steps, answer=answer, **fields)


def search(*routes, evidence=()):
    return Step(sub_question="what?", routes=routes, evidence=tuple(evidence))


# ── accepted answers ───────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e6), st.booleans())
def test_writing_and_reading_a_range_are_inverses(low, width, with_value):
    high = low + width
    span = Range(low, high, low if with_value else None)
    assert read_range(write_range(span.low, span.high, span.value)) == span


@pytest.mark.parametrize("answer", ["Paris", "[1, x]", "5", "List [1, 2]", "[1, 2] km", "1.5 [2]", "a [1, 2]"])
def test_other_answers_are_not_ranges(answer):
    assert read_range(answer) is None


def test_a_range_stands_for_the_numerals_of_the_prediction_that_lie_inside():
    assert list_references("some 1,300 or 1400 of 90", ["1350.0 [1300, 1400]"]) == ["1300", "1400"]
    assert list_references("90", ["1350.0 [1300, 1400]", "x"]) == ["1350.0", "x"]
    assert list_references("90", ["[1300, 1400]"]) == ["1300"]
    for metric in (exact_match, token_f1, contains, length_aware):
        assert metric.score("1,300", ["1350.0 [1300, 1400]"]) == 1.0
        assert metric.score("1299", ["1350.0 [1300, 1400]"]) == 0.0


# ── the other answer metrics ───────────────────────────────────────────────────────────────────


def test_exact_match_looks_past_case_articles_and_punctuation():
    assert exact_match.score("The  U.S.A.", ["France", "USA"]) == 1.0
    assert exact_match.score("the USA today", ["USA"]) == 0.0
    assert exact_match.score("", [""]) == exact_match.score("the", ["a"]) == 0.0


def test_token_f1_pays_for_length():
    assert token_f1.score("Marie Curie", ["Curie"]) == pytest.approx(2 / 3)
    assert token_f1.score("Pierre", ["Marie Curie"]) == 0.0
    assert token_f1.score("", ["Curie"]) == 0.0


def test_contains_wants_whole_words_in_a_row():
    assert contains.score("It was Marie Curie.", ["marie curie"]) == 1.0
    assert contains.score("Marie and Pierre Curie", ["Marie Curie"]) == 0.0
    assert contains.score("Parisian", ["Paris"]) == 0.0
    assert contains.score("anything", [""]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "answers", "value"),
    [
        ("12,467", ["12467"], 1.0),
        ("twelve", ["12"], 1.0),
        ("1.25 million people", ["1,246,700"], 1.0),  # within one per cent
        ("1.3 million", ["1,246,700"], 0.0),
        ("5.2 km", ["5200 m"], 1.0),
        ("5.2 kg", ["5.2 m"], 0.0),
        ("5.2", ["5.2 m"], 1.0),  # a missing unit is not held against anybody
        ("45 per cent", ["45%"], 1.0),
        ("−3.5", ["-3.5"], 1.0),
        ("$37 billion", ["$ 37 billion"], 1.0),
        ("1998", ["1999"], 0.0),  # years are exact
        ("6.6 to 6.9", ["6.75 [6.5, 7.0]"], 1.0),
        ("6 to 10", ["6.75 [6.5, 7.0]"], 0.0),
        ("between 6.4 and 7.0", ["6.75 [6.5, 7.0]"], 1.0),  # overlaps by more than half
        ("2000", ["1999-2002"], 0.0),  # a stated range wants both its ends
        ("1999–2002", ["1999-2002"], 1.0),
        ("4 or 5", ["5"], 0.5),  # a list of guesses is worth a guess
        ("no idea", ["5"], 0.0),
        ("Paris", ["Paris"], None),
        ("3 November 1947", ["3 November 1947"], None),
        ("Apollo 11", ["Apollo 11"], None),
    ],
)
def test_numbers_are_compared_by_value_unit_and_tolerance(prediction, answers, value):
    assert numeric.score(prediction, answers) == value


def test_numbers_of_the_question_are_not_guesses():
    question = "How many teams played in 2008?"
    assert numeric.score("In 2008, 5 teams played.", ["5"], question=question) == 1.0
    assert numeric.score("In 2008, 5 teams played.", ["5"]) == 0.5
    assert numeric.score("2008", ["2008"], question=question) == 1.0


def test_quantities_join_ranges_and_leave_scores_apart():
    assert [(q.low, q.high) for q in read_quantities("5-10 km, then 3-2")] == [(5, 10), (3, 3), (2, 2)]
    assert [(q.low, q.high) for q in read_quantities("between 5 and 10, then 7 and 8")] == [(5, 10), (7, 7), (8, 8)]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Yes", True),
        ("No.", False),
        ("yes, there is no doubt", True),
        ("No, that is incorrect.", False),
        ("The statement is true.", True),
        ("It is not true.", False),
        ("That isn’t correct", False),
        ("Ja, das geht.", True),
        ("Nein.", False),
        ("Oui", True),
        ("Sí, claro", True),
        ("Non, pas ici", False),
        ("ja nein", None),
        ("yes no", None),
        ("no yes", None),
        ("Yes or no.", None),
        ("Yes. No.", None),
        ("maybe", None),
        ("", None),
    ],
)
def test_a_text_takes_one_side_or_none(text, side):
    assert yes_no.read_stance(text) is side


@pytest.mark.parametrize(
    ("answer", "side"),
    [
        ("Yes", True),
        ("no.", False),
        ("False", False),
        ("Yes, both do.", True),
        ("Nein, Aufzug B", False),
        ("Oui", True),
        ("No Doubt", None),
        ("No. 5", None),
    ],
)
def test_an_accepted_answer_asks_for_a_side_where_it_begins_with_one(answer, side):
    assert yes_no.read_asked_side(answer) is side


def test_repeating_a_question_that_holds_a_verdict_takes_no_side():
    question = "Is it true that the home team won?"
    assert yes_no.read_stance("Is it true that the home team won?", question) is None
    assert yes_no.read_stance("It is true that the home team won.", question) is True
    assert yes_no.read_stance("That the home team won is not true.", question) is False
    assert yes_no.read_stance("True", question) is True


def test_yes_no_judges_only_rows_that_ask_for_it():
    assert yes_no.score("Nope, it was not", ["no"]) == 1.0
    assert yes_no.score("yes no", ["no"]) == yes_no.score("", ["no"]) == 0.0
    assert yes_no.score("yes", ["Paris"]) is None


@pytest.mark.parametrize(
    ("text", "declines"),
    [
        ("", True),
        ("I don't know.", True),
        ("Unknown", True),
        ("The answer is unknown.", True),
        ("There is not enough information to answer.", True),
        ("The director cannot be determined from the context.", True),
        ("The provided context does not mention it.", True),
        ("N/A", True),
        ("unbekannt", True),
        ("Das weiß ich nicht.", True),
        ("Inconnu.", True),
        ("Ce n’est pas précisé.", True),
        ("No lo sé", True),
        ("I'm not sure, but probably Paris", False),
        ("No", False),
        ("Information Society", False),
        ("The unknown soldier", False),
    ],
)
def test_abstentions_are_recognised_by_their_forms(text, declines):
    assert abstains(text) is declines


def test_numbers_with_a_decimal_comma_are_read():
    assert length_aware.score("8,9 km", ["8.9 km"]) == length_aware.score("8.90 km", ["8,9 km"]) == 1.0
    assert numeric.score("15,3 Tage", ["15.3 Tage"]) == numeric.score("1.234,5", ["1234.5"]) == 1.0
    assert length_aware.score("1,234", ["1234"]) == 1.0
    assert length_aware.score("1.234", ["1234"]) < 1.0  # one and a bit, or a thousand: it is not said


def test_an_accepted_answer_is_no_abstention():
    assert abstention.abstention(trajectory("Unknown"), example("unknown")) == 0.0
    assert abstention.abstention(trajectory(""), example("unknown")) == 1.0


# ── the length-aware score ─────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3), st.text(max_size=40))
def test_every_answer_score_stays_between_0_and_1(prediction, answers, question):
    for name in metrics.names():
        score = load_score(name)
        value = score(prediction, answers, question=question) if score else None
        assert value is None or 0.0 <= value <= 1.0, name


def test_saying_the_answer_and_nothing_else_scores_1():
    question = "Which is longer, the Nile or the Amazon River?"
    for prediction, answer in [
        ("The Nile", "nile"),
        ("1,200", "1200"),
        ("Yes.", "yes"),
        ("two", "2"),
        ("Nile", "The Nile"),
    ]:
        assert length_aware.score(prediction, [answer, "other"], question=question) == 1.0


def test_a_short_sentence_with_the_answer_keeps_more_than_half():
    assert length_aware.score("The film was directed by Anna Ek.", ["Anna Ek"]) > 0.5
    assert length_aware.score("Anna Ek directed it, together with nobody else at all.", ["Anna Ek"]) > 0.35
    assert length_aware.score("Yes, it is true.", ["yes"]) > 0.5


JUNK = ["red", "green", "blue", "some", "more", "words", "of", "junk", "7", "which"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(JUNK), max_size=12))
def test_adding_words_that_are_not_asked_for_never_helps(junk):
    question = "Which colour is the flag, some red or blue?"
    for said, answer in [("Anna Ek", "Anna Ek"), ("Anna", "Anna Ek"), ("teal 12", "12"), ("", "Anna")]:
        scores = [
            length_aware.score(" ".join([said, *junk[:n]]), [answer], question=question) for n in range(len(junk) + 1)
        ]
        assert scores == sorted(scores, reverse=True)


def test_half_a_name_is_worth_a_quarter():
    assert length_aware.score("Curie", ["Marie Curie"]) == 0.25


def test_picking_a_word_of_the_question_counts_and_echoing_the_question_does_not():
    question = "Which film came out first, Blind Shaft or The Mask?"
    assert length_aware.score("The Mask", ["The Mask"], question=question) == 1.0
    assert length_aware.score("The Mask came out first.", ["The Mask"], question=question) > 0.3
    assert length_aware.score(question, ["The Mask"], question=question) == 0.0


# ── names and rows ─────────────────────────────────────────────────────────────────────────────


def test_every_metric_file_is_a_metric_of_its_name():
    assert set(metrics.DEFAULT) == set(metrics.names())
    for name in metrics.names():
        assert load_metric(name).__name__ == name


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'f1_recall'"):
        load_metric("f1recall")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_metric("no.such.module:metric")


def always_half(trajectory, example):
    return 0.5


def wrong(trajectory, example):
    raise ZeroDivisionError("no")


def test_anybodys_function_is_a_metric():
    loaded = load_metrics([f"{__name__}:always_half", "exact_match"])
    assert measure(trajectory("x"), example("x"), loaded) == {"always_half": 0.5, "exact_match": 1.0}


def test_a_row_without_accepted_answers_is_not_judged_on_its_answer():
    values = measure(trajectory("Paris"), example(), load_metrics())
    assert not {"f1_recall", "length_aware", "exact_match", "token_f1", "contains"} & values.keys()


def test_a_failing_metric_fails_the_row_and_says_which():
    with pytest.raises(ZeroDivisionError) as raised:
        measure(trajectory("x"), example("x"), {"wrong": wrong})
    assert raised.value.__notes__ == ["while the metric 'wrong' judged 'q1'"]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("<verdict>correct</verdict>", 1.0),
        ("So <verdict> Incorrect</verdict>", 0.0),
        ("correct.", 1.0),
        ("incorrect", 0.0),
    ],
)
def test_a_verdict_is_read_from_its_tag_or_alone(reply, verdict):
    assert read_verdict(Reply(reply)) == verdict


def test_a_reply_without_a_verdict_does_not_parse():
    with pytest.raises(ParseError, match="verdict"):
        read_verdict(Reply("It is correct that I cannot say."))


def judged(policy, said, *answers, image=None):
    row = Example("q1", Question("Who directed it?", image), answers)
    return asyncio.run(judge(trajectory(said), row, policy))


def test_a_judge_sees_question_picture_answers_and_candidate_in_one_request():
    policy, picture = Scripted(["<verdict>correct</verdict>"]), Image(b"png")
    assert judged(policy, "Ek, Anna", "Anna Ek", "A. Ek", image=picture) == 1.0
    (request,) = policy.asks
    assert request.messages[-1].images == (picture,)
    assert all(part in request.messages[-1].content for part in ("Who directed it?", "- Anna Ek\n- A. Ek", "Ek, Anna"))
    assert request.shape.alternatives[0][0].choices == ("correct", "incorrect")


def test_a_judge_is_asked_again_once_and_then_fails():
    assert judged(Scripted(["hm", "<verdict>incorrect</verdict>"]), "Ek", "Anna Ek") == 0.0
    with pytest.raises(ParseError):
        judged(Scripted(["hm", "hm"]), "Ek", "Anna Ek")


def test_a_judge_is_not_asked_about_nothing():
    policy = Scripted([])
    assert judged(policy, "", "Anna Ek") == 0.0
    assert judged(policy, "Anna Ek") is None
    assert policy.asks == []

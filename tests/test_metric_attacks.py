"""Three ways to score without knowing anything: they win F1-Recall and must not win the length-aware score."""

import os
import random
from pathlib import Path

import pytest

from r1router.evals.datasets import load_examples
from r1router.evals.metrics import f1_recall, length_aware

# (question, accepted answers, what somebody who knows would say)
CASES = [
    # statements, as in TabFact
    ("Is it true that the home team won in March?", ["yes"], "yes"),
    ("Is it true that three riders fell in the last lap?", ["no"], "No, only one rider fell."),
    ("Did the bridge open before the tunnel?", ["yes"], "Yes, it opened two years earlier."),
    ("Is the second album longer than the first?", ["no"], "no"),
    ("Are both lakes in the same country?", ["yes"], "Yes."),
    ("About the 1996 season: is it true that no team lost twice?", ["no"], "No. Two teams did."),
    ("Is the tower taller than the chimney?", ["yes"], "Yes, by four metres."),
    ("Do the two writers share a birthday?", ["no"], "No, they do not."),
    # names, as in 2WikiMultiHopQA and geo
    ("Who directed the film The Quiet Harbour?", ["Anna Ek", "Anna Kristina Ek"], "Anna Ek"),
    ("Where was the composer of Northern Lights born?", ["Bergen"], "The composer was born in Bergen."),
    ("What is the capital of the country on this flag?", ["Reykjavík"], "Reykjavík"),
    ("Which river flows through the town where the poet died?", ["Glomma"], "The Glomma river."),
    ("Who is the mother of the king who built the castle?", ["Margrete of Denmark"], "Margrete of Denmark"),
    ("What award did the director of Winter Sun receive?", ["Golden Bear"], "He received the Golden Bear."),
    ("In which city is the museum in the picture?", ["Trondheim"], "It is in Trondheim, Norway."),
    ("Which company makes the car in the image?", ["Volvo", "Volvo Cars"], "Volvo"),
    ("What is the official language of the country?", ["Faroese"], "Faroese is the official language."),
    ("Who wrote the anthem of the largest neighbour?", ["Ivar Holm"], "Its words were written by Ivar Holm."),
    # choices, whose answer stands in the question
    ("Which film came out first, Blind Harbour or The Mask of Snow?", ["The Mask of Snow"], "The Mask of Snow"),
    ("Who is older, Per Lund or Siri Dahl?", ["Siri Dahl"], "Siri Dahl is older."),
    ("Is the Glomma or the Tana longer?", ["Glomma"], "The Glomma."),
    ("Which has more members, the choir or the brass band?", ["the choir"], "The choir has more."),
    # numbers and dates, as in WikiTableQuestions, Open-WikiTable and InfoSeek
    ("How many games did the team win in 1987?", ["22"], "22"),
    ("What is the population of the town?", ["12,467", "12467"], "About 12,467 people live there."),
    ("When was the founder born?", ["3 November 1947"], "3 November 1947"),
    ("How tall is this tree in metres?", ["6.75 [6.5, 7.0]"], "It is about 6.8 metres tall."),
    ("What is the area of the lake?", ["368.0 [362.0, 374.0]"], "365 square kilometres"),
    ("Which years did he play for the club?", ["1999-2002"], "1999-2002"),
    ("How long is the tunnel?", ["24.5 km"], "24.5 km"),
    # lists and sentences, as in WikiTableQuestions and WebQA
    ("Which two riders have only one title?", ["Lena Moe, Odd Vik"], "Lena Moe and Odd Vik"),
    ("What colour is the roof of the boathouse?", ["The roof of the boathouse is red."], "The roof is red."),
    ("What stands on top of the clock tower?", ["A golden ship stands on top."], "A golden ship."),
    ("What do the two statues hold in their hands?", ["Both statues hold torches."], "They both hold torches."),
    ("How many arches does the stone bridge have?", ["The stone bridge has five arches."], "It has five arches."),
]
JUNK = (
    "the old harbour was built by a king who loved long walks along the northern river and its people sing in every "
    "market while boats carry salt wool timber glass and letters from one island to another"
)


def yes_no(question, answers):
    return "yes no"


def echo(question, answers):
    return question


def stuffed(question, answers):
    """An accepted answer somewhere in 200 words."""
    words = random.Random(question).choices(JUNK.split(), k=200)
    return " ".join([*words[:100], answers[0], *words[100:]])


ATTACKS = {"yes no": yes_no, "echo": echo, "stuffed": stuffed}


def mean(score, say):
    return sum(score(say(case), case[1], question=case[0]) for case in CASES) / len(CASES)


def honest(case):
    return case[2]


def attack(name):
    return lambda case: ATTACKS[name](case[0], case[1])


def test_there_are_enough_cases_of_every_kind():
    assert len(CASES) >= 30


def test_an_honest_answerer_scores_high_on_both():
    assert mean(f1_recall.score, honest) > 0.9
    assert mean(length_aware.score, honest) > 0.75
    scores = sorted(length_aware.score(said, answers, question=question) for question, answers, said in CASES)
    assert scores[0] > 0.1  # three words of an accepted answer that is a sentence
    assert scores[len(scores) // 10] > 0.5


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_scores_far_below_an_honest_answerer(name):
    assert mean(length_aware.score, attack(name)) < 0.1


@pytest.mark.parametrize("name", ATTACKS)
def test_no_single_attack_beats_the_honest_answer_to_the_same_question(name):
    for question, answers, said in CASES:
        attacked = length_aware.score(ATTACKS[name](question, answers), answers, question=question)
        assert attacked < length_aware.score(said, answers, question=question), question


def test_f1_recall_is_fooled_by_all_three():
    yes_no_cases = [case for case in CASES if case[1][0] in ("yes", "no")]
    assert all(f1_recall.score("yes no", answers) == 1.0 for _, answers, _ in yes_no_cases)
    # All but the ranges: the numbers that are accepted are not written out in the answer's own text.
    words = [case for case in CASES if "[" not in case[1][0]]
    assert all(f1_recall.score(stuffed(question, answers), answers) == 1.0 for question, answers, _ in words)
    choices = [case for case in CASES if " or " in case[0]]
    assert all(f1_recall.score(question, answers) == 1.0 for question, answers, _ in choices)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing_by_an_honest_beginning_of_its_own(name):
    """Appending the attack to the honest answer never raises the score."""
    for question, answers, said in CASES:
        plain = length_aware.score(said, answers, question=question)
        assert (
            length_aware.score(f"{said} {ATTACKS[name](question, answers)}", answers, question=question) <= plain + 1e-9
        )


BENCH = Path(os.environ.get("R1ROUTER_BENCH", Path(__file__).parents[2] / "shared" / "bench")) / "questions"


@pytest.mark.skipif(not BENCH.is_dir(), reason="the benchmark's folder is not here")
@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("questions", ["tabfact.train", "geo.dev", "wtq.dev", "r1router_eval/webqa_val"])
def test_attacks_on_real_questions_stay_below_a_tenth(questions, name):
    examples = load_examples(str(BENCH / f"{questions}.jsonl"), limit=300)
    scores = [
        length_aware.score(ATTACKS[name](e.question.text, e.answers), e.answers, question=e.question.text)
        for e in examples
    ]
    assert sum(scores) / len(scores) < 0.1

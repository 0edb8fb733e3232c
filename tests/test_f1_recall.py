"""F1-Recall exactly as published: its quirks, one by one."""

import random

import numpy as np
import pytest

from r1router.evals.answers import write_range
from r1router.evals.metrics import f1_recall, numeric


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Eiffel\nTower\t", "eiffel tower"),  # newline and tab are spaces; `the` goes
        ("a an the A", "a a"),  # `a` stays
        ("well-known", "well known"),  # a mark between letters becomes a space
        ("well-known - fact", "wellknown fact"),  # one that touches a space is deleted, everywhere in the text
        ("well-known -fact", "wellknown fact"),
        ("a/b, c", "a b c"),  # the comma touches a space, the slash does not
        ("1,200 well-known", "1200 wellknown"),  # digit-comma-digit: all marks are deleted, wherever they are
        ("(1912)", "1912"),
        ("U.S.", "us"),
        ("3.5 and .5 and 5.", "3.5 and .5 and 5"),  # a stop before a digit stays
        ("one zero none ten eleven", "1 0 0 10 eleven"),
        ("Dont I'm cant", "don't i'm can't"),
        ("couldntve couldnt've couldn'tve", "couldntve couldn't've couldn't've"),  # one missing apostrophe is repaired
        ("somebody'd shell", "somebodyd shell"),  # one entry that points the wrong way; `shell` is a word
        ("none.", "0"),
    ],
)
def test_texts_are_normalised_as_published(text, normal):
    assert f1_recall.normalise(text) == normal


def test_only_the_first_32_full_stops_are_removed():
    assert f1_recall.normalise("x. " * 32 + "y. z.").split()[-2:] == ["y.", "z."]
    assert f1_recall.normalise("x. " * 31 + "y. z.").split()[-2:] == ["y", "z."]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't", ("do", "n't")),
        ("Napoleon's horse", ("napoleon", "'s", "horse")),
        ("cannot", ("can", "not")),
        ("at 12:30: ready", ("at", "12:30", "ready")),  # tokens inside ,.?!:;'" are dropped
        ("$5 or 10%", ("$", "5", "or", "10", "%")),
        ("“rock’n’roll”", ("“", "rock", "’", "n", "’", "roll", "”")),
    ],
)
def test_tokens_are_treebank_words_without_punctuation(text, tokens):
    assert f1_recall.cut_tokens(text) == tokens


def test_the_shortcuts_of_the_tokenizer_change_nothing():
    from nltk.tokenize.destructive import NLTKWordTokenizer

    tokenize, rng = NLTKWordTokenizer().tokenize, random.Random(0)
    odd = (
        "don't o'clock it's dogs' 'tis napoleon’s rock’n’roll 12:30 a:b x: 10% $5 $3.50 #1 a&b 5.5% he'd 'cause "
        "'s cannot gonna isn't. end. it's. 5%. 3:00pm 1:2:3 :x x:: a.5 3.5's d'you more'n Bodø's é:ø ø:3 x² – « ''b''"
    )
    words = odd.split()
    for _ in range(1500):
        text = " ".join(rng.choices(words, k=rng.randint(1, 4)))
        plain = [word for word in tokenize(f1_recall.normalise(text)) if word not in ",.?!:;'\""]
        assert list(f1_recall.cut_tokens(text)) == plain, text


@pytest.mark.parametrize(
    ("prediction", "answers", "recall"),
    [
        ("Paris", ["Paris"], 1.0),
        ("It is in Paris, France.", ["Paris"], 1.0),  # length costs nothing
        ("Marie", ["Marie Curie"], 0.5),
        ("Curie Curie", ["Curie Curie Curie"], 2 / 3),  # bags, not sets
        ("", ["Paris"], 0.0),
        ("the", ["the"], 0.0),  # nothing is left of either
        ("two", ["2"], 1.0),
        ("none", ["zero"], 1.0),
        ("yes no", ["no"], 1.0),
    ],
)
def test_recall_is_that_of_the_multiset_of_words(prediction, answers, recall):
    assert f1_recall.score(prediction, answers) == pytest.approx(recall)


def test_the_reference_with_the_best_f1_decides_even_where_another_has_better_recall():
    # against "b": precision 1/5, recall 1, F1 1/3; against "b c d e f g": precision 4/5, recall 4/6, F1 0.727
    assert f1_recall.score("b c d e x", ["b", "b c d e f g"]) == pytest.approx(4 / 6)
    # equal F1: the first one stays
    assert f1_recall.score("b x", ["b c", "b d"]) == 0.5


def published_list(low, high):
    width = high - low
    step = 1 if width >= 50 else 0.1 if width >= 5 else 0.01 if width >= 1 else 0.001
    listed = {str(round(number, 3)) for number in np.arange(low, high + step, step)}
    return listed | {str(number) for number in range(int(low), int(high + 1))}


@pytest.mark.parametrize(
    ("low", "high"), [(6.5, 7.0), (1.062, 1.298), (112.0, 158.0), (1728.0, 2112.0), (0, 90), (-3.5, 2), (24.3, 29.7)]
)
def test_a_range_is_the_published_list_of_numbers(low, high):
    listed, rng = published_list(low, high), random.Random(1)
    guesses = [f"{rng.uniform(low - 1, high + 1):.{digits}f}" for digits in range(4) for _ in range(60)]
    for guess in [*guesses, *rng.sample(sorted(listed), min(80, len(listed)))]:
        wanted = any(f1_recall.cut_tokens(guess) == f1_recall.cut_tokens(number) for number in listed)
        assert f1_recall.score(f"about {guess} km", [write_range(low, high)]) == float(wanted), guess


def test_a_number_between_two_of_a_wide_range_is_wrong_as_published():
    assert f1_recall.score("1800", ["[1728.0, 2112.0]"]) == 1.0
    assert f1_recall.score("1800.5", ["[1728.0, 2112.0]"]) == 0.0
    assert numeric.score("1800.5", ["[1728.0, 2112.0]"]) == 1.0

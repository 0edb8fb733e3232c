"""Words that tell something, as stems."""

import pytest

from r1router.evidence.words import read_name, read_words, tell_language


@pytest.mark.parametrize(
    ("one", "many"),
    [("country", "countries"), ("city", "cities"), ("box", "boxes"), ("river", "rivers"),
     ("party", "parties"), ("church", "churches"), ("bridge", "bridges"), ("play", "played")],
)  # fmt: skip
def test_singular_and_plural_are_one_word(one, many):
    assert read_words(one) == read_words(many)


def test_common_words_tell_nothing():
    assert read_words("Which of the countries is it?") == ["countri"]
    assert read_words("In welcher der Städte ist es?") == read_words("die Stadt")
    assert read_words("Quelle est la capitale du pays ?") == read_words("capitale pays", "french")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("In which year was the album released?", "english"),
        ("In welchem Jahr wurde die Brücke gebaut?", "german"),
        ("Dans quelle ville siège la cour ?", "french"),
        ("Oslo", "english"),
        ("", "english"),
    ],
)
def test_a_text_is_read_in_its_language(text, language):
    assert tell_language(text) == language


def test_a_text_is_read_in_the_language_that_is_given():
    assert read_words("the box", "german") == ["the", "box"]
    assert read_words("the box") == ["box"]
    assert read_words("the box " * 1_000, "german") == ["the", "box"] * 1_000  # too long to be remembered


def test_words_of_other_scripts_are_kept():
    assert read_words("東京 の 人口")


def test_the_name_of_a_column_is_read_in_the_language_that_is_given():
    assert read_name("dieStadt", "english") == {"diestadt", "die", "stadt"}
    assert read_name("dieStadt", "german") == {"diestadt", "stadt"}
    assert read_name("the box", "english") == {"box"}
    assert read_name("the box", "german") == {"the", "box"}

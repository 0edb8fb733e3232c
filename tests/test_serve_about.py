"""What the server says of itself: its model, and example questions made from what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from r1router.ingest.run import index
from r1router.kb import open_kbs
from r1router.serve.work.examples import make_examples
from r1router.serve.work.model import describe_model
from serving import call, live, make_kbs, small_app
from small_embedders import HashedWords


@pytest.mark.parametrize(
    ("spec", "name", "is_small"),
    [
        ("llamacpp:", "SmolLM2-135M with our router", True),
        ("llamacpp:?lora=/home/me/lora.gguf", "SmolLM2-135M with a router of its own", True),
        ("llamacpp:/models/Qwen3-4B.gguf?ctx=16384", "Qwen3-4B", False),
        ("openai:qwen/qwen3-32b@https://openrouter.ai/api/v1?key_env=KEY", "qwen/qwen3-32b", False),
        ("transformers:/home/me/models/mine", "mine", False),
        ("mine.policies:make", "make", False),
    ],
)
def test_a_model_is_named_without_where_it_is(spec: str, name: str, is_small: bool) -> None:
    described = describe_model(spec)
    assert described.name == name
    assert ("copies short facts" in described.good_for) == is_small


def test_the_server_says_which_model_and_method_answer(tmp_path: Path) -> None:
    with live(small_app(make_kbs(tmp_path), method="vanilla_rag")) as port:
        about = call(port, "GET", "/v1/about").json
    assert about["model"] == "scripted"
    assert about["method"] == "vanilla_rag"


def examples_of(tmp_path: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, text in files.items():
        (docs / name).write_text(text)
    index([docs], tmp_path / "kbs", embedder=HashedWords())
    return list(make_examples(open_kbs(tmp_path / "kbs", text_embedder=HashedWords())))


def test_examples_are_made_of_names_that_the_files_have(tmp_path: Path) -> None:
    files = {
        "cities.csv": "City,GDP,Mayor\nOslo,700,Kari\nBergen,290,Ola\n",
        "norway.md": "# Norway\n\nIt is long.\n\n## National day\n\nThe national day is 17 May.\n",
    }
    assert examples_of(tmp_path, files) == [
        ("table", "Which city has the largest GDP?"),
        ("text", "What does “Norway” say about “National day”?"),
        ("table", "What is the GDP of Oslo?"),
    ]


def test_a_column_whose_name_may_be_a_plural_is_not_asked_for_by_is(tmp_path: Path) -> None:
    files = {"dishes.csv": "Dish,Main ingredients,Address\nBorscht,beets,Kiev\nPaella,rice and saffron,Valencia\n"}
    assert examples_of(tmp_path, files) == [("table", "What is the address of Borscht?")]


def test_a_column_of_counts_is_asked_for_by_most(tmp_path: Path) -> None:
    assert examples_of(tmp_path, {"lake.csv": "Month,Outings\nMay,402\nJune,455\nJuly,388\n"}) == [
        ("table", "Which month has the most outings?")
    ]


def test_years_are_no_measure(tmp_path: Path) -> None:
    files = {"boats.csv": "Boat,Built,Weight\nTern,2016,27\nHeron,1998,14\n"}
    assert examples_of(tmp_path, files) == [
        ("table", "Which boat has the largest weight?"),
        ("table", "What is the weight of Tern?"),
    ]


def test_a_column_with_half_a_sentence_for_a_name_is_not_asked_for(tmp_path: Path) -> None:
    files = {
        "grades.csv": "Grade,What you may row\nA,carbon boats\nB,wooden boats\n",
        "ways.csv": "From the boathouse to,km\nHeron Island,2.4\nMill Bay,4.1\n",
    }
    assert examples_of(tmp_path, files) == []


def test_a_heading_that_asks_is_taken_as_it_is(tmp_path: Path) -> None:
    files = {"faq.md": "# Questions\n\n## When do you open?\n\nWe open at nine.\n"}
    assert examples_of(tmp_path, files) == [("text", "When do you open?")]


def test_rows_without_names_and_numbers_of_rows_give_no_example(tmp_path: Path) -> None:
    files = {
        "people.csv": "id,name\n1,Kari\n2,Ola\n",
        "numbers.csv": "a,b\n1,2\n3,4\n",
        "same.csv": "kind,size\nred,1\nred,2\n",
    }
    assert examples_of(tmp_path, files) == []


def test_examples_over_http_show_only_what_the_asker_may_see(tmp_path: Path) -> None:
    with live(small_app(make_kbs(tmp_path))) as port:
        assert {one["question"] for one in call(port, "GET", "/v1/examples").json["examples"]} == {
            "What is “Norway” about?",
            "What is “Peru” about?",
        }

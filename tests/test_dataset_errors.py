"""Which questions are taken from a file, and what is said about one that cannot be read."""

import json
from pathlib import Path

import pytest

from r1router.errors import InputError, UnknownName
from r1router.evals.datasets import load_examples


def write(path, content):
    path.write_text(content, encoding="utf-8")
    return str(path)


def jsonl(path, *rows):
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))


def many(path, count=50):
    return jsonl(path, *({"id": f"q{n}", "question": f"{n}?", "answers": [str(n)]} for n in range(count)))


def test_limit_takes_the_first_and_a_seed_samples_in_order(tmp_path):
    path = many(tmp_path / "q.jsonl")
    ids = [example.id for example in load_examples(path)]
    assert ids == [f"q{n}" for n in range(50)]
    assert [e.id for e in load_examples(path, limit=3)] == ids[:3]
    assert load_examples(path, limit=99, seed=1) == load_examples(path)
    sample = [e.id for e in load_examples(path, limit=9, seed=1)]
    assert sample == [e.id for e in load_examples(path, limit=9, seed=1)]
    assert sample == sorted(set(sample), key=ids.index)
    assert len(sample) == 9
    assert sample != [e.id for e in load_examples(path, limit=9, seed=2)]


def test_samples_are_uniform(tmp_path):
    path = many(tmp_path / "q.jsonl", 10)
    drawn = [e.id for seed in range(400) for e in load_examples(path, limit=3, seed=seed)]
    assert all(80 < drawn.count(f"q{n}") < 160 for n in range(10))  # 120 expected


def test_what_is_not_asked_for_is_not_read(tmp_path):
    path = many(tmp_path / "q.jsonl", 3)
    Path(path).write_text(Path(path).read_text() + "not json\n")
    assert len(load_examples(path, limit=3)) == 3
    with pytest.raises(InputError, match=r"q\.jsonl:4: expected one JSON object on the line"):
        load_examples(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "q.jsonl",
            '{"question": "a?", "answers": ["b"]}\n{"question": " ", "answers": ["b"]}',
            r"q\.jsonl:2: expected a text in 'question'",
        ),
        ("q.jsonl", '{"question": "a?", "answers": []}\n', r"q\.jsonl:1: expected at least one accepted answer"),
        (
            "q.jsonl",
            '{"question": "a?", "answers": [["b"]]}\n',
            r"q\.jsonl:1: expected accepted answers that are texts",
        ),
        ("q.jsonl", '{"question": "a?", "answers": [{"range": [2, 1]}]}\n', r'numbers or {"range": \[low, high\]}'),
        (
            "q.jsonl",
            '{"question": "a?", "answers": ["b"], "image": "no.png"}\n',
            r"1: expected the picture 'no.png' in",
        ),
        ("q.jsonl", '{"question": "a?", "answers": ["b"], "gold": []}\n', r"1: expected an object or null in 'gold'"),
        ("q.jsonl", '{"question": "a?", "answers": ["b"]}\n[]\n', r"q\.jsonl:2: expected a JSON object, found \[\]"),
        ("q.jsonl", "", r"q\.jsonl is empty"),
        (
            "q.jsonl",
            '{"step_type": "plan", "question": "a?"}\n',
            r"no data set format begins like this file \(jsonl with",
        ),
        ("q.csv", "question,answer\na?\n", r"q\.csv:2: expected 2 cells, as in the first line, found 1"),
        ("q.csv", "question,answer\na?,b\na?,\n", r"q\.csv:3: expected an accepted answer"),
        ("q.csv", "frage,antwort\na?,b\n", r"no data set format begins like this file \(table with antwort, frage\)"),
        ("q.tsv", "id\tutterance\tcontext\ttargetValue\nnt-1\ta?\tcsv/1.csv\n", r"q\.tsv:2: expected 4 cells, found 3"),
        (
            "q.tsv",
            "id\tutterance\tcontext\ttargetValue\nnt-1\ta?\tcsv/1.csv\ta||b\n",
            r"q\.tsv:2: expected items between the pipes",
        ),
        (
            "q.json",
            '[\n{"_id": "a", "question": "a?", "context": []},\n{"_id": "b", "question": }]',
            r"q\.json:3: not JSON",
        ),
        (
            "q.json",
            '[\n{"_id": "a", "question": "a?", "context": []},\n7]',
            r"q\.json:3: expected an object with a question, found 7",
        ),
        (
            "q.json",
            '[{"_id": "a", "question": "a?", "context": [], "supporting_facts": [["x"]]}]',
            r"q\.json:1: expected pairs \[title, sentence number\]",
        ),
        (
            "q.json",
            '{"t1": [["s"], [1], "c"],\n"t2": [["s"], [1, 0], "c"]}',
            r"q\.json:2: expected \[statements, as many labels, caption\]",
        ),
        (
            "q.json",
            '{"t1": [["s", "t"], [1, 2], "c"]}',
            r"q\.json:1 statement 2: expected a statement with the label 0 or 1",
        ),
        (
            "q.json",
            '{"question_id": {"0": "a"}}',
            r"q\.json: expected an object of columns, .* missing: original_table_id, question",
        ),
    ],
)
def test_a_row_that_does_not_fit_says_where_and_what_was_expected(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        load_examples(write(tmp_path / name, content))


def test_a_file_that_is_not_text_says_so(tmp_path):
    (tmp_path / "q.jsonl").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(InputError, match="expected UTF-8 text"):
        load_examples(str(tmp_path / "q.jsonl"))
    (tmp_path / "q.jsonl.gz").write_bytes(b"not packed")
    with pytest.raises(InputError, match="not a gzip file"):
        load_examples(str(tmp_path / "q.jsonl.gz"))


def test_an_id_used_twice_names_both_places(tmp_path):
    row = {"id": "a", "question": "a?", "answers": ["b"]}
    with pytest.raises(InputError, match=r"q\.jsonl:2: the id 'a' is already used at .*q\.jsonl:1"):
        load_examples(jsonl(tmp_path / "q.jsonl", row, row))


def test_a_missing_file_names_the_nearest(tmp_path):
    path = many(tmp_path / "questions.dev.jsonl", 1)
    with pytest.raises(InputError, match=r"there is no question file .*did you mean .*questions\.dev\.jsonl\?"):
        load_examples(str(tmp_path / "question.dev.jsonl"))
    with pytest.raises(InputError, match="is a folder"):
        load_examples(str(tmp_path))
    with pytest.raises(InputError, match=r"the folder .*none does not exist"):
        load_examples(str(tmp_path / "none" / "q.jsonl"))
    with pytest.raises(UnknownName, match="unknown data set format 'hotpot'; did you mean 'hotpotqa'"):
        load_examples(f"hotpot:{path}")
    with pytest.raises(InputError, match="limit must be at least 1"):
        load_examples(path, limit=0)

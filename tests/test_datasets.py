"""Question files in the formats of their authors; every row here is made up."""

import bz2
import gzip
import json
import logging
import os
import re
from pathlib import Path

import pytest

from r1router.errors import InputError, UnknownName
from r1router.evals.answers import read_range
from r1router.evals.datasets import load_examples, names, open_dataset
from r1router.evals.gold import count_hops, list_needs, read_routes
from r1router.types import Turn

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
BENCH = Path(os.environ.get("R1ROUTER_BENCH", Path(__file__).parents[2] / "shared" / "bench")) / "questions"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return str(path)


def jsonl(path, *rows):
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read(spec, fmt, **options):
    assert open_dataset(spec).format == fmt
    return load_examples(spec, **options)


# ── our own ────────────────────────────────────────────────────────────────────────────────────

ROW = {
    "id": "geo-1",
    "question": "Which capital has this flag's country?",
    "image": "pictures/q.png",
    "answers": ["Oslo", 12, {"range": [6.5, 7.0], "value": 6.75}],
    "gold": {"steps": [{"sub_question": "Whose flag?", "kb": "image", "evidence_ids": ["i1"], "answer": "Norway"}]},
    "type": "image+table",
    "n_hops": 2,
}


@pytest.mark.parametrize("folder", [".", "questions"])
def test_our_rows_have_question_picture_answers_and_gold(tmp_path, folder):
    write(tmp_path / "pictures" / "q.png", "")
    (tmp_path / "pictures" / "q.png").write_bytes(PNG)
    (one,) = read(jsonl(tmp_path / folder / "dev.jsonl", ROW), "jsonl")
    assert (one.id, one.type, one.question.text) == ("geo-1", "image+table", ROW["question"])
    assert (one.question.image.name, one.question.image.data) == ("q.png", PNG)
    assert one.answers == ("Oslo", "12", "6.75 [6.5, 7.0]")
    assert 6.6 in read_range(one.answers[2])
    assert (read_routes(one), count_hops(one), len(list_needs(one))) == (("image",), 2, 1)


def test_question_and_one_answer_are_enough(tmp_path):
    path = jsonl(
        tmp_path / "mine.jsonl", {"question": "Is it?", "answer": True}, {"question": "How many?", "answer": 3.0}
    )
    first, second = read(path, "jsonl")
    assert (first.id, first.answers, first.gold, first.question.image) == ("mine-1", ("yes",), None, None)
    assert (second.id, second.answers) == ("mine-2", ("3",))


def test_a_users_csv_has_question_and_answer_columns(tmp_path):
    path = write(tmp_path / "q.csv", '\ufeffQuestion,Answer,id\n"Who, then?",Anna|Ek,a\nHow,"two\nlines",b\n\n')
    first, second = read(path, "csv")
    assert (first.id, first.question.text, first.answers) == ("a", "Who, then?", ("Anna|Ek",))
    assert second.answers == ("two\nlines",)


def test_several_answers_in_a_csv_are_separated_as_stated(tmp_path):
    path = write(tmp_path / "q.tsv", "question\tanswers\nWho?\tAnna / Anna Ek\n")
    assert load_examples(path)[0].answers == ("Anna / Anna Ek",)
    assert read(f"csv:{path}?separator=/", "csv")[0].answers == ("Anna", "Anna Ek")
    with pytest.raises(UnknownName, match="did you mean 'separator'"):
        load_examples(f"csv:{path}?seperator=/")


# ── as their authors publish them ──────────────────────────────────────────────────────────────

HOTPOT = {
    "_id": "5ab0",
    "question": "Which harbour is older?",
    "answer": "North Harbour",
    "type": "comparison",
    "level": "easy",
    "supporting_facts": [["North Harbour", 0], ["South Harbour", 2], ["North Harbour", 1]],
    "context": [["North Harbour", ["It was dug in 1801.", "It is deep."]], ["South Harbour", ["…"]]],
}


def test_hotpotqa_names_its_evidence_by_title(tmp_path):
    hidden = {key: HOTPOT[key] for key in ("_id", "question", "context")} | {"_id": "5ab1"}
    first, second = read(write(tmp_path / "dev.json", json.dumps([HOTPOT, hidden], indent=1)), "hotpotqa")
    assert first.answers == ("North Harbour",)
    assert first.gold["evidence_titles"] == ["North Harbour", "South Harbour"]
    assert (count_hops(first), first.type) == (2, "text")
    assert (second.answers, second.gold) == ((), None)


def test_two_wiki_is_hotpotqa_with_triples(tmp_path):
    row = HOTPOT | {"evidences": [["North Harbour", "inception", "1801"]], "entity_ids": "Q1_Q2"}
    (one,) = read(write(tmp_path / "dev.json", json.dumps([row])), "two_wiki")
    assert one.gold["triples"] == [["North Harbour", "inception", "1801"]]
    assert one.gold["evidence_titles"] == ["North Harbour", "South Harbour"]


MUSIQUE = {
    "id": "2hop__1_2",
    "question": "Who is the spouse of the Green Harbour performer?",
    "answer": "Mia Holm",
    "answer_aliases": ["M. Holm", "Mia Holm"],
    "answerable": True,
    "paragraphs": [
        {"idx": 0, "title": "Green Harbour", "paragraph_text": "By Per Lund.", "is_supporting": True},
        {"idx": 1, "title": "Mia Holm", "paragraph_text": "Married Per Lund.", "is_supporting": True},
    ],
    "question_decomposition": [
        {"id": 1, "question": "Green Harbour >> performer", "answer": "Per Lund", "paragraph_support_idx": 0},
        {"id": 2, "question": "#1 >> spouse", "answer": "Mia Holm", "paragraph_support_idx": 1},
    ],
}


def test_musique_gives_steps_that_stand_by_themselves(tmp_path):
    path = jsonl(tmp_path / "musique_full_v1.0_dev.jsonl", MUSIQUE, MUSIQUE | {"answerable": False})
    first, second = read(path, "musique")
    assert first.answers == ("Mia Holm", "M. Holm")
    assert [step["sub_question"] for step in first.gold["steps"]] == [
        "Green Harbour >> performer",
        "Per Lund >> spouse",
    ]
    assert [need.titles for need in list_needs(first)] == [{"green harbour"}, {"mia holm"}]
    assert (second.id, second.answers) == ("2hop__1_2-unanswerable", ())


def test_ottqa_and_hybridqa_name_the_table_and_the_traced_nodes(tmp_path):
    node = ["Anna Ek", [0, 1], "/wiki/Anna_Ek", "passage"]
    rows = [
        {
            "question_id": "a1",
            "question": "Who ?",
            "table_id": "Films_1",
            "answer-text": "Anna Ek",
            "question_postag": "WP .",
        },
        {"question_id": "a2", "question": "Where ?", "question_postag": "WRB ."},
    ]
    rows[0]["answer-node"] = [node]
    path = write(tmp_path / "dev.traced.json", json.dumps(rows, indent=2))
    first, second = read(path, "ottqa")
    assert (first.answers, first.gold) == (("Anna Ek",), {"evidence_ids": ["Films_1"], "answer_nodes": [node]})
    assert (second.answers, second.gold, second.type) == ((), None, "text+table")
    assert read(f"hybridqa:{path}", "hybridqa") == [first, second]


def test_wikitablequestions_undoes_its_escapes_and_joins_lists(tmp_path):
    lines = [
        "id\tutterance\tcontext\ttargetValue",
        "nt-1\twhat is a\\pb?\tcsv/200-csv/1.csv\tOslo|back\\\\slash|two\\nlines",
        "nt-2\thow many?\tcsv/200-csv/2.csv\t12,467",
    ]
    first, second = read(write(tmp_path / "training.tsv", "\n".join(lines) + "\n"), "wikitablequestions")
    assert first.question.text == "what is a|b?"
    assert first.gold["list"] == ["Oslo", "back\\slash", "two\nlines"]
    assert first.answers == ("Oslo, back\\slash, two\nlines",)
    assert (second.answers, "list" in second.gold, count_hops(second)) == (("12,467",), False, 1)
    assert list_needs(second)[0].ids == {"csv/200-csv/2.csv"}


TABFACT = {
    "1-1.html.csv": [["anna won twice .", "per won once"], [1, 0], "winter games"],
    "1-2.html.csv": [["it rained"], [0], ""],
}


def test_tabfact_asks_each_statement_as_a_question(tmp_path):
    path = write(tmp_path / "collected_data" / "r1_training_all.json", json.dumps(TABFACT))
    write(tmp_path / "data" / "test_id.json", json.dumps(["1-2.html.csv"]))
    first, second, third = read(path, "tabfact")
    assert first.question.text == "About winter games: is it true that anna won twice?"
    assert (first.answers, second.answers, first.id, second.id) == (
        ("yes",),
        ("no",),
        "1-1.html.csv#0",
        "1-1.html.csv#1",
    )
    assert third.question.text == "Is it true that it rained?"
    assert read(f"tabfact:{path}?split=test", "tabfact") == [third]
    with pytest.raises(InputError, match=r"no list of its tables at .*val_id\.json"):
        load_examples(f"tabfact:{path}?split=val")


OPEN_WIKITABLE = [
    {
        "question_id": "q_1",
        "original_table_id": "1-1",
        "question": "How many goals in Winter League 1999?",
        "sql": "SELECT …",
        "answer": [12],
        "hard_positive_idx": [4, 9],
        "positive_idx": [5],
        "negative_idx": [7],
        "dataset": "wikisql",
    },
    {
        "question_id": "q_2",
        "original_table_id": "1-2",
        "question": "Which teams?",
        "sql": "SELECT …",
        "answer": ["Ran", "Brann"],
        "hard_positive_idx": [],
        "positive_idx": [1, 2],
        "negative_idx": [],
        "dataset": "wtq",
    },
]


@pytest.mark.parametrize("by_columns", [True, False])
def test_open_wikitable_is_read_by_columns_and_by_rows(tmp_path, by_columns):
    columns = {name: {str(n): row[name] for n, row in enumerate(OPEN_WIKITABLE)} for name in OPEN_WIKITABLE[0]}
    content = json.dumps(columns if by_columns else OPEN_WIKITABLE)
    first, second = read(write(tmp_path / "valid.json", content), "open_wikitable")
    assert (first.answers, second.answers, second.gold["list"]) == (("12",), ("Ran, Brann",), ["Ran", "Brann"])
    assert [need.ids for need in list_needs(first)] == [{"4", "9"}]  # any one
    assert [need.ids for need in list_needs(second)] == [{"1"}, {"2"}]  # both


def test_infoseek_keeps_ranges_and_finds_pictures_by_id(tmp_path):
    (tmp_path / "oven_images" / "04").mkdir(parents=True)
    (tmp_path / "oven_images" / "04" / "oven_04990048.jpg").write_bytes(PNG)
    rows = [
        {
            "data_id": "i0",
            "image_id": "oven_04990048",
            "question": "What is it for?",
            "answer": ["heat"],
            "answer_eval": ["heat", "warmth"],
        },
        {
            "data_id": "i1",
            "image_id": "oven_04990048",
            "question": "How long?",
            "answer": ["1.0"],
            "answer_eval": [{"wikidata": 1.0, "range": [0.9, 1.1]}],
        },
        {"data_id": "i2", "image_id": "oven_04990048", "question": "Hidden?"},
    ]
    first, second, third = read(jsonl(tmp_path / "infoseek_val.jsonl", *rows), "infoseek")
    assert (first.answers, second.answers, third.answers) == (("heat", "warmth"), ("1.0 [0.9, 1.1]",), ())
    assert first.question.image.data == PNG
    rows[0]["image_id"] = "oven_05000000"
    with pytest.raises(InputError, match=r"val.jsonl:1: expected the picture 'oven_05000000' in .*oven_images"):
        load_examples(jsonl(tmp_path / "infoseek_val.jsonl", *rows))


DYN = {
    "image_url": "https://example.org/a/b/image_7.jpeg?x=1",
    "question": "Who won last?",
    "question_id": "en7",
    "answer": ["Anna Ek", "安娜"],
    "gloden_query": "Who won the last winter games?",
}


def test_dynvqa_finds_pictures_by_the_end_of_their_url(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "image_7.jpeg").write_bytes(PNG)
    copied = {"image_id": 7, "question_id": "en8", "golden_query": "Who?"}
    copied |= {key: DYN[key] for key in ("question", "answer")}
    first, second = read(jsonl(tmp_path / "DynVQA_en.jsonl", DYN, copied), "dynvqa")
    assert (first.id, first.answers, first.question.image.data) == ("en7", ("Anna Ek", "安娜"), PNG)
    assert first.gold == {"golden_query": "Who won the last winter games?"}
    assert second.question.image == first.question.image


def test_questions_come_without_pictures_where_there_is_no_folder_of_them_and_say_so_once(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        examples = load_examples(jsonl(tmp_path / "DynVQA_en.jsonl", DYN, DYN | {"question_id": "en8"}))
    assert [e.question.image for e in examples] == [None, None]
    assert [record.message for record in caplog.records] == [
        f"questions of {tmp_path} come without their pictures: there is no folder 'images' in it"
    ]


WEBQA = {
    "d5c1": {
        "Q": '"What colour is the roof?"',
        "A": ['"The roof is red."'],
        "Keywords_A": '"red"',
        "Qcate": "color",
        "split": "val",
        "Guid": "d5c1",
        "img_posFacts": [{"image_id": 30000001, "title": "Roof", "caption": "A roof"}],
        "img_negFacts": [],
        "txt_posFacts": [],
        "txt_negFacts": [],
    },
    "d5c2": {
        "Q": "Which one?",
        "A": ["Both"],
        "Qcate": "text",
        "split": "train",
        "txt_posFacts": [{"snippet_id": "d5c2_0", "fact": "…"}, {"snippet_id": "d5c2_1", "fact": "…"}],
    },
}


def test_webqa_takes_one_split_and_drops_the_quotation_marks(tmp_path):
    path = write(tmp_path / "WebQA_train_val.json", json.dumps(WEBQA))
    first, second = read(path, "webqa")
    assert (first.question.text, first.answers, first.type) == (
        "What colour is the roof?",
        ("The roof is red.",),
        "image",
    )
    assert ([need.ids for need in list_needs(first)], second.type, count_hops(second)) == ([{"30000001"}], "text", 2)
    assert read(f"webqa:{path}?split=val", "webqa") == [first]
    with pytest.raises(UnknownName, match="unknown split 'vall'; did you mean 'val'"):
        load_examples(f"{path}?split=vall")


def test_multimodalqa_is_read_packed_and_joins_lists(tmp_path):
    rows = [
        {
            "qid": "m1",
            "question": "Which films have a ship on the poster?",
            "answers": [{"answer": "Quiet Harbour", "type": "string"}, {"answer": 12.0, "type": "number"}],
            "metadata": {"type": "Compose", "modalities": ["table", "image"], "intermediate_answers": []},
            "supporting_context": [{"doc_id": "t9", "doc_part": "table"}, {"doc_id": "p9", "doc_part": "image"}],
        },
        {"qid": "m2", "question": "Hidden?", "metadata": {"image_doc_ids": []}},
    ]
    path = tmp_path / "MMQA_dev.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    first, second = read(str(path), "multimodalqa")
    assert (first.answers, first.type) == (("Quiet Harbour, 12",), "image+table")
    assert first.gold == {"evidence_ids": ["t9", "p9"], "n_hops": 2, "list": ["Quiet Harbour", "12"]}
    assert (second.answers, second.gold, second.type) == ((), None, "")


def test_every_format_is_a_file_and_cites_its_source():
    assert {"jsonl", "csv", "infoseek", "two_wiki", "webqa"} <= set(names())
    folder = Path(open_dataset.__code__.co_filename).parent
    for name in names():
        opening = (folder / f"{name}.py").read_text().split('"""')[1]
        assert all(word in opening for word in ("*dataset:*", "*metric:*", "*pattern:*")), name
        assert name in ("jsonl", "csv") or (
            "arXiv" in opening and re.search(r"github\.com/|huggingface\.co/", opening)
        ), name


@pytest.mark.skipif(not BENCH.is_dir(), reason="the benchmark's folder is not here")
@pytest.mark.parametrize(
    ("name", "count", "pictures"),
    [
        ("geo.dev", 329, 204),
        ("ottqa.dev", 223, 0),
        ("tabfact.dev", 101, 0),
        ("wtq.dev", 149, 0),
        ("r1router_eval/infoseek_val", 1000, 0),
        ("r1router_eval/dynvqa_en", 715, 0),
    ],
)
def test_the_benchmark_is_read_whole(name, count, pictures):
    examples = read(str(BENCH / f"{name}.jsonl"), "jsonl")
    assert (len(examples), sum(e.question.image is not None for e in examples)) == (count, pictures)
    assert all(e.answers and e.type for e in examples)
    if "r1router" not in name:
        assert all(list_needs(e) and count_hops(e) for e in examples)
    if "infoseek" in name:
        assert sum(read_range(e.answers[0]) is not None for e in examples) == 248


# ── mmRAG, FRAMES, CRAG, MTRAG ─────────────────────────────────────────────────────────────────


def test_mmrag_labels_are_the_route_of_one_step(tmp_path):
    row = {
        "id": "ott_1",
        "query": "How long is it?",
        "answer": ["360 km", 360],
        "relevant_chunks": {"ott_7_0": 2, "nq_3_1": 1, "nq_4_0": 0},
        "dataset_score": {"tat": 0, "triviaqa": 0, "ott": 2, "kg": 0, "nq": 1},
    }
    path = write(tmp_path / "mmrag_dev.json", json.dumps([row]))
    (one,) = read(path, "mmrag")
    assert (one.id, one.question.text, one.answers, one.type) == (
        "ott_1",
        "How long is it?",
        ("360 km", "360"),
        "table",
    )
    assert read_routes(one) == ("table",)
    assert list_needs(one)[0].ids == {"ott_7_0", "nq_3_1"}
    assert read_routes(read(f"mmrag:{path}?routes=source", "mmrag")[0]) == ("ott",)
    assert read_routes(read(f"mmrag:{path}?routes=none", "mmrag")[0]) == ()
    with pytest.raises(UnknownName, match="did you mean 'source'"):
        load_examples(f"mmrag:{path}?routes=sources")


def test_frames_needs_all_articles_that_its_links_name(tmp_path):
    head = "\tPrompt\tAnswer\twikipedia_link_1\twikipedia_link_2\treasoning_types\twiki_links\n"
    wiki = "https://en.wikipedia.org/wiki/"
    links = f"""['{wiki}River_Shannon', '{wiki}Caf%C3%A9#History', '{wiki}Salem,_Oregon', ""{wiki}Schindler's_List""]"""
    full = f'0\t"Which ""river"", then?"\tShannon\t\t\tTabular reasoning | Numerical reasoning\t"{links}"\n'
    bare = f"1\tWho?\tAnna\t{wiki}Anna_Ek\t{wiki}Salem,_Oregon, {wiki}B\tTemporal reasoning\t\n"
    first, second = read(write(tmp_path / "test.tsv", head + full + bare), "frames")
    assert (first.id, first.question.text, first.answers) == ("frames-0", 'Which "river", then?', ("Shannon",))
    assert first.gold["evidence_titles"] == ["River Shannon", "Café", "Salem, Oregon", "Schindler's List"]
    assert (count_hops(first), first.type) == (4, "Tabular reasoning | Numerical reasoning")
    assert second.gold["evidence_titles"] == ["Anna Ek", "Salem, Oregon", "B"]


def test_crag_says_when_it_was_asked_where_the_answer_changes(tmp_path):
    row = {
        "interaction_id": "c1",
        "query_time": "03/01/2024, 10:00:00 PT",
        "domain": "finance",
        "question_type": "simple",
        "static_or_dynamic": "real-time",
        "query": "What is it worth?",
        "answer": "12",
        "alt_ans": ["twelve", "12"],
        "search_results": [],
    }
    still = row | {"interaction_id": "c2", "static_or_dynamic": "static"}
    path = tmp_path / "crag.jsonl.bz2"
    path.write_bytes(bz2.compress("".join(json.dumps(each) + "\n" for each in (row, still)).encode()))
    first, second = read(str(path), "crag")
    assert first.question.text == "What is it worth?\n(asked on 03/01/2024, 10:00:00 PT)"
    assert (first.answers, first.type) == (("12", "twelve"), "simple")
    assert second.question.text == "What is it worth?"


def test_mtrag_puts_earlier_turns_before_the_question(tmp_path):
    row = {
        "task_id": "t<::>2",
        "input": [
            {"speaker": "user", "text": "Which river is longest?"},
            {"speaker": "agent", "text": "The Danube."},
            {"speaker": "user", "text": "And where does it end?"},
        ],
        "targets": [{"speaker": "agent", "text": "In the Black Sea."}],
        "contexts": [{"document_id": "d-1-2", "title": "Danube", "text": "…"}],
        "Answerability": ["ANSWERABLE"],
        "Multi-Turn": ["Follow-up"],
        "Collection": "c",
    }
    first, second = read(
        jsonl(tmp_path / "reference.jsonl", row, row | {"task_id": "u", "Answerability": ["UNANSWERABLE"]}), "mtrag"
    )
    assert first.question.turns[1] == Turn("assistant", "The Danube.")
    assert first.question.text == "And where does it end?"
    assert (first.answers, first.gold, first.type) == (
        ("In the Black Sea.",),
        {"evidence_ids": ["d-1-2"]},
        "Follow-up",
    )
    assert (second.answers, second.gold) == ((), None)
    with pytest.raises(InputError, match="the last one a question"):
        load_examples(jsonl(tmp_path / "bad.jsonl", row | {"input": row["input"][:2]}, row))

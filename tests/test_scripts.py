"""Texts of every script: the terms that they are compared by, and the windows that they are cut into."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from r1router.evidence.shown import focus
from r1router.ingest.chunk import cut_windows
from r1router.ingest.run import index
from r1router.kb import open_kb
from r1router.kb.asked import cut_query
from r1router.kb.rows import TERMS
from r1router.kb.stores.folder.table import open_table
from r1router.kb.writer import open_writer
from r1router.scripts import count_pieces, cut_terms, cut_terms_to_store, find_sentence_end, is_respelled, normalise
from r1router.types import Evidence, Query
from small_embedders import HashedWords, Thumbnails


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", unicodedata.normalize("NFD", "MÜLLER")),
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("donaudampf\u00adschiff", "Donaudampfschiff"),
        ("zero\u200bwidth", "zerowidth"),
        ("１２３ＡＢＣ", "123abc"),
        ("ｶﾞﾗｽ", "ガラス"),
        ("ёлка", "Елка"),
        ("می\u200cخواهم", "ميخواهم"),
        ("مُحَمَّد", "محمد"),
        ("İzmir", "izmir"),
        ("سنة ٢٠٢٤", "سنه 2024"),
        ("سال ۱۴۰۲", "سال 1402"),
        ("१२३", "123"),
    ],
)
def test_two_spellings_of_a_word_are_one_term(one: str, other: str) -> None:
    assert cut_terms(one) == cut_terms(other) != []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("周岚负责渡船的维修。", "渡船"),
        ("周岚负责渡船的维修。", "船"),
        ("このガラスの厚さは五ミリです", "厚さ"),
        ("ประเทศไทยมีเมืองหลวงคือกรุงเทพ", "เมืองหลวง"),
        ("서울에서 만나요", "서울"),
        ("កម្ពុជា", "កម្ពុជា"),
        ("हिन्दी में लिखा है", "हिन्दी"),
    ],
)
def test_a_word_is_found_inside_a_text_without_spaces(text: str, query: str) -> None:
    assert set(cut_terms(query)) <= set(cut_terms_to_store(text).split())


@pytest.mark.parametrize(
    ("text", "query"),
    [
        *(
            (prefix + "مدرسة", asked)
            for prefix in ("ال", "وال", "بال", "لل", "و", "ب", "ول")
            for asked in ("مدرسة", "المدرسة")
        ),
        *(
            (prefix + "ספרייה", asked)
            for prefix in ("ה", "ב", "וה", "מה", "ל", "ושב")
            for asked in ("ספרייה", "הספרייה")
        ),
        ("می‌خواهم", "می خواهم"),
        ("می‌خواهم", "میخواهم"),
        ("می خواهم", "میخواهم"),
        ("میخواهم", "می خواهم"),
        ("کتاب‌های", "کتاب های"),
        ("کتابهای", "کتاب های"),
        ("کتاب های", "کتاب‌های"),
        ("فکرها", "فکر"),
        ("دانش‌آموز", "دانش آموز"),
        ("دانشآموز", "دانش آموز"),
        ("دانش آموز", "دانش‌آموز"),
    ],
)
def test_a_word_is_found_whatever_is_written_together_with_it(text: str, query: str) -> None:
    terms, _ = cut_query(query)
    asked = {term for term in terms.split() if len(term) > 2}
    assert asked & set(cut_terms_to_store(text).split())


def test_only_words_with_prefixes_have_other_forms() -> None:
    assert cut_terms_to_store("Der 3. Mai, das Café und 東京") == "der 3 mai das cafe und 東京 東 京"
    assert [is_respelled(text) for text in ("Café 5", "٥ كتب", "हिन्दी", "५")] == [False, True, False, True]


def test_what_nobody_sees_is_not_stored() -> None:
    assert normalise("Mu\u0308l\u00adler\ufeff\0") == "Müller"


@pytest.mark.parametrize("letter", ["蓝", "の", "ท", "x"])
def test_no_window_is_long_whatever_the_script(letter: str) -> None:
    cut_up = list(cut_windows(letter * 20_000))
    assert max(map(len, cut_up)) <= 2_200
    assert sum(map(len, cut_up)) >= 20_000
    assert count_pieces(letter * 1_600) >= 100


def test_white_space_is_no_way_around_the_bound_of_a_block() -> None:
    assert count_pieces("蓝鲸仓库的密码") == 7


def test_sentences_end_in_every_script() -> None:
    assert find_sentence_end().split("Yes. Really? 是的。好！」他说。है। हाँ ؟ نعم") == [
        "Yes.", "Really?", "是的。", "好！」", "他说。", "है।", "हाँ ؟", "نعم",
    ]  # fmt: skip


def test_a_title_and_a_colon_end_no_sentence() -> None:
    assert find_sentence_end().split("Ask Dr. Ida Holm. Cost: 11 euros. Back at 19:30.") == [
        "Ask Dr. Ida Holm.",
        "Cost: 11 euros.",
        "Back at 19:30.",
    ]


def test_a_chinese_question_is_shown_the_sentence_that_answers_it() -> None:
    text = "灯塔建于一九零二年。" * 20 + "渡船由周岚维修。" + "港口在东边。" * 20
    [(_, shown)] = focus("谁维修渡船", [Evidence("text", "a", text)], 40)
    assert "周岚" in shown


# ── full text ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def kbs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    texts = {
        "a": "Project Blue Heron starts in June.",
        "b": "The heron is blue; blue is the heron's project, and AND is a word.",
        "c": "周岚负责渡船的维修。",
        "d": "Mu\u0308ller wohnt in der Dampf\u00adstraße.",
    }
    for name, text in texts.items():
        (docs / f"{name}.txt").write_text(text, encoding="utf-8")
    index([docs], tmp_path / "kbs", embedder=HashedWords(), image_embedder=Thumbnails(), ocr=False)
    return tmp_path / "kbs"


def found(kbs: Path, query: str, mode: str = "text") -> list[str]:
    kb = open_kb(kbs / "text", text_embedder=HashedWords())
    return [hit.id[5] for hit in kb.search([Query(query)], k=3, mode=mode)[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["text", "fused"])
def test_a_phrase_in_quotes_comes_first(kbs: Path, mode: str) -> None:
    assert found(kbs, '"Blue Heron"', mode)[0] == "a"
    assert found(kbs, "“the heron's project”", mode)[0] == "b"
    assert found(kbs, '"渡船的维修"', mode)[0] == "c"


@pytest.mark.parametrize(
    "query",
    ['"never said like this: heron"', 'heron AND "', "heron:*?~^", "(heron", "NOT heron OR -heron", 'he"ron heron'],
)
def test_marks_of_query_languages_are_nothing_special(kbs: Path, query: str) -> None:
    assert set(found(kbs, query)) >= {"a", "b"}


@pytest.mark.parametrize("query", ['""', "!?", '"', "  "])
def test_a_query_without_words_finds_nothing(kbs: Path, query: str) -> None:
    assert found(kbs, query) == []


@pytest.mark.parametrize(("query", "hit"), [("渡船", "c"), ("Müller", "d"), ("MULLER", "d"), ("Dampfstraße", "d")])
def test_words_are_found_in_any_script_and_spelling(kbs: Path, query: str, hit: str) -> None:
    assert found(kbs, query)[0] == hit


def test_a_knowledge_base_of_before_gets_its_terms_when_it_is_written_to(kbs: Path) -> None:
    folder = kbs / "text"
    table = open_table(folder)
    table.drop_index(table.list_indices()[0].name)
    table.drop_columns([TERMS])
    table.create_index("text", config=__import__("lancedb.index").index.FTS())
    assert found(kbs, '"heron"')
    kb = open_kb(folder, text_embedder=HashedWords())
    with open_writer(kb.store, kb.manifest) as writer:
        writer.finish()
    assert found(kbs, "渡船") == ["c"]
    assert found(kbs, '"Blue Heron"')[0] == "a"

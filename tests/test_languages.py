"""The language of a knowledge base: on its card, and in a warning where the embedder does not know it."""

import pytest

import r1router as rr
from r1router.kb import open_kb
from r1router.kb.languages import choose_language, count_languages, name_language

TEXTS = {
    "en": "The last ferry leaves the harbour at half past nine, and after that you have to wait until the morning.",
    "de": "Die letzte Fähre verlässt den Hafen um halb zehn, danach muss man bis zum nächsten Morgen warten.",
    "fr": "Le dernier bac quitte le port à neuf heures et demie, ensuite il faut attendre jusqu'au matin.",
    "zh": "最后一班渡船晚上九点半离开港口,之后只能等到第二天早上。渡口的电话写在牌子上。",
    "ja": "最終のフェリーは夜九時半に港を出ます。その後は翌朝まで待たなければなりません。",
    "ru": "Последний паром уходит из гавани в половине десятого, потом надо ждать до утра.",
    "pl": "Ostatni prom odpływa z portu o wpół do dziesiątej, potem trzeba czekać do rana.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_text_is_known_by_its_language(code):
    assert choose_language(count_languages([TEXTS[code]])) == code


def test_short_words_and_numbers_say_nothing():
    assert count_languages(["Oslo", "1 2 3 4", "| 7 | 9 |", "def f(x): return x"]).total() == 0
    assert choose_language(count_languages([TEXTS["de"], TEXTS["fr"]])) == ""


def test_a_card_names_the_language_where_it_is_not_english(tmp_path):
    for code in ("en", "de"):
        folder = tmp_path / code
        folder.mkdir()
        (folder / "ferry.txt").write_text(TEXTS[code])
        report = rr.index([folder], kbs=tmp_path / "kbs" / code)
        warned = [problem.reason for problem in report.problems]
        if code == "en":
            assert warned == []
        else:
            assert warned[0].startswith("1 of 1 texts looked at are not in a language of minilm: (German)")
    assert open_kb(tmp_path / "kbs" / "en" / "text").card.holds == "1 passage: ferry"
    assert open_kb(tmp_path / "kbs" / "de" / "text").card.holds == f"1 passage: ferry ({name_language('de')})"
    assert rr.index([tmp_path / "de"], kbs=tmp_path / "kbs" / "de").problems == ()


def test_an_embedder_that_says_nothing_of_its_languages_is_not_warned_of(tmp_path):
    class Plain:
        spec, dim = "plain:", 2

        def embed_texts(self, texts, *, query=False):
            import numpy as np

            return np.ones((len(texts), 2), np.float32)

    (tmp_path / "a.txt").write_text(TEXTS["de"])
    assert rr.index([tmp_path / "a.txt"], kbs=tmp_path / "kbs", embedder=Plain()).problems == ()

"""Finds answers in evidence: the search over spans by an encoder that is written here, then the one that ships."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from r1router.errors import InputError
from r1router.onnx_session import ASSETS
from r1router.parse import UNKNOWN, read_answer
from r1router.policies import _extractor as extractor
from r1router.types import Reply, Token

TOKENIZER = extractor.open_tokenizer()
PIECES = ("Prices 2025\nThe bus costs 31,500 euros and the boat 1.04 million.", "The boat is kept in Oslo.")


def point_at(*wanted: str):
    """An encoder that begins and ends at these tokens, the first one most of all."""
    numbers = [TOKENIZER.token_to_id(token) for token in wanted]

    def encode(ids, types):
        logits = np.zeros((ids.shape[1], 2), np.float32)
        for weight, number in enumerate(reversed(numbers), 1):
            logits[ids[0] == number] += 6.0 * weight
        return logits

    return encode


def find(question, pieces, encode, count=3):
    return extractor.find_spans(question, pieces, count, TOKENIZER, encode)


def test_a_span_is_never_a_part_of_a_word():
    (best, *_) = find("How much is the bus?", PIECES, point_at("500"))
    assert "500" not in [span.text for span in find("How much is the bus?", PIECES, point_at("500"))]
    assert best.text.split()[0] in " ".join(PIECES) + " yes no unknown"


def test_the_likeliest_span_comes_first_with_its_piece():
    (best, *_) = find("Where is the boat?", PIECES, point_at("oslo"))
    assert (best.text, best.piece) == ("Oslo", 1)
    assert 0 < best.probability <= 1


def test_nothing_says_it_where_each_piece_says_so_and_more_pieces_do_not_make_it_likelier():
    (alone, *_) = find("Who is our CEO?", PIECES[:1], point_at("unknown"))
    (best, *_) = find("Who is our CEO?", PIECES[:1] * 4, point_at("unknown"))
    assert best.text == alone.text == "unknown"
    assert best.probability <= alone.probability
    assert read_answer(extractor.write_reply([best])).doubt == best.probability


def test_an_answer_at_the_end_of_a_long_piece_is_found():
    piece = "Nothing is said here about it. " * 90 + "The key is with Bettany."
    (best, *_) = find("Who has the key?", [piece], point_at("bet", "##tany"))
    assert best.text == "Bettany"


def test_no_piece_gives_no_span():
    assert find("Who?", [], point_at("oslo")) == []


def test_marks_of_a_template_are_never_an_answer():
    found = find("Where?", ["Go to <answer> Oslo"], point_at("answer", "oslo"))
    assert all("<" not in span.text for span in found)


def say(text, probability):
    logprob = float(np.log(probability))
    tokens = [Token(part, p, ((part, p),)) for part, p in (("<answer>", 0.0), (text, logprob), ("</answer>", 0.0))]
    return Reply(f"<answer>{text}</answer>", tuple(tokens))


def test_a_sure_language_model_chooses_among_the_answers_that_are_found():
    spans = [extractor.Span("Oslo", 0.15, 1), extractor.Span("unknown", 0.1, 0), extractor.Span("Bergen", 0.01, 1)]
    kept = read_answer(extractor.choose(spans, say("Bergen", 0.99)))
    assert (kept.text, kept.doubt) == ("Bergen", 0.1)
    assert read_answer(extractor.choose(spans, say("Bergen", 0.05))).text == "Oslo"
    assert read_answer(extractor.choose(spans, say("oslo.", 0.05))).text == "oslo."
    assert read_answer(extractor.choose(spans, say("Hamar", 0.99))).text == "Oslo"
    assert read_answer(extractor.choose(spans, say("unknown", 0.99))).text == "Oslo"
    assert read_answer(extractor.choose(spans, say("“Bergen”", 0.99))).text == "“Bergen”"


def test_the_language_model_is_asked_where_no_answer_is_likely():
    assert not extractor.is_sure([extractor.Span("Oslo", 0.2, 1)])
    assert extractor.is_sure([extractor.Span("Oslo", 0.8, 1)])
    assert extractor.is_sure([extractor.Span("unknown", 0.1, 0), extractor.Span("Oslo", 0.05, 1)])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What does the bus cost?", "31,500 euros"),
        ("In which town is the boat?", "Oslo"),
        ("Who drives the bus?", "unknown"),
    ],
)
def test_the_one_that_ships_finds_it(question, answer):
    found = extractor.find_extractor_beside(ASSETS / "router").find(question, PIECES, 3)
    assert found[0].text == answer


def test_a_file_tells_its_tokenizer_in_its_metadata(tmp_path):
    shipped = (ASSETS / "router" / "extractor.onnx").read_bytes()
    told = json.loads(extractor.open_tokenizer().to_str())
    words = told["model"]["vocab"]
    words["oslo"], words["bus"] = words["bus"], words["oslo"]
    (tmp_path / "extractor.onnx").write_bytes(shipped + write_metadata(extractor.TOKENIZER, json.dumps(told)))
    found = extractor.find_extractor_beside(tmp_path).find("In which town is the boat?", PIECES, 3)
    assert found[0].text != "Oslo"  # which it reads as the bus now
    (tmp_path / "extractor.onnx").write_bytes(shipped + write_metadata(extractor.TOKENIZER, "no tokenizer"))
    with pytest.raises(InputError, match=r"extractor\.onnx tells a tokenizer that cannot be read"):
        extractor.find_extractor_beside(tmp_path)


def write_metadata(name: str, value: str) -> bytes:
    """What stands at the end of an ONNX file for one line of metadata: field 14, of a name (1) and a value (2)."""

    def write_field(number: int, content: bytes) -> bytes:
        size, left = b"", len(content)
        while left > 127:
            size, left = size + bytes([left & 127 | 128]), left >> 7
        return bytes([number << 3 | 2]) + size + bytes([left]) + content

    return write_field(14, write_field(1, name.encode()) + write_field(2, value.encode()))


def test_the_one_that_ships_is_opened_without_a_word():
    opened = "find_extractor_beside(ASSETS / 'router')"
    code = f"from r1router.policies._extractor import *; from r1router.onnx_session import ASSETS; {opened}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""


def test_unknown_counts_with_four_times_its_odds_and_the_rest_share_what_is_left():
    spans = [extractor.Span("Oslo", 0.6, 1), extractor.Span(UNKNOWN, 0.25, 0), extractor.Span("Bergen", 0.15, 0)]
    oslo, unknown, bergen = (span.probability for span in extractor._weigh_unknown(spans))
    assert unknown / (1 - unknown) == pytest.approx(4 * 0.25 / 0.75)
    assert oslo + unknown + bergen == pytest.approx(1)
    assert oslo / bergen == pytest.approx(0.6 / 0.15)

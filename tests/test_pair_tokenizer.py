"""The tokenizer of encoders that read two texts: characters of its own, everything else as it was."""

import itertools
import json

from tokenizers import Tokenizer

from r1router.onnx_session import ASSETS
from r1router.pair_tokenizer import open_pair_tokenizer

BEFORE = ASSETS / "minilm" / "tokenizer.json"


def test_common_chinese_characters_are_tokens_of_their_own():
    tokenizer = open_pair_tokenizer(64)
    tokens = tokenizer.encode("值班的是谁", "今天是老王值班").tokens
    assert "[UNK]" not in tokens
    assert [token for token in tokens if token[0] != "["] == [*"值班的是谁", *"今天是老王值班"]


def test_other_texts_are_read_as_before():
    before, now = Tokenizer.from_file(str(BEFORE)), open_pair_tokenizer(64)
    before.no_padding()
    for question, piece in (("Who has the key?", "Ann Reed, since May."), ("Wer öffnet?", "Für Gäste: Tür 3 – 18 €")):
        assert now.encode(question, piece).ids == before.encode(question, piece).ids


def test_each_character_takes_a_place_that_stood_for_nothing():
    vocabulary = json.loads(BEFORE.read_text(encoding="utf-8"))["model"]["vocab"]
    characters = (ASSETS / "minilm" / "characters.txt").read_text(encoding="utf-8").strip()
    assert len(set(characters)) == len(characters)
    assert vocabulary.keys().isdisjoint(characters)
    now = open_pair_tokenizer(8)
    places = [now.token_to_id(character) for character in characters]
    assert places == [vocabulary[f"[unused{place}]"] for place in range(len(characters))]
    assert now.get_vocab_size() == len(vocabulary)


def test_a_long_second_text_is_cut_into_parts_that_overlap():
    encoding = open_pair_tokenizer(16, overlap=4).encode("Who?", " ".join(f"w{n}" for n in range(30)))
    parts = [encoding, *encoding.overflowing]
    assert len(parts) > 1
    for part, after in itertools.pairwise(parts):
        assert len(part.ids) <= 16
        begin = part.ids.index(102)  # [SEP] after the question
        assert part.ids[-5:-1] == after.ids[begin + 1 : begin + 5]

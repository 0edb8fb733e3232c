"""Opens the tokenizer of encoders that read two texts, because the one that they began with knows few characters.

It is all-MiniLM-L6-v2's, whose vocabulary has 244 Chinese characters and 994 places that stand for nothing. The
commonest other characters of what the encoders are trained on (`assets/minilm/characters.txt`) take these places;
before, three of four characters of a Chinese text were all the same unknown one.
"""

from __future__ import annotations

import json

from tokenizers import Tokenizer

from r1router.onnx_session import ASSETS

_FOLDER = ASSETS / "minilm"


def open_pair_tokenizer(tokens: int, *, overlap: int = 0, told: str | None = None) -> Tokenizer:
    """One that cuts the second text so that both are at most so many tokens; the parts share `overlap` of them.

    `told`: the JSON of another tokenizer than MiniLM's, as the library `tokenizers` writes it."""
    tokenizer: Tokenizer = Tokenizer.from_str(told or _tell_minilm())
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens, stride=overlap, strategy="only_second")
    return tokenizer


def _tell_minilm() -> str:
    told = json.loads((_FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = told["model"]["vocab"]
    characters = (_FOLDER / "characters.txt").read_text(encoding="utf-8").strip()
    for place, character in enumerate(characters):
        vocabulary[character] = vocabulary.pop(f"[unused{place}]")
    return json.dumps(told, ensure_ascii=False)

"""Makes marks in data harmless, because documents are written by others and models obey marks.

Three kinds are told apart: our own tags, the control tokens of chat templates (by family here, and by the vocabulary of
a model where a backend knows it, see `hide_tokens`), and lines that look like those of our prompts. Ordinary text keeps
its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAG = re.compile(r"<(\s*+/?+\s*+(?:think|sub[-_ ]?question|ret|answer|query)\s*+)>", re.IGNORECASE)
_IN_ANGLES = re.compile(
    # ChatML, Llama 3, Phi, GLM, Command R, gpt-oss …; DeepSeek with full-width bars
    r"<([|｜][^|｜>\s]{1,40}[|｜]"
    # Llama 2, Gemma, BERT, T5, reserved places, tools
    r"|/?s|bos|eos|pad|unk|mask|(?:start|end)_of_(?:turn|image|audio)|unused\d{1,4}|extra_id_\d{1,4}|sop|eop|eoh|eoa"
    r"|/?tool_(?:call|response|result)s?|reserved_special_token_\d{1,4}|</?SYS>"
    # pictures and sounds, llama.cpp's place for both among them
    r"|/?(?:image|img|video|audio)|image_soft_token|audio_soft_token|__(?:media|image)__|IMG_CONTEXT)>"
)
_IN_BRACKETS = re.compile(
    # Mistral and Llama 2, GLM
    r"\[(/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|IMG|IMG_BREAK|IMG_END|THINK"
    r"|PREFIX|SUFFIX|MIDDLE|ARGS|CALL_ID|gMASK|CLS|SEP|MASK|PAD|UNK))\]"
)
_LINE = re.compile(
    # How a line begins in our templates, after any character that a model may take for the end of a line.
    r"([\n\r\v\f\x85\u2028\u2029][ \t]*+)((?:\[\d{1,3}\]|### (?:system|user|assistant)\b"
    r"|(?:question|search|feedback|follow up|reasoning(?: so far)?|(?:intermediate |final )?answer"
    r"|(?:found|turn)(?: \d{1,3})?|asked [^:\n]{1,64}):))",
    re.IGNORECASE,
)


def neutralise(text: str) -> str:
    """Data that cannot be taken for instructions: `<…>` becomes `‹…›`, `[INST]` becomes `[ INST ]`, and a line that
    begins like one of ours is quoted with `> `. A piece's first line stands behind its number and needs none.
    """
    if "<" in text:
        text = _IN_ANGLES.sub(r"‹\1›", _TAG.sub(r"‹\1›", text))
    if "[" in text:
        text = _IN_BRACKETS.sub(r"[ \1 ]", text)
    return text if text.isprintable() else _LINE.sub(r"\1> \2", text)  # what ends a line is not printable


def hide_tokens(text: str, tokens: re.Pattern[str] | None) -> str:
    """The text with a space inside every control token of a model's own vocabulary; see `compile_tokens`."""
    return tokens.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) if tokens else text


def compile_tokens(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these control tokens in a text; None where there are none.

    A token of one character, and our own tags, which some models have as tokens, stay readable.
    """
    kept = sorted({name for name in names if len(name) > 1 and not name.isspace() and not _TAG.fullmatch(name)})
    return re.compile("|".join(map(re.escape, sorted(kept, key=len, reverse=True)))) if kept else None

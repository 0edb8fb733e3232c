"""Writes messages as the JSON of chat completions, which llama.cpp and every OpenAI-compatible server read alike."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from r1router.codec import replace_surrogates
from r1router.marks import hide_tokens
from r1router.types import Image, Message


def write_chat_json(
    messages: Sequence[Message], *, pictures: bool = True, tokens: re.Pattern[str] | None = None
) -> list[dict[str, Any]]:
    """One dict a message. Pictures go before the words, as data URLs; without `pictures` they are left out.

    `tokens` finds the control tokens of the model, where they are known: see `marks.hide_tokens`.
    """
    return [_message(m, pictures, tokens) for m in messages]


def _message(message: Message, pictures: bool, tokens: re.Pattern[str] | None) -> dict[str, Any]:
    text = replace_surrogates(hide_tokens(message.content, tokens))
    if not (pictures and message.images):
        return {"role": message.role, "content": text}
    shown = [{"type": "image_url", "image_url": {"url": write_data_url(image)}} for image in message.images]
    return {"role": message.role, "content": [*shown, {"type": "text", "text": text}]}


def write_data_url(image: Image) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode('ascii')}"

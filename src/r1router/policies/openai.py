"""A model behind an OpenAI-compatible server to a policy: OpenAI itself, vLLM, SGLang, llama-server, Ollama, …

The key comes from the environment and goes nowhere but into the client: not into errors, logs or the spec.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

from r1router import parse
from r1router.errors import InputError, PolicyError, UnknownName
from r1router.policies._chat import to_chat_json
from r1router.types import Ask, Policy, Reply, Shape, Token

log = logging.getLogger(__name__)

URL = "https://api.openai.com/v1"
TOP = 20
"""Alternatives asked for at each token when label probabilities are wanted; the most that OpenAI and vLLM give."""

_CONSTRAINTS: dict[str, Callable[[Shape], dict[str, Any]]] = {
    # Where each server takes the form of a reply, from its own documentation.
    "none": lambda shape: {},
    "vllm": lambda shape: {"structured_outputs": {"regex": parse.regex(shape)}},
    "sglang": lambda shape: {"regex": parse.regex(shape)},
    "llamacpp": lambda shape: {"grammar": parse.gbnf(shape)},
}


def open_(
    target: str,
    *,
    key_env: str = "OPENAI_API_KEY",
    constrain: str = "none",
    concurrency: int = 64,
    timeout: float = 600.0,
) -> Policy:
    """`openai:MODEL@URL?option=value`; without `@URL`, OpenAI's own.

    `key_env` names the environment variable with the key, `constrain` the server's way to be told the form of a
    reply (vllm, sglang, llamacpp; with none, the prompt's words must do), `concurrency` the most calls in
    flight, `timeout` the seconds until one is given up. Raises `InputError`.
    """
    model, _, url = target.rpartition("@") if "@" in target else (target, "", URL)
    if not model:
        raise InputError(
            "openai: takes MODEL or MODEL@URL, such as openai:Qwen/Qwen2.5-VL-7B-Instruct@http://host:8000/v1"
        )
    if not url.startswith(("http://", "https://")):
        raise InputError(f"openai: {url!r} is no URL; write MODEL@http://host:port/v1")
    if constrain not in _CONSTRAINTS:
        raise UnknownName("way to constrain a reply", constrain, _CONSTRAINTS)
    if concurrency < 1:
        raise InputError(f"openai: concurrency is at least 1, not {concurrency}")
    key = os.environ.get(key_env, "")
    if not key and (url == URL or key_env != "OPENAI_API_KEY"):
        raise InputError(
            f"openai: the environment variable {key_env} holds no key for {url}; set it, or name another with ?key_env="
        )
    return OpenAI(model, url, key=key, constrain=constrain, concurrency=concurrency, timeout=timeout)


class OpenAI:
    """One client with its connections; they belong to the event loop of the first reply."""

    def __init__(
        self,
        model: str,
        url: str = URL,
        *,
        key: str = "",
        constrain: str = "none",
        concurrency: int = 64,
        timeout: float = 600.0,
    ) -> None:
        import openai

        self.spec = f"openai:{model}@{url}"
        self.prompts = None
        self._model, self._url = model, url
        self._constrain = _CONSTRAINTS[constrain]
        # The client insists on a key; servers without one ignore it.
        self._client = openai.AsyncOpenAI(base_url=url, api_key=key or "none", timeout=timeout)
        self._room = asyncio.Semaphore(concurrency)
        self._refused: set[str] = set()

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """One chat completion; the client tries again twice where that can help (429, 5xx, a lost connection)."""
        import openai

        request = self._request(ask, temperature, seed)
        async with self._room:
            while True:
                wanted = _without(request, self._refused)
                try:
                    completion = await self._client.chat.completions.create(**wanted)
                    return _reply(completion)
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    refused = _refused_parameter(error, wanted)
                    if refused is None:
                        raise self._failure(error) from error
                    level = logging.WARNING if refused in ("temperature", "seed") else logging.INFO
                    log.log(level, "%s does not take %s; it is not sent any more", self.spec, refused)
                    self._refused.add(refused)
                except (openai.OpenAIError, ValueError) as error:  # ValueError: an answer that is no JSON
                    raise self._failure(error) from error

    def _request(self, ask: Ask, temperature: float, seed: int | None) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": to_chat_json(ask.messages),
            "max_tokens": ask.max_tokens,
            "temperature": temperature,
        }
        if seed is not None:
            request["seed"] = seed
        if ask.labels:
            request["logprobs"] = True
            request["top_logprobs"] = TOP
        if ask.shape is not None:
            request["extra_body"] = self._constrain(ask.shape)
        return request

    def _failure(self, error: Exception) -> PolicyError:
        import openai

        match error:
            case openai.APITimeoutError():
                said, hint = "no answer in time", "raise ?timeout=, or lower ?concurrency="
            case openai.APIConnectionError():
                said, hint = str(error.__cause__ or error), "is the server running, and is the URL right?"
            case openai.APIStatusError():
                said, hint = f"status {error.status_code}: {_words(error)}", _HINTS.get(error.status_code, "")
            case _:
                said, hint = f"not a chat completion: {error}", "does the URL end as it should, in /v1 usually?"
        return PolicyError(f"{self._model} at {self._url}: {said}" + (f"\n{hint}" if hint else ""))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


# ── what servers refuse ────────────────────────────────────────────────────────────────────────

_HINTS = {
    401: "the key was refused; it is read from OPENAI_API_KEY, or from the variable named by ?key_env=",
    403: "the key was refused; it is read from OPENAI_API_KEY, or from the variable named by ?key_env=",
    404: "the model or the URL is not known there; the URL usually ends in /v1, and URL/models lists the models",
    413: "the request is too large; ask for less evidence or smaller pictures",
    429: "too many calls, or the quota is spent; lower ?concurrency=",
}
_PARAMETERS = ("logprobs", "max_tokens", "temperature", "seed")
"""What some servers and models refuse, and we can do without."""


def _words(error: Any) -> str:
    """What the server said, at most a few lines of it."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return str(said or error.message)[:500]


def _refused_parameter(error: Any, request: dict[str, Any]) -> str | None:
    said = f"{error.param} {_words(error)}"
    return next((name for name in _PARAMETERS if name in said and name in request), None)


def _without(request: dict[str, Any], refused: set[str]) -> dict[str, Any]:
    """The request as this server takes it. Newer OpenAI models call `max_tokens` something else."""
    kept = {k: v for k, v in request.items() if k not in refused}
    if "logprobs" in refused:
        kept.pop("top_logprobs", None)
    if "max_tokens" in refused:
        kept["max_completion_tokens"] = request["max_tokens"]
    return kept


# ── what they return ───────────────────────────────────────────────────────────────────────────


def _reply(completion: Any) -> Reply:
    if not getattr(completion, "choices", None):
        raise ValueError(f"it has no choices: {str(completion)[:200]}")
    choice, usage = completion.choices[0], completion.usage
    text = choice.message.content or ""
    logprobs = choice.logprobs.content if choice.logprobs else None
    return Reply(
        text=text,
        tokens=_tokens(logprobs or (), text),
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        truncated=choice.finish_reason == "length",
    )


def _tokens(logprobs: Iterable[Any], text: str) -> tuple[Token, ...]:
    """Tokens whose texts add up to `text` exactly.

    A character cut over several tokens goes to its last one; an end-of-turn token gets no text; what a server
    leaves out (llama-server: all but the last token of such a character) goes to the token after it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    found: list[Token] = []
    at = 0
    for entry in logprobs:
        piece = decoder.decode(bytes(entry.bytes)) if entry.bytes is not None else entry.token
        begin = text.find(piece, at, at + len(piece) + 8) if piece else -1
        end = begin + len(piece) if begin >= 0 else at
        top = tuple((t.token, t.logprob) for t in entry.top_logprobs)
        found.append(Token(text[at:end], entry.logprob, top))
        at = end
    if found and at < len(text):
        last = found.pop()
        found.append(Token(last.text + text[at:], last.logprob, last.top))
    return tuple(found)

"""Asks a model behind an OpenAI-compatible server: OpenAI itself, vLLM, SGLang, llama-server, Ollama, ….

The key comes from the environment and goes nowhere but into the client: not into errors, logs or the spec.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, Field

from r1router import parse
from r1router.endpoint import (
    KEY_ENV,
    UNPACKED,
    URL,
    Text,
    explain_failure,
    hide,
    quote_server,
    read_body,
    read_key,
    refuse_packed,
    split_target,
)
from r1router.errors import InputError, PolicyError, UnknownName
from r1router.marks import neutralise
from r1router.policies._chat import write_chat_json
from r1router.types import Ask, Policy, Reply, Shape, Token

log = logging.getLogger(__name__)

TOP = 20
"""Alternatives asked for at each token when label probabilities are wanted; the most that OpenAI and vLLM give."""
ROOM = (0, 4096, 16_384)
"""Tokens of room for a thought beside the reply, tried in turn where a reply ends before its thought does."""


def _write_vllm(shape: Shape) -> dict[str, Any]:
    """A regular expression, or a grammar where a tag has its own: queries and copied answers."""
    if any(tag.grammar for tags in shape.alternatives for tag in tags):
        return {"structured_outputs": {"grammar": parse.write_gbnf(shape)}}
    return {"structured_outputs": {"regex": parse.write_regex(shape)}}


_CONSTRAINTS: dict[str, Callable[[Shape], dict[str, Any]]] = {
    # Where each server takes the form of a reply, from its own documentation.
    "none": lambda shape: {},
    "vllm": _write_vllm,
    "sglang": lambda shape: {"regex": parse.write_regex(shape)},
    "llamacpp": lambda shape: {"grammar": parse.write_gbnf(shape)},
    "json": lambda shape: {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": parse.write_json_schema(shape)},
        }
    },
}
AUTO = "auto"
_OWNERS = {
    # What servers write as the owner of their models at URL/models, and what they take.
    "vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp",
    "library": "json",  # Ollama, which hands the schema on as its `format`
    "organization_owner": "json",  # LM Studio
    "openai": "json", "system": "json", "openai-internal": "json",
}  # fmt: skip
_SECONDS_TO_ASK = 5.0
_NOT_YET = (502, 503, 504)
"""Said by a server that loads its model, or by a gateway before it."""


def open_(
    target: str,
    *,
    key_env: str = KEY_ENV,
    constrain: str = AUTO,
    concurrency: int = 64,
    timeout: float = 600.0,
    think: int = -1,
) -> Policy:
    """`openai:MODEL@URL?option=value`; without `@URL`, OpenAI's own.

    `key_env` names the environment variable with the key, `constrain` the server's way to be told the form of a
    reply (auto asks the server which it is; else vllm, sglang, llamacpp or json, a JSON schema as OpenAI, Ollama and LM
    Studio take it; with none, the prompt's words must do), `concurrency` the most calls in
    flight, `timeout` the seconds until one is given up. `think` is the tokens that a model may think before its
    reply; -1 gives more room (`ROOM`) once a reply was cut off while the model still thought. Raises `InputError`.
    """
    model, url = split_target(target, example="Qwen/Qwen2.5-VL-7B-Instruct")
    if constrain not in (AUTO, *_CONSTRAINTS):
        raise UnknownName("way to constrain a reply", constrain, [AUTO, *_CONSTRAINTS])
    if concurrency < 1 or think < -1:
        raise InputError(f"openai: concurrency is at least 1 and think at least 0; got {concurrency=}, {think=}")
    key = read_key(key_env, url)
    return OpenAI(model, url, key=key, constrain=constrain, concurrency=concurrency, timeout=timeout, think=think)


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
        think: int = -1,
    ) -> None:
        import openai

        self.spec = f"openai:{model}@{url}"
        self.prompts = None
        self._model, self._at = model, f"{model} at {url}"
        self._constrain = constrain
        self._asking: asyncio.Task[str | None] | None = None
        # The client insists on a key; servers without one ignore it.
        self._client = openai.AsyncOpenAI(
            base_url=url,
            api_key=key or "none",
            timeout=timeout,
            default_headers=UNPACKED,
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [_refuse_packed]}),
        )
        self._room = asyncio.Semaphore(concurrency)
        self._refused: set[str] = set()
        self._rooms = ROOM if think < 0 else (think,)
        self._thinks = 0
        """Position in `_rooms`: what this model has turned out to need."""

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """One chat completion; the client tries again twice where that can help (429, 5xx, a lost connection).

        A reply that is cut off before the model has thought to its end is asked for again with more room.
        """
        spent = Reply("")
        if ask.shape is not None and self._constrain == AUTO:
            self._asking = self._asking or asyncio.ensure_future(self._ask_server())
            found = await asyncio.shield(self._asking)
            self._constrain, self._asking = found or AUTO, None
        async with self._room:
            for position in range(self._thinks, len(self._rooms)):
                room = self._rooms[position]
                reply = await self._complete(self._request(ask, temperature, seed, room=room))
                spent = _added(spent, reply)
                if not _still_thinks(reply, ask.shape):
                    return spent
                if position + 1 < len(self._rooms):
                    log.info("%s still thought after %d tokens; it gets more room", self.spec, reply.completion_tokens)
                    self._thinks = max(self._thinks, position + 1)
        raise PolicyError(
            f"{self._at}: the reply was cut off after {ask.max_tokens + room} tokens, while the "
            f"model still thought\ngive it more room with ?think= (tokens), or serve it so that it thinks less"
        )

    async def _ask_server(self) -> str | None:
        """How this server takes the form of a reply, by the owner that it names for its models; none where unknown.

        None where it gives no answer, as while it starts: it is asked again at the next reply.
        """
        import openai

        try:
            listed = await self._client.with_options(
                timeout=_SECONDS_TO_ASK, max_retries=0
            ).models.with_raw_response.list()
            owners = {model.owned_by for model in read_body(_Models, listed.content).data}
        except (openai.OpenAIError, ValueError) as error:
            if isinstance(error, openai.APIConnectionError) or getattr(error, "status_code", 0) in _NOT_YET:
                log.info("%s does not say yet how it takes the form of replies; it is asked again", self.spec)
                return None
            log.debug("%s does not list its models: %s", self.spec, type(error).__name__)
            owners = set()
        at = str(self._client.base_url)
        hosted = "json" if at.startswith((URL, "https://openrouter.ai/")) else "none"
        found = next((_OWNERS[owner] for owner in sorted(filter(None, owners)) if owner in _OWNERS), hosted)
        log.info("%s takes the form of replies as: %s", self.spec, found)
        return found

    async def _complete(self, request: dict[str, Any]) -> Reply:
        """One completion, without the parameters that this server has turned out to refuse."""
        import openai

        while True:
            wanted = _without(request, self._refused)
            try:
                response = await self._client.chat.completions.with_raw_response.create(**wanted)
                return _reply(read_body(_Completion, response.content))
            except (openai.BadRequestError, openai.UnprocessableEntityError, openai.InternalServerError) as error:
                refused = _refused_parameter(error, quote_server(error, key=self._client.api_key), wanted)
                if refused is None:
                    raise self._failure(error) from None
                level = logging.WARNING if refused in ("temperature", "seed", PICTURES) else logging.INFO
                log.log(level, "%s does not take %s; it is not sent any more", self.spec, refused)
                self._refused.add(refused)
            except (openai.OpenAIError, ValueError) as error:
                raise self._failure(error) from None  # the client's own errors may hold the key
            except _NoReply as said:
                raise PolicyError(hide(f"{self._at}: {said}", key=self._client.api_key)) from None

    def _request(self, ask: Ask, temperature: float, seed: int | None, *, room: int) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": write_chat_json(ask.messages),
            "max_tokens": ask.max_tokens + room,
            "temperature": temperature,
        }
        if seed is not None:
            request["seed"] = seed
        if ask.labels:
            request["logprobs"] = True
            request["top_logprobs"] = TOP
        if ask.shape is not None:
            form = _CONSTRAINTS[self._constrain if self._constrain != AUTO else "none"](ask.shape)
            if "response_format" in form:
                request |= form
            else:
                request["extra_body"] = form
        return request

    def _failure(self, error: Exception) -> PolicyError:
        told = explain_failure(
            error,
            at=self._at,
            key=self._client.api_key,  # kept there alone, where no repr of ours shows it
            wanted="a chat completion",
            server="a chat server",
            too_slow="raise ?timeout=, or lower ?concurrency=",
            hints=_HINTS,
        )
        return PolicyError(told)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


async def _refuse_packed(response: Any) -> None:
    refuse_packed(response)


# ── what servers refuse ────────────────────────────────────────────────────────────────────────

_HINTS = {413: "the request is too large; ask for less evidence or smaller pictures"}
_PARAMETERS = ("logprobs", "max_tokens", "temperature", "seed", "response_format")
"""What some servers and models refuse, and we can do without."""


PICTURES = "pictures"
_SEES_NONE = re.compile(
    r"not a (multimodal|vision) model|at most 0 image|support[^.]{0,40} image|missing data required for image"
    r"|image[^.]{0,40} (not supported|only supported|unsupported)|unsupported[^.]{0,40}image",
    re.IGNORECASE,
)
"""How servers say that their model sees nothing; that a picture is too large is another thing. llama.cpp says it as an
error of its own (500)."""


def _refused_parameter(error: Any, words: str, request: dict[str, Any]) -> str | None:
    said = f"{error.param} {words}"
    if _has_pictures(request) and _SEES_NONE.search(words):
        return PICTURES
    if error.status_code >= 500:
        return None
    if "max_tokens" in said and "max_completion_tokens" not in said:
        return None  # too many of them: vLLM names the parameter then too
    return next((name for name in _PARAMETERS if name in said and name in request), None)


def _without(request: dict[str, Any], refused: set[str]) -> dict[str, Any]:
    """The request as this server takes it. Newer OpenAI models call `max_tokens` something else."""
    kept = {k: v for k, v in request.items() if k not in refused}
    if PICTURES in refused:
        kept["messages"] = [_leave_pictures_out(message) for message in request["messages"]]
    if "logprobs" in refused:
        kept.pop("top_logprobs", None)
    if "max_tokens" in refused:
        kept["max_completion_tokens"] = request["max_tokens"]
    return kept


def _has_pictures(request: dict[str, Any]) -> bool:
    return any(not isinstance(message["content"], str) for message in request["messages"])


def _leave_pictures_out(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    words = content if isinstance(content, str) else next(p["text"] for p in content if p["type"] == "text")
    return {**message, "content": words}


# ── what they return ───────────────────────────────────────────────────────────────────────────
# Only what is read is described; null and a missing field are alike.


class _Value(BaseModel):
    """Words with notes at them, as OpenAI's assistants send them."""

    value: Text | None = None


class _Part(BaseModel):
    """A piece of a message's content: its words, a thought (Mistral) or a refusal (OpenAI)."""

    text: Text | _Value | None = None
    thinking: Text | list[_Part | Text] | None = None
    refusal: Text | None = None


class _Function(BaseModel):
    name: Text | None = None


class _Call(BaseModel):
    function: _Function | None = None


class _Message(BaseModel):
    content: Text | _Part | list[_Part | Text] | None = None
    reasoning: Text | None = None
    """Where OpenRouter, Ollama and newer vLLM put a thought."""
    reasoning_content: Text | None = None
    """Where DeepSeek, SGLang, llama-server and older vLLM put it."""
    refusal: Text | None = None
    tool_calls: list[_Call] | None = None


_Logprob = Annotated[float, Field(le=1e-3)]
"""Natural; NaN does not fit, minus infinity does."""


class _Alternative(BaseModel):
    token: Text
    logprob: _Logprob
    bytes: list[Annotated[int, Field(ge=0, le=255)]] | None = None


class _Scored(_Alternative):
    top_logprobs: list[_Alternative] | None = None


class _Logprobs(BaseModel):
    content: list[_Scored] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Text | None = None
    logprobs: _Logprobs | None = None


class _Model(BaseModel):
    owned_by: Text | None = None


class _Models(BaseModel):
    data: list[_Model]


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class _NoReply(Exception):
    """The server sent something in place of a reply, and said what."""


def _reply(completion: _Completion) -> Reply:
    """The words of the first choice, its thought in front where that came apart. Raises `_NoReply`."""
    choice, usage = completion.choices[0], completion.usage or _Usage()
    thought, said, refused = _words_of(choice.message)
    if refused:
        raise _NoReply(f"the model declined (refusal): {refused[:500]}")
    if choice.finish_reason == "content_filter":
        raise _NoReply("the server's content filter stopped the reply")
    if not said.strip() and choice.message.tool_calls:
        names = ", ".join(call.function.name or "?" for call in choice.message.tool_calls if call.function) or "?"
        raise _NoReply(f"it called a tool ({names}) instead of replying; serve the model without tools")
    truncated = choice.finish_reason == "length"
    if thought and not said.strip():  # a server that takes all of it for the thought, or the thought was cut off
        before, said = "", f"<think>{neutralise(thought)}" if truncated else thought
    else:  # a thought in the words themselves is the one that was asked for
        before = f"<think>{neutralise(thought)}</think>\n" if thought and "<think>" not in said else ""
    scored = choice.logprobs.content if choice.logprobs else None
    tokens = _tokens(scored or (), said, thought)
    return Reply(
        text=before + said,
        tokens=(Token(before, 0.0), *tokens) if before and tokens else tokens,
        prompt_tokens=usage.prompt_tokens or 0,
        completion_tokens=usage.completion_tokens or 0,
        truncated=truncated,
    )


def _words_of(message: _Message) -> tuple[str, str, str]:
    """(thought, words, refusal) of a message, each "" where there is none."""
    thought, refused = message.reasoning or message.reasoning_content or "", message.refusal or ""
    if message.content is None or isinstance(message.content, str):
        return thought, message.content or "", refused
    said = ""
    for part in message.content if isinstance(message.content, list) else [message.content]:
        if isinstance(part, str):
            said += part
            continue
        said += (part.text.value if isinstance(part.text, _Value) else part.text) or ""
        refused += part.refusal or ""
        inner = part.thinking or ""
        thought += (
            inner if isinstance(inner, str) else "".join(p if isinstance(p, str) else str(p.text or "") for p in inner)
        )
    return thought, said, refused


def _still_thinks(reply: Reply, shape: Shape | None) -> bool:
    """Whether a reply was cut off before anything but a thought came, where more than a thought was asked for."""
    if not reply.truncated or (shape and all(tag.name == "think" for tags in shape.alternatives for tag in tags)):
        return False
    return not parse.drop_thought(reply.text)


def _added(spent: Reply, reply: Reply) -> Reply:
    """The reply with the tokens of earlier tries counted in."""
    return replace(
        reply,
        prompt_tokens=spent.prompt_tokens + reply.prompt_tokens,
        completion_tokens=spent.completion_tokens + reply.completion_tokens,
    )


def _tokens(scored: Sequence[_Scored], text: str, thought: str) -> tuple[Token, ...]:
    """Tokens whose texts add up to `text` exactly.

    A character cut over several tokens goes to its last one; an end-of-turn token gets no text; what a server
    leaves out (llama-server: all but the last token of such a character) goes to the token after it. Where a `thought`
    came apart, its tokens are left out.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    pieces = [decoder.decode(bytes(s.bytes)) if s.bytes is not None else s.token for s in scored]
    ahead = "".join(pieces).rfind(text) if thought else 0
    found: list[Token] = []
    at = 0
    for piece, entry in zip(pieces, scored, strict=True):
        if ahead > 0:
            ahead -= len(piece)
            continue
        begin = text.find(piece, at, at + len(piece) + 8) if piece else -1
        end = begin + len(piece) if begin >= 0 else at
        top = tuple((t.token, t.logprob) for t in entry.top_logprobs or ())
        found.append(Token(text[at:end], entry.logprob, top))
        at = end
    if found and at < len(text):
        last = found.pop()
        found.append(Token(last.text + text[at:], last.logprob, last.top))
    return tuple(found)

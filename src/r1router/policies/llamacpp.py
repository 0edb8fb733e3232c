"""Asks a GGUF file: llama.cpp in this process, with continuous batching, grammars and prompt caching.

Calls run side by side in `slots` sequences of `ctx` tokens each; further calls wait their turn. llama.cpp opens
a listener with its server; it is bound to 127.0.0.1, on a free port, behind a key that nobody is told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from r1router import parse
from r1router.aside import wait_aside
from r1router.errors import InputError, PolicyError
from r1router.interrupts import watch_interrupts
from r1router.marks import compile_tokens
from r1router.policies import _default_model as default_model
from r1router.policies._chat import write_chat_json
from r1router.policies._control_tokens import read_control_tokens
from r1router.policies._extractor import CANDIDATES, Extractor, choose, find_extractor_beside, is_sure, write_reply
from r1router.prompts import find_prompts_beside
from r1router.types import Ask, Policy, Reply, Token

log = logging.getLogger(__name__)
T = TypeVar("T")

TOP = 20
"""Alternatives asked for at each token when label probabilities are wanted."""

LONGEST_WITHOUT_FLASH = 8192
"""Tokens of context up to which flash attention is off, beyond which it spares too much memory. Its sums depend on how
much of a prompt is read at once, and so on what is still known of an earlier one: with it a question asked twice could
get two answers."""


def open_(
    target: str = "",
    *,
    lora: str = "",
    mmproj: str = "",
    ctx: int = 4096,
    slots: int = 4,
    threads: int = 0,
    exact: bool = False,
    extract: bool = True,
) -> Policy:
    """`llamacpp:FILE?option=value`; without a file, the model that this package fetches, with our router worked in.

    `lora` is an adapter on top of the file (or of the fetched model, in place of our router; `none` for that model
    alone), `mmproj` its picture encoder. A folder `prompts` beside the adapter, or beside the file, is the prompt
    set that it is asked with; a file `extractor.onnx` there finds answers in the evidence (see `_extractor`), which
    `extract=false` leaves to the model alone. `ctx` tokens fit into one call (prompt and reply), `slots` calls run at
    once, on `threads` threads (0: see `_threads`). `exact` gives the same request the same reply to the last digit,
    whatever was asked before or beside it: one call at a time, its prompt read whole.
    Raises `InputError` for files that are none, `PolicyError` where llama.cpp refuses them.
    """
    if ctx < 64 or slots < 1 or threads < 0:
        raise InputError(f"llamacpp: needs ctx >= 64, slots >= 1, threads >= 0; got {ctx=}, {slots=}, {threads=}")
    adapter = Path(lora).expanduser() if lora not in ("", "none") else None
    if target:
        model = Path(target).expanduser()
        beside: tuple[Path | None, Path | None] = (adapter and adapter.parent, model.parent)
    elif lora == "" and default_model.ROUTER.is_file():
        model = default_model.find_router(default_model.ROUTER)
        beside = (default_model.ROUTER.parent, None)
    else:
        model, beside = default_model.find_model(), (adapter and adapter.parent, None)
    projector = Path(mmproj).expanduser() if mmproj else None
    for file, what in ((model, "model"), (adapter, "LoRA adapter"), (projector, "picture encoder")):
        if file is not None:
            _check_gguf(file, what)
    return LlamaCpp(
        model, lora=adapter, mmproj=projector, prompts=find_prompts_beside(*beside), ctx=ctx, slots=slots,
        threads=threads, exact=exact, extractor=find_extractor_beside(*beside) if extract else None,
    )  # fmt: skip


class LlamaCpp:
    """The weights are loaded here, so that a file which does not fit is known before the first question."""

    def __init__(
        self,
        model: Path,
        *,
        lora: Path | None = None,
        mmproj: Path | None = None,
        prompts: Path | None = None,
        ctx: int = 4096,
        slots: int = 4,
        threads: int = 0,
        exact: bool = False,
        extractor: Extractor | None = None,
    ) -> None:
        slots = 1 if exact else slots
        self.spec = f"llamacpp:{model}"
        self.prompts = prompts
        self._pictures, self._exact = mmproj is not None, exact
        self._extractor = extractor
        self._tokens = compile_tokens(read_control_tokens(model))
        with watch_interrupts():
            self._server = wait_aside(lambda: _load(model, lora, mmproj, ctx, slots, threads))
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="llamacpp")
        self._stops: set[threading.Event] = set()
        self._closed = False

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """Cancelling the task frees its slot at the next token.

        At temperature 0 the reply is the same every time, but for near ties between two tokens: what is read beside a
        prompt, or was read before it, may change the last digits of probabilities. With `exact` it never does.
        """
        if self._closed:
            raise PolicyError(f"the policy {self.spec} is closed; open it again with open_policy")
        if self._extractor is None or ask.reading is None or temperature:
            return await self._generate(ask, temperature, seed)
        loop, reading = asyncio.get_running_loop(), ask.reading
        spans = await loop.run_in_executor(
            self._pool, self._extractor.find, reading.question, reading.pieces, CANDIDATES
        )
        if spans and is_sure(spans):
            return write_reply(spans)
        # With a label its probabilities come too, which are weighed.
        said = await self._generate(replace(ask, labels=(parse.UNKNOWN,)), temperature, seed)
        return choose(spans, said) if spans else said

    async def _generate(self, ask: Ask, temperature: float, seed: int | None) -> Reply:
        """The language model's own reply."""
        request = _request(ask, temperature, seed, self._pictures, self._tokens)
        request["cache_prompt"] = not self._exact
        stop = threading.Event()
        self._stops.add(stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._complete, request, stop)
        finally:
            stop.set()  # also on cancellation: the call, if it runs, ends at its next token
            self._stops.discard(stop)

    def _complete(self, request: dict[str, Any], stop: threading.Event) -> Reply:
        """In a worker thread: one call to its end."""
        received = _Stream()

        def take(chunk: dict[str, Any]) -> bool:
            received.take(chunk)
            return stop.is_set()

        try:
            self._server.handle_chat_completions(request, take)
        except RuntimeError as error:  # how xllamacpp hands on what llama.cpp throws
            raise PolicyError(f"llama.cpp refused a call to {self.spec}: {error}") from error
        if received.error:
            raise PolicyError(_explain(received.error, self.spec))
        return received.reply()

    async def close(self) -> None:
        """Ends the calls in flight and frees the weights."""
        self._closed = True
        for stop in self._stops:
            stop.set()
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        self._server = None


# ── loading ────────────────────────────────────────────────────────────────────────────────────


def _check_gguf(file: Path, what: str) -> None:
    if not file.is_file():
        raise InputError(f"there is no {what} at {file}; llamacpp: takes a GGUF file")
    with file.open("rb") as opened:
        magic = opened.read(4)
    if magic != b"GGUF":
        raise InputError(f"{file} is not a GGUF file (it begins with {magic!r}); llamacpp: takes no other form")


def _threads() -> int:
    """One less than the CPUs that are ours, where those are few or not all; 0 leaves it to llama.cpp.

    Its threads wait for each other by spinning: with one thread more than there are free CPUs, decoding fell
    from 19 to 2.5 tokens a second here (2 CPUs under load), and its own count ignores a container's quota.
    """
    everything = os.cpu_count() or 1
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else everything
    with suppress(OSError, ValueError):  # no such file, or "max" for no quota
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        ours = min(ours, max(1, int(quota) // int(period)))
    return max(1, ours - 1) if ours <= 4 or ours < everything else 0


def _load(model: Path, lora: Path | None, mmproj: Path | None, ctx: int, slots: int, threads: int) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise PolicyError(
            f"llama.cpp cannot be loaded: {error}; where libgomp.so.1 is missing, on Debian: apt install libgomp1"
        ) from error

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_parallel = slots
    params.n_ctx = ctx * slots
    params.port = 0
    params.api_keys = [secrets.token_urlsafe(32)]
    params.ui = False
    # A prompt that loses its slot to another question is kept, and taken up again at that question's next step: a
    # quarter less CPU over five three-step questions at once. llama.cpp's own bound would be 8 GiB.
    params.cache_ram_mib = 256
    params.cache_idle_slots = False
    if ctx <= LONGEST_WITHOUT_FLASH:
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.verbosity = 4 if log.isEnabledFor(logging.DEBUG) else 0
    if threads := threads or _threads():
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
    if lora:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(lora), 1.0)]
    if mmproj:
        params.mmproj.path = str(mmproj)
    log.info("loading %s", model)
    params.endpoint_metrics = True
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        files = ", ".join(str(f) for f in (model, lora, mmproj) if f)
        raise PolicyError(
            f"llama.cpp could not load {files}: {error} A file may be damaged or of a model that this "
            "xllamacpp does not know, an adapter or picture encoder may belong to another model, or memory may "
            "be short (lower ?ctx= or ?slots=). With logging at DEBUG llama.cpp says which."
        ) from error
    # Its loop starts after it is said to be ready, and would miss being stopped before that: freeing the server
    # would then wait for ever. The metrics are answered from inside the loop.
    server.handle_metrics()
    return server


# ── one call ───────────────────────────────────────────────────────────────────────────────────


def _request(
    ask: Ask, temperature: float, seed: int | None, pictures: bool, tokens: re.Pattern[str] | None
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "messages": write_chat_json(ask.messages, pictures=pictures, tokens=tokens),
        "max_tokens": ask.max_tokens,
        "temperature": temperature,
        "top_k": 0,  # sampling is by temperature alone, here as in every other policy
        "top_p": 1.0,
        "min_p": 0.0,
        "reasoning_format": "none",  # <think> stays in the text, where parse.py reads it
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if seed is not None:
        request["seed"] = seed
    if ask.shape is not None:
        request["grammar"] = parse.write_gbnf(ask.shape)
    if ask.labels:
        # Probabilities before the grammar and the temperature: what the model itself thinks.
        request |= {"logprobs": True, "top_logprobs": TOP}
    return request


class _Stream:
    """Gathers the chunks of one streamed completion into a reply."""

    def __init__(self) -> None:
        self.error: dict[str, Any] | None = None
        self._pieces: list[str] = []
        self._tokens: list[Token] = []
        self._usage: dict[str, int] = {}
        self._finish = ""

    def take(self, chunk: dict[str, Any]) -> None:
        self.error = chunk.get("error", self.error)
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices", ()):
            self._finish = choice["finish_reason"] or self._finish
            piece = choice.get("delta", {}).get("content") or ""
            self._pieces.append(piece)
            probabilities = (choice.get("logprobs") or {}).get("content") or []
            if probabilities:
                # A character made of several tokens comes as one chunk with the last token's probabilities:
                # the chunk's text, not the token's own, is what adds up to the reply.
                last = probabilities[-1]
                top = tuple((t["token"], t["logprob"]) for t in last["top_logprobs"])
                self._tokens.append(Token(piece, last["logprob"], top))

    def reply(self) -> Reply:
        return Reply(
            text="".join(self._pieces),
            tokens=tuple(self._tokens),
            prompt_tokens=self._usage.get("prompt_tokens", 0),
            completion_tokens=self._usage.get("completion_tokens", 0),
            truncated=self._finish == "length",
        )


def _explain(error: dict[str, Any], spec: str) -> str:
    if error.get("type") == "exceed_context_size_error":
        return (
            f"the prompt has {error['n_prompt_tokens']} tokens and {spec} holds {error['n_ctx']}; "
            "open it with a larger ?ctx=, or ask for less evidence"
        )
    return f"llama.cpp failed a call to {spec}: {error.get('message', error)}"

"""Asks a model of the hub or a folder: transformers in this process, asks in flight answered in batches.

Text models and those that see (a config with a vision part) alike. There is no constrained decoding here: the
prompt asks for the form in words, and `parse.py` reads what comes, within its tolerance.
"""

from __future__ import annotations

import asyncio
import io
import queue
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1router import huggingface
from r1router.errors import InputError, MissingExtra, PolicyError
from r1router.marks import compile_tokens, hide_tokens
from r1router.prompts import find_prompts_beside
from r1router.types import Ask, Message, Policy, Reply, Token

TOP = 20
"""Alternatives kept at each token when label probabilities are wanted."""
GATHER = 0.005
"""Seconds that the first ask of a batch waits for others."""


def open_(target: str, *, adapter: str = "", batch: int = 8, device: str = "") -> Policy:
    """`transformers:NAME?option=value`: a model of the hub, or a folder.

    `adapter` is a LoRA adapter's folder or name, `batch` the most asks in one forward pass, `device` one of
    torch's (cuda where there is one, else mps, else cpu). A folder `prompts` in the adapter's folder, or in the
    model's, is the prompt set that it is asked with. Raises `InputError` where the model cannot be loaded.
    """
    if not target or batch < 1:
        raise InputError("transformers: takes the name of a model or its folder, and batch >= 1")
    return Transformers(target, adapter=adapter, batch=batch, device=device)


@dataclass(eq=False, slots=True)
class _Job:
    ask: Ask
    temperature: float
    seed: int | None
    done: Future[Reply] = field(default_factory=Future)

    @property
    def key(self) -> object:
        """Asks with the same key may share a batch; sampling with a seed has to be alone to be repeatable."""
        alone = self.seed is not None and self.temperature > 0
        return self if alone else (self.temperature, any(m.images for m in self.ask.messages))


class Transformers:
    """The weights are loaded here; one thread of its own generates."""

    def __init__(self, model: str, *, adapter: str = "", batch: int = 8, device: str = "") -> None:
        self.spec = f"transformers:{model}"
        self.prompts = find_prompts_beside(*(Path(name).expanduser() for name in (adapter, model) if name))
        self._batch = batch
        loaded = _load(model, adapter, device)
        self._model, self._processor, self._sees = loaded
        self._tokenizer = loaded.tokenizer
        self._tokenizer.padding_side = "left"
        self._tokens = compile_tokens(self._tokenizer.all_special_tokens)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="transformers", daemon=True)
        self._thread.start()

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """Greedy at temperature 0. Cancelling all asks of a batch ends it at its next token."""
        if self._model is None:
            raise PolicyError(f"the policy {self.spec} is closed; open it again with open_policy")
        job = _Job(ask, temperature, seed)
        self._jobs.put(job)
        return await asyncio.wrap_future(job.done)

    async def close(self) -> None:
        """Ends after the batch in hand and frees the weights."""
        if self._model is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._model = None

    # ── in the thread ──────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        waiting: list[_Job] = []
        closing = False
        while not closing or waiting:
            closing = self._gather(waiting) or closing
            chosen = [job for job in waiting if job.key == waiting[0].key or job is waiting[0]][: self._batch]
            waiting = [job for job in waiting if job not in chosen]
            if asked := [job for job in chosen if not job.done.cancelled()]:
                self._answer(asked)

    def _gather(self, waiting: list[_Job]) -> bool:
        """Moves what has been asked into `waiting`, at least one job; True when it is time to close."""
        until = time.monotonic() + GATHER
        while True:
            try:
                left = until - time.monotonic()
                job = self._jobs.get(timeout=max(left, 0.0)) if waiting else self._jobs.get()
            except queue.Empty:
                return False
            if job is None:
                return True
            if not waiting:
                until = time.monotonic() + GATHER
            waiting.append(job)

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            replies = self._generate(jobs)
        except Exception as error:  # a model's code can raise anything; it is handed to the one who asked
            if len(jobs) > 1:  # one bad ask spoils no others
                for job in jobs:
                    self._answer([job])
            elif jobs[0].done.set_running_or_notify_cancel():
                jobs[0].done.set_exception(self._failure(error))
            return
        for job, reply in zip(jobs, replies, strict=True):
            if job.done.set_running_or_notify_cancel():
                job.done.set_result(reply)

    def _failure(self, error: Exception) -> PolicyError:
        if isinstance(error, PolicyError):
            return error
        failure = PolicyError(
            f"{self.spec} failed: {type(error).__name__}: {error}; where memory is short, lower ?batch="
        )
        failure.__cause__ = error
        return failure

    def _generate(self, jobs: list[_Job]) -> list[Reply]:
        import torch
        from transformers import StoppingCriteriaList

        inputs = self._encode([job.ask.messages for job in jobs])
        width = inputs["input_ids"].shape[1]
        longest = max(job.ask.max_tokens for job in jobs)
        limit = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if limit is not None and width + 1 > limit:
            raise PolicyError(f"the prompt has {width} tokens and {self.spec} holds {limit}; ask for less evidence")
        temperature, seed = jobs[0].temperature, jobs[0].seed
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {}
        with torch.inference_mode(), torch.random.fork_rng():
            if seed is not None:
                torch.manual_seed(seed)
            else:
                torch.seed()
            out = self._model.generate(
                **inputs,
                **({"do_sample": False} | sampling),
                max_new_tokens=longest if limit is None else min(longest, limit - width),
                pad_token_id=self._tokenizer.pad_token_id,
                output_logits=any(job.ask.labels for job in jobs),
                return_dict_in_generate=True,
                stopping_criteria=StoppingCriteriaList([lambda ids, scores: _all_cancelled(jobs, ids)]),
            )
        prompts = inputs["attention_mask"].sum(dim=1).tolist()
        return [
            self._reply(job.ask, prompts[row], out.sequences[row, width:].tolist(), out.logits, row)
            for row, job in enumerate(jobs)
        ]

    def _encode(self, conversations: Sequence[Sequence[Message]]) -> Any:
        """Left-padded tensors on the model's device, through the model's own chat template."""
        turns = [[_turn(m, self._sees, self._tokens) for m in messages] for messages in conversations]
        texts = self._tokenizer.apply_chat_template if not self._sees else self._processor.apply_chat_template
        prompts = [texts(turn, tokenize=False, add_generation_prompt=True) for turn in turns]
        if not self._sees:
            found = self._tokenizer(prompts, padding=True, add_special_tokens=False, return_tensors="pt")
            found.pop("token_type_ids", None)
        else:
            pictures = [[_pixels(i.data) for m in messages for i in m.images] for messages in conversations]
            images = {"images": pictures} if any(pictures) else {}
            found = self._processor(text=prompts, **images, padding=True, add_special_tokens=False, return_tensors="pt")
        return found.to(self._model.device)

    def _reply(self, ask: Ask, prompt_tokens: int, ids: list[int], logits: Any, row: int) -> Reply:
        ends = self._model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        length = next((i for i, token in enumerate(ids) if token in ends), len(ids))
        kept = ids[: min(length, ask.max_tokens)]
        pieces = self._pieces(kept)
        return Reply(
            text="".join(pieces),
            tokens=self._probabilities(kept, pieces, logits, row) if ask.labels else (),
            prompt_tokens=int(prompt_tokens),
            completion_tokens=min(length + 1, len(ids), ask.max_tokens),
            truncated=length >= min(len(ids), ask.max_tokens),
        )

    def _pieces(self, ids: list[int]) -> list[str]:
        """Each token's part of the text; a character cut over several tokens goes to its last one."""
        pieces, before = [], ""
        for end in range(1, len(ids) + 1):
            text = self._tokenizer.decode(ids[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            whole = "" if text.endswith("\ufffd") else text[len(before) :]
            before = text if whole else before
            pieces.append(whole)
        return pieces

    def _probabilities(self, ids: list[int], pieces: list[str], logits: Any, row: int) -> tuple[Token, ...]:
        """Before the temperature: what the model itself thinks."""
        found = []
        for token, piece, step in zip(ids, pieces, logits, strict=False):
            logprobs = step[row].float().log_softmax(-1)
            best = logprobs.topk(min(TOP, logprobs.shape[-1]))
            names = self._tokenizer.batch_decode([[i] for i in best.indices.tolist()])
            found.append(Token(piece, logprobs[token].item(), tuple(zip(names, best.values.tolist(), strict=True))))
        return tuple(found)


def _all_cancelled(jobs: list[_Job], ids: Any) -> Any:
    import torch

    stop = all(job.done.cancelled() for job in jobs)
    return torch.full((ids.shape[0],), stop, dtype=torch.bool, device=ids.device)


def _turn(message: Message, sees: bool, tokens: re.Pattern[str] | None) -> dict[str, Any]:
    text = hide_tokens(message.content, tokens)
    if not sees:
        return {"role": message.role, "content": text}
    pictures = [{"type": "image"} for _ in message.images]
    return {"role": message.role, "content": [*pictures, {"type": "text", "text": text}]}


def _pixels(data: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(data)).convert("RGB")


# ── loading ────────────────────────────────────────────────────────────────────────────────────


def _load(name: str, adapter: str, device: str) -> huggingface.Loaded:
    """On its device, with the adapter worked in. Raises `InputError`, `MissingExtra`."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(error.name or "torch", "transformers", "the transformers: policy") from error
    if not device:
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    # Half precision is slow on a CPU.
    loaded = huggingface.load(name, dtype=torch.float32 if device == "cpu" else "auto")
    model = loaded.model.to(device).eval()
    return loaded._replace(model=huggingface.add_adapter(model, adapter) if adapter else model)

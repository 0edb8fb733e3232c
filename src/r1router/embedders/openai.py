"""Embeds text through the endpoint of an OpenAI-compatible server: `openai:MODEL@URL`.

The key comes from the environment and goes nowhere but into the client: not into errors, logs or the spec.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from r1router.aside import wait_aside
from r1router.embedders._texts import clean
from r1router.embedders._vectors import normalise_rows
from r1router.endpoint import (
    KEY_ENV,
    UNPACKED,
    URL,
    explain_failure,
    read_body,
    read_key,
    refuse_packed,
    split_target,
)
from r1router.errors import InputError, KnowledgeBaseError


def open_(
    target: str,
    *,
    key_env: str = KEY_ENV,
    dimensions: int = 0,
    batch: int = 128,
    concurrency: int = 4,
    timeout: float = 60.0,
) -> OpenAI:
    """`openai:MODEL@URL?option=value`; without `@URL`, OpenAI's own.

    `key_env` names the environment variable with the key, `dimensions` asks for shorter vectors of a model
    that has them, `batch` is the texts in one request, `concurrency` the requests in flight, `timeout` the
    seconds until one is given up. One text is embedded on opening, to learn the length of a vector. Raises
    `InputError`, and `KnowledgeBaseError` where the server cannot be reached or refuses.
    """
    model, url = split_target(target, example="bge-m3")
    if batch < 1 or concurrency < 1 or dimensions < 0:
        raise InputError("openai: batch and concurrency are at least 1, dimensions is not negative")
    read_key(key_env, url)
    return OpenAI(
        model,
        url,
        key_env=key_env,
        dimensions=dimensions,
        batch=batch,
        concurrency=concurrency,
        timeout=timeout,
    )


Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
"""Of a vector: the squares of some thousand such numbers still add up in float32."""


class _Vector(BaseModel):
    index: int
    embedding: list[Number]


class _Vectors(BaseModel):
    data: list[_Vector]


class OpenAI:
    def __init__(
        self,
        model: str,
        url: str = URL,
        *,
        key_env: str = KEY_ENV,
        dimensions: int = 0,
        batch: int = 128,
        concurrency: int = 4,
        timeout: float = 60.0,
    ) -> None:
        import openai

        # What changes the vectors or is needed to ask for them again belongs to the spec, the rest does not.
        options = [f"dimensions={dimensions}"] * bool(dimensions) + [f"key_env={key_env}"] * (key_env != KEY_ENV)
        self.spec = f"openai:{model}" + f"@{url}" * (url != URL) + "?" * bool(options) + "&".join(options)
        self._model, self._url, self._batch, self._timeout = model, url, batch, timeout
        self._asked: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        key = os.environ.get(key_env, "").strip()
        # The client insists on a key; servers without one ignore it.
        connections = openai.DefaultHttpxClient(event_hooks={"response": [refuse_packed]})
        self._client = openai.OpenAI(
            base_url=url, api_key=key or "none", timeout=timeout, default_headers=UNPACKED, http_client=connections
        )
        weakref.finalize(self, connections.close)  # the client closes only connections of its own making
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="embed")
        self.dim = len(self._request(["length"])[0])

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """`query` makes no difference: the protocol does not know it. Raises `KnowledgeBaseError`."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        batches = [texts[start : start + self._batch] for start in range(0, len(texts), self._batch)]
        # A question is asked for in this thread: the workers are waited for when the process ends.
        parts = self._workers.map(self._request, batches) if len(batches) > 1 else map(self._request, batches)
        rows = [row for part in parts for row in part]
        if any(len(row) != self.dim for row in rows):
            raise KnowledgeBaseError(
                f"{self._url} gave vectors of another length than {self.dim}; does it still serve {self._model!r}?"
            )
        return normalise_rows(rows)

    def _request(self, texts: Sequence[str]) -> list[list[float]]:
        """One request; the client tries again twice where that can help (429, 5xx, a lost connection)."""
        import openai

        def ask() -> bytes:
            response = self._client.embeddings.with_raw_response.create(
                model=self._model,
                input=[text if text.strip() else "-" for text in clean(texts)],  # OpenAI refuses an empty text
                encoding_format="float",
                **self._asked,
            )
            return response.content

        try:
            body = wait_aside(ask, self._timeout)  # a client's own limit begins anew with each byte that comes
            rows = sorted(read_body(_Vectors, body).data, key=lambda item: item.index)
            if len(rows) != len(texts):
                raise ValueError(f"{len(rows)} vectors came for {len(texts)} texts")
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            raise self._failure(error) from None  # the client's own errors may hold the key
        return [item.embedding for item in rows]

    def _failure(self, error: Exception) -> KnowledgeBaseError:
        told = explain_failure(
            error,
            at=f"embedding with {self._model} at {self._url}",
            key=self._client.api_key,  # kept there alone, where no repr of ours shows it
            wanted="a list of vectors",
            server="an embeddings server",
            too_slow="raise ?timeout= or lower ?batch=",
            hints=_HINTS,
        )
        return KnowledgeBaseError(told)


_HINTS = {
    400: "a text may be too long for the model, or ?batch= too large for the server",
    413: "the request is too large; lower ?batch=",
}

"""Embeds text through the endpoint of an OpenAI-compatible server: `openai:MODEL@URL`.

The key comes from the environment and goes nowhere but into the client: not into errors, logs or the spec.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from r1router.embedders._texts import clean
from r1router.embedders._vectors import normalise_rows
from r1router.endpoint import hide, quote_server, read_body
from r1router.errors import InputError, KnowledgeBaseError

URL = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"


def open_(
    target: str,
    *,
    key_env: str = KEY,
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
    model, _, url = target.rpartition("@") if "@" in target else (target, "", URL)
    if not model:
        raise InputError("openai: takes MODEL or MODEL@URL, such as openai:bge-m3@http://host:8000/v1")
    if not url.startswith(("http://", "https://")):
        raise InputError(f"openai: {url!r} is no URL; write MODEL@http://host:port/v1")
    if batch < 1 or concurrency < 1 or dimensions < 0:
        raise InputError("openai: batch and concurrency are at least 1, dimensions is not negative")
    if not os.environ.get(key_env) and (url == URL or key_env != KEY):
        raise InputError(
            f"openai: the environment variable {key_env} holds no key for {url}; set it, or name another with ?key_env="
        )
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
        key_env: str = KEY,
        dimensions: int = 0,
        batch: int = 128,
        concurrency: int = 4,
        timeout: float = 60.0,
    ) -> None:
        import openai

        # What changes the vectors or is needed to ask for them again belongs to the spec, the rest does not.
        options = [f"dimensions={dimensions}"] * bool(dimensions) + [f"key_env={key_env}"] * (key_env != KEY)
        self.spec = f"openai:{model}" + f"@{url}" * (url != URL) + "?" * bool(options) + "&".join(options)
        self._model, self._url, self._batch = model, url, batch
        self._asked: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        key = os.environ.get(key_env, "").strip()
        # The client insists on a key; servers without one ignore it.
        self._client = openai.OpenAI(base_url=url, api_key=key or "none", timeout=timeout)
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="embed")
        self.dim = len(self._request(["length"])[0])

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """`query` makes no difference: the protocol does not know it. Raises `KnowledgeBaseError`."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        batches = [texts[start : start + self._batch] for start in range(0, len(texts), self._batch)]
        rows = [row for part in self._workers.map(self._request, batches) for row in part]
        if any(len(row) != self.dim for row in rows):
            raise KnowledgeBaseError(
                f"{self._url} gave vectors of another length than {self.dim}; does it still serve {self._model!r}?"
            )
        return normalise_rows(rows)

    def _request(self, texts: Sequence[str]) -> list[list[float]]:
        """One request; the client tries again twice where that can help (429, 5xx, a lost connection)."""
        import openai

        try:
            response = self._client.embeddings.with_raw_response.create(
                model=self._model,
                input=[text if text.strip() else "-" for text in clean(texts)],  # OpenAI refuses an empty text
                encoding_format="float",
                **self._asked,
            )
            rows = sorted(read_body(_Vectors, response.content).data, key=lambda item: item.index)
        except (openai.OpenAIError, ValueError) as error:
            raise self._failure(error) from None  # the client's own errors may hold the key
        if len(rows) != len(texts):
            raise KnowledgeBaseError(
                f"embedding with {self._model} at {self._url}: {len(rows)} vectors came for {len(texts)} texts\n"
                "is this an embeddings server, and does the URL end as it should, in /v1 usually?"
            )
        return [item.embedding for item in rows]

    def _failure(self, error: Exception) -> KnowledgeBaseError:
        """What happened and what to do."""
        import openai

        key = self._client.api_key  # kept there alone, where no repr of ours shows it
        match error:
            case openai.APITimeoutError():
                said, hint = "no answer in time", "raise ?timeout= or lower ?batch="
            case openai.APIConnectionError():
                said, hint = str(error.__cause__ or error), "is the server running, and is the URL right?"
            case openai.APIStatusError():
                words = quote_server(error, key=key)
                said, hint = f"status {error.status_code}: {words}", _HINTS.get(error.status_code, "")
            case _:
                said = f"no embeddings: {error}"
                hint = "is this an embeddings server, and does the URL end as it should, in /v1 usually?"
        return KnowledgeBaseError(
            hide(f"embedding with {self._model} at {self._url}: {said}" + (f"\n{hint}" if hint else ""), key=key)
        )


_HINTS = {
    400: "a text may be too long for the model, or ?batch= too large for the server",
    401: "the key was refused; it is read from OPENAI_API_KEY, or from the variable named by ?key_env=",
    403: "the key was refused; it is read from OPENAI_API_KEY, or from the variable named by ?key_env=",
    404: "the model or the URL is not known there; the URL usually ends in /v1, and URL/models lists the models",
    413: "the request is too large; lower ?batch=",
    429: "too many calls, or the quota is spent; lower ?concurrency=",
}

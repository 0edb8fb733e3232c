"""Asks a server to score texts for a question: llama.cpp's, vLLM's, Jina's and Cohere's rerank endpoints, or TEI's.

Two forms are spoken. The one that most servers share takes `query` and `documents` and gives `results`, each with an
`index` and a `relevance_score`; text-embeddings-inference takes `query` and `texts` and gives a list of `index` and
`score`. The key comes from the environment and goes nowhere but into the request.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field, RootModel

from r1router.aside import wait_aside
from r1router.endpoint import hide, read_body
from r1router.errors import InputError, KnowledgeBaseError

FORMS = ("jina", "tei")
BYTES = 1 << 24
"""A longer body is no list of scores."""


def open_(
    target: str, *, model: str = "", form: str = "jina", key_env: str = "", timeout: float = 30.0, chars: int = 4000
) -> HttpReranker:
    """`http:URL?option=value`, the URL whole: it ends in /v1/rerank or /rerank.

    `model` is sent where it is given, `form` is "jina" or "tei", `key_env` names the environment variable with the key,
    `timeout` is in seconds, and of each text so many `chars` are sent.
    """
    if not target.startswith(("http://", "https://")):
        raise InputError(f"http: {target!r} is no URL; write http:http://host:port/v1/rerank")
    if form not in FORMS:
        raise InputError(f"http: form is {' or '.join(FORMS)}, not {form!r}")
    if timeout <= 0 or chars < 1:
        raise InputError("http: timeout is more than 0, chars at least 1")
    if key_env and not os.environ.get(key_env, "").strip():
        raise InputError(f"http: the environment variable {key_env} holds no key for {target}")
    return HttpReranker(target, model=model, form=form, key_env=key_env, timeout=timeout, chars=chars)


Score = Annotated[float, Field(allow_inf_nan=False)]


class _Result(BaseModel):
    index: int
    relevance_score: Score


class _Results(BaseModel):
    results: list[_Result]


class _Scored(BaseModel):
    index: int
    score: Score


class _Scores(RootModel[list[_Scored]]):
    pass


class HttpReranker:
    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        form: str = "jina",
        key_env: str = "",
        timeout: float = 30.0,
        chars: int = 4000,
    ) -> None:
        self.spec = f"http:{url}"
        self._url, self._model, self._form, self._key_env = url, model, form, key_env
        self._timeout, self._chars = timeout, chars

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text. Raises `KnowledgeBaseError` where the server cannot be reached, refuses or errs."""
        if not texts:
            return []
        cut = [text[: self._chars] or "-" for text in texts]
        asked = {"query": question, "texts": cut} if self._form == "tei" else {"query": question, "documents": cut}
        body = self._ask(asked | ({"model": self._model} if self._model else {}))
        try:
            if self._form == "tei":
                pairs = [(item.index, item.score) for item in read_body(_Scores, body).root]
            else:
                pairs = [(item.index, item.relevance_score) for item in read_body(_Results, body).results]
            scores = dict(pairs)
            if scores.keys() != set(range(len(texts))):
                raise ValueError(f"scores came for {len(scores)} of {len(texts)} texts")
        except ValueError as error:
            raise KnowledgeBaseError(
                f"reranking at {self._url}: not a list of scores: {error}\n"
                f"does it speak the form {self._form!r}? The other is ?form={FORMS[self._form == 'jina']}"
            ) from None
        return [scores[place] for place in range(len(texts))]

    def _ask(self, asked: object) -> bytes:
        key = os.environ.get(self._key_env, "").strip() if self._key_env else ""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(self._url, json.dumps(asked).encode(), headers)  # http(s) only
        try:
            # Its own limit begins anew with each byte that comes.
            return wait_aside(lambda: _fetch(request, self._timeout), self._timeout)
        except urllib.error.HTTPError as error:
            said = " ".join(error.read(500).decode("utf-8", "replace").split())
            told, hint = f"status {error.code}: {said}", _HINTS.get(error.code, "")
        except TimeoutError:
            told, hint = "no answer in time", "raise ?timeout= or lower ?chars="
        except (OSError, ValueError) as error:
            told, hint = str(getattr(error, "reason", error)), "is the server running, and is the URL right?"
        raise KnowledgeBaseError(
            hide(f"reranking at {self._url}: {told}" + (f"\n{hint}" if hint else ""), key=key)
        ) from None


def _fetch(request: urllib.request.Request, timeout: float) -> bytes:
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        body: bytes = answer.read(BYTES)
        return body


_HINTS = {
    401: "the key was refused; ?key_env= names the variable that holds it",
    403: "the key was refused; ?key_env= names the variable that holds it",
    404: "the URL is not known there; it ends in /v1/rerank or /rerank, and llama.cpp's server needs --rerank",
    413: "the request is too large; lower ?chars=",
    501: "llama.cpp's server was started without --rerank",
}

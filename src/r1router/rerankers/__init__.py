"""Opens rerankers by their specs: `http:URL` is `rerankers/http.py`, `package.module:factory` is anybody's.

    http:http://127.0.0.1:8080/v1/rerank                  llama.cpp's server (--rerank), Jina, vLLM, Cohere's form
    http:https://api.jina.ai/v1/rerank?model=NAME&key_env=JINA_API_KEY
    http:http://127.0.0.1:8080/rerank?form=tei            text-embeddings-inference
    cross-encoder:BAAI/bge-reranker-v2-m3                 a model of the hub, or a folder, inside this process

A file here has `open_(target, *, option=default, …)`, as embedders have.
"""

from __future__ import annotations

from threading import Lock
from typing import cast

from r1router.errors import InputError, UnknownName
from r1router.registry import bind, list_entries, load, split_options
from r1router.types import Reranker

_opened: dict[str, Reranker] = {}
_lock = Lock()


def names() -> list[str]:
    """The rerankers that come with the package."""
    return [name.replace("_", "-") for name in list_entries(__file__)]


def open_reranker(spec: str) -> Reranker:
    """The reranker that `spec` names; one object for one spec, safe to share between threads.

    Raises `InputError`, `UnknownName`, `MissingExtra`, or `KnowledgeBaseError` where a model cannot be loaded.
    """
    with _lock:
        if spec not in _opened:
            _opened[spec] = _load(spec)
        return _opened[spec]


def _load(spec: str) -> Reranker:
    head, options = split_options(spec)
    name, colon, target = head.partition(":")
    if "." in name:
        factory = load("reranker", head, package=__name__, known=names(), attribute="open_")
        return cast(Reranker, factory(**bind(f"reranker {head}", factory, options)))
    if name not in names():
        raise UnknownName("reranker", name, names())
    if not colon or not target:
        raise InputError(f"a reranker is written NAME:WHAT, such as http:http://127.0.0.1:8080/v1/rerank, not {spec!r}")
    module = name.replace("-", "_")
    open_ = load("reranker", module, package=__name__, known=[module], attribute="open_")
    return cast(Reranker, open_(target, **bind(f"reranker {name}", open_, options)))

"""Spec strings to embedders: `minilm:` is `embedders/minilm.py`, and `package.module:name` is yours.

A spec is what an index stores to find its model again, so an opened embedder gives back the spec that
opens it. A file here offers `open_(rest)`, called with what follows the first colon. A spec with a dot
before that colon names a callable without arguments in an importable module.
"""

from __future__ import annotations

import importlib
import pkgutil
from threading import Lock
from typing import Any, cast

from r1router.errors import InputError, UnknownName
from r1router.types import ImageEmbedder, TextEmbedder

_opened: dict[str, Any] = {}
_lock = Lock()


def open_text_embedder(spec: str) -> TextEmbedder:
    """The text embedder of `spec`; the same object for the same spec, safe to share between threads.

    Raises `UnknownName`, `MissingExtra`, or `InputError` where it embeds pictures only.
    """
    embedder = _open(spec)
    if not hasattr(embedder, "embed_texts"):
        raise InputError(f"the embedder {spec!r} does not embed text; for text use minilm: or another")
    return cast(TextEmbedder, embedder)


def open_image_embedder(spec: str) -> ImageEmbedder:
    """The picture embedder of `spec`; otherwise as `open_text_embedder`."""
    embedder = _open(spec)
    if not hasattr(embedder, "embed_images"):
        raise InputError(
            f"the embedder {spec!r} does not embed pictures; for pictures use efficientnet: or clip:NAME"
        )
    return cast(ImageEmbedder, embedder)


def embedder_names() -> list[str]:
    """What may stand before the colon of a spec: the files of this folder."""
    return [_name(m.name) for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]


def _name(module: str) -> str:
    return module.replace("_", "-")


def _open(spec: str) -> Any:
    name, colon, rest = spec.partition(":")
    if not colon:
        raise InputError(
            f"an embedder is written with a colon, such as minilm: or sentence-transformers:NAME; got {spec!r}"
        )
    with _lock:  # two threads that ask for one model wait for one load
        if spec in _opened:
            return _opened[spec]
        embedder = _call(spec, name, rest) if "." in name else _load(name, rest)
        return _opened.setdefault(embedder.spec, embedder)


def _load(name: str, rest: str) -> Any:
    known = embedder_names()
    if name not in known:
        raise UnknownName("embedder", name, known)
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}").open_(rest)


def _call(spec: str, module: str, attribute: str) -> Any:
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"the embedder {spec!r} should name a callable in an importable module: {error}"
        ) from error
    return factory()

"""Opens embedders by their specs: `minilm:` is `embedders/minilm.py`, `package.module:factory` is anybody's.

    minilm:                                   text; comes inside this package
    efficientnet:                             pictures; comes inside this package
    sentence-transformers:BAAI/bge-m3         text; a model of the hub, or a folder
    clip:openai/clip-vit-base-patch32         pictures and text in one space
    openai:text-embedding-3-small             text; OpenAI, or MODEL@URL for any compatible server

A file here has `open_(target, *, option=default, …)`: the target is what stands between the colon and the
`?`, the keyword-only parameters are the options. Anybody's factory is called with its options alone.
An opened embedder's `spec` opens it again, and is what an index stores.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, cast

from r1router.errors import InputError, UnknownName
from r1router.registry import bind, list_entries, load, split_options
from r1router.types import ImageEmbedder, TextEmbedder

_opened: dict[str, Any] = {}
_loading: dict[str, Lock] = {}
"""One for each spec: another model does not wait for this one."""
_lock = Lock()


def names() -> list[str]:
    """The embedders that come with the package."""
    return sorted(name.replace("_", "-") for name in list_entries(__file__))


def open_text_embedder(spec: str) -> TextEmbedder:
    """The text embedder that `spec` names; one object for one spec, safe to share between threads.

    Raises `InputError` (also where it embeds pictures only), `MissingExtra` or `KnowledgeBaseError`.
    """
    embedder = _open(spec)
    if not hasattr(embedder, "embed_texts"):
        raise InputError(f"the embedder {spec!r} is for pictures; text takes another, such as minilm:")
    return cast(TextEmbedder, embedder)


def open_image_embedder(spec: str) -> ImageEmbedder:
    """The picture embedder that `spec` names; otherwise as `open_text_embedder`."""
    embedder = _open(spec)
    if not hasattr(embedder, "embed_images"):
        raise InputError(f"the embedder {spec!r} is for text; pictures take another, such as efficientnet:")
    return cast(ImageEmbedder, embedder)


def _open(spec: str) -> Any:
    with _lock:
        loading = _loading.setdefault(spec, Lock())
    with loading:  # who asks for a model while it loads waits for it instead of loading another
        if spec not in _opened:
            embedder = _load(spec)
            _opened[spec] = _opened.setdefault(embedder.spec, embedder)
        return _opened[spec]


def _load(spec: str) -> Any:
    head, options = split_options(spec)
    name, colon, target = head.partition(":")
    if "." in name:
        factory = load("embedder", head, package=__name__, known=names(), attribute="open_")
        embedder = factory(**bind(f"embedder {head}", factory, options))
        embedder.spec = spec
        return embedder
    if name not in names():
        raise UnknownName("embedder", name, names())
    if not colon:
        raise InputError(f"an embedder is written with a colon: {name}:, not {spec!r}")
    module = name.replace("-", "_")
    open_ = load("embedder", module, package=__name__, known=[module], attribute="open_")
    return open_(target, **bind(f"embedder {name}", open_, options))

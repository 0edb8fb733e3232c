"""Opens policies by their specs: `llamacpp:…` is `policies/llamacpp.py`, `package.module:factory` is anybody's.

    llamacpp:                          the small model that this package fetches, with our router worked in
    llamacpp:/models/x.gguf?ctx=8192   a file, with options
    openai:MODEL@http://host:8000/v1   any OpenAI-compatible server
    transformers:NAME                  a model in this process, through torch
    scripted:replies.jsonl             replies written down beforehand

A file here has `open_(target, *, option=default, …) -> Policy`: the target is what stands between the colon
and the `?`, the keyword-only parameters are the options. Anybody's factory is called with its options alone.
"""

from __future__ import annotations

from r1router.registry import bind, list_entries, load, split_options
from r1router.types import Policy


def names() -> list[str]:
    """The policies that come with the package."""
    return list_entries(__file__)


def open_policy(spec: str) -> Policy:
    """The policy that `spec` names, ready to reply. Raises `InputError`, `MissingExtra` or `PolicyError`."""
    head, options = split_options(spec)
    name, _, target = head.partition(":")
    if "." in name:
        factory = load("policy", head, package=__name__, known=names(), attribute="open_")
        policy: Policy = factory(**bind(f"policy {head}", factory, options))
        return policy
    open_ = load("policy", name, package=__name__, known=names(), attribute="open_")
    policy = open_(target, **bind(f"policy {name}", open_, options))
    policy.spec = spec
    return policy

"""Names the folders that tell pieces of evidence apart, because `archive/` or `2023/` says what the text does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from r1router.types import Evidence


def tell_folders(evidence: Sequence[Evidence]) -> list[str]:
    """For each piece the folders of its file in which it differs from others; "" where all lie in one.

    >>> from r1router.types import Location
    >>> [piece] = [Evidence("text", "1", "", location=Location("all/files/rules/archive/fees.md"))]
    >>> [other] = [Evidence("text", "2", "", location=Location("all/files/rules/fees.md"))]
    >>> tell_folders([piece, other])
    ['rules/archive', 'rules']
    """
    sources = [e.location.source if e.location else "" for e in evidence]
    if len(set(sources)) < 2:
        return [""] * len(sources)
    parts = [PurePosixPath(source.replace("\\", "/")).parts[:-1] for source in sources]
    if len(set(parts)) < 2:
        return [""] * len(parts)
    shared = 0
    while all(len(p) > shared + 1 for p in parts) and len({p[shared] for p in parts}) == 1:
        shared += 1
    return ["/".join(p[shared:]) for p in parts]

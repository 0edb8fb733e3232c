"""Checks pictures that clients send and gives theirs an address, so that no damaged or private file passes."""

from __future__ import annotations

import base64
import binascii
import io
import re
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from r1router.images import tell_media_type
from r1router.serve.error_responses import Refused
from r1router.serve.limits import Limits
from r1router.types import (
    Answered,
    Computed,
    Event,
    Evidence,
    Finished,
    Image,
    Planned,
    Retrieved,
    Rewritten,
    Step,
    Trajectory,
)

N = TypeVar("N", bound=Event | Trajectory | Evidence)

_DATA_URL = re.compile(r"data:[\w./+-]*(?:;[\w=.-]+)*;base64,", re.IGNORECASE)


def decode(url: str, *, limits: Limits) -> Image:
    """The picture of a data URL. Raises `Refused` for any other one: a server that fetched them could be led to
    addresses that only it can reach."""
    if url[:5].lower() == "data:":
        return _check(_decode_base64(url, limits), limits)
    if url.lower().startswith(("http://", "https://")):
        raise Refused(400, "pictures at web addresses are not fetched here; send the picture itself as a data URL")
    raise Refused(400, "a picture is given as a data URL: data:image/png;base64,…")


def _decode_base64(url: str, limits: Limits) -> bytes:
    head = _DATA_URL.match(url[:200])
    if not head:
        raise Refused(400, "the data URL of the picture must be base64: data:image/png;base64,…")
    if (len(url) - head.end()) * 3 // 4 > limits.picture_bytes + 2:
        raise Refused(413, f"the picture is larger than {limits.picture_bytes:,} bytes")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "the data URL of the picture is not good base64") from None


def _check(data: bytes, limits: Limits) -> Image:
    """Its size is read from its head before anything is decoded; then it is decoded once, to be sure of it."""
    from PIL import Image as Pillow

    kind = tell_media_type(data)
    if kind is None:
        raise Refused(415, "the picture is not a PNG, JPEG, WebP or GIF", type="unsupported_type")
    try:
        with Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF")) as opened:
            width, height = opened.size
            if width * height > limits.picture_pixels:
                raise Refused(413, f"the picture has {width} × {height} pixels; at most {limits.picture_pixels:,}")
            opened.load()
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise Refused(413, f"the picture has more than {limits.picture_pixels:,} pixels") from None
    except Refused:
        raise
    except Exception:  # the decoders raise whatever a damaged byte leads them to
        raise Refused(400, "the picture is damaged or cut off") from None
    return Image(data, kind)


def link_pictures(noun: N) -> N:
    """The noun for a client: each picture on this machine's disk is the URL that serves it, and the question comes
    without its picture, which the client has sent itself."""
    match noun:
        case Rewritten():
            return replace(noun, question=replace(noun.question, image=None))
        case Planned() | Retrieved() | Computed() | Answered():
            return replace(noun, step=_link_step(noun.step))
        case Finished():
            return replace(noun, trajectory=_link_trajectory(noun.trajectory))
        case Trajectory():
            return _link_trajectory(noun)  # type: ignore[return-value]  # N is Trajectory here
        case Evidence() if noun.image:
            return replace(noun, image=write_url(noun.kb, noun.image))
        case _:
            return noun


def _link_trajectory(trajectory: Trajectory) -> Trajectory:
    answer = trajectory.answer
    if answer:
        nearest = answer.nearest and link_pictures(answer.nearest)
        answer = replace(answer, citations=tuple(map(link_pictures, answer.citations)), nearest=nearest)
    return replace(
        trajectory,
        question=replace(trajectory.question, image=None),
        steps=tuple(map(_link_step, trajectory.steps)),
        answer=answer,
    )


def _link_step(step: Step) -> Step:
    if not any(evidence.image for evidence in step.evidence):
        return step
    return replace(step, evidence=tuple(map(link_pictures, step.evidence)))


def write_url(kb: str, name: str) -> str:
    """Where the picture of a piece of evidence is served."""
    return f"/v1/kbs/{quote(kb, safe='')}/pictures/{quote(name, safe='')}"

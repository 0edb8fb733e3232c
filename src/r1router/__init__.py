"""Answers questions in steps over several knowledge bases, with a learned router that chooses one for each step.

    import r1router as rr

    rr.index(["docs/"], kbs="kbs")
    trajectory = rr.ask("Which river runs through the capital of Austria?", kbs="kbs")
    print(trajectory.answer.text, trajectory.sources)

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "api": ("Setup", "ask", "ask_many", "stream"),
    "drive.budget": ("Budget",),
    "embedders": ("open_image_embedder", "open_text_embedder"),
    "evals.datasets": ("load_examples",),
    "evals.report.summary": ("report",),
    "evals.run": ("evaluate", "read_run"),
    "images": ("load_image",),
    "ingest.run": ("index",),
    "kb": ("open_kb", "open_kbs"),
    "kb.memory": ("MemoryKnowledgeBase",),
    "methods": ("load_method",),
    "policies": ("open_policy",),
    "policies.scripted": ("Scripted",),
    "prompts": ("Prompts",),
    "rerankers": ("open_reranker",),
    "codec": ("from_dict", "to_dict"),
    "errors": ("R1RouterError",),
    "types": (
        "Answer",
        "Answered",
        "Card",
        "Computed",
        "Evidence",
        "Example",
        "Finished",
        "Image",
        "Location",
        "Malformed",
        "Planned",
        "Query",
        "Question",
        "Retrieved",
        "Rewritten",
        "Step",
        "Trajectory",
        "Turn",
        "Usage",
    ),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(["__version__", *_MODULE_OF])

if TYPE_CHECKING:
    from r1router.api import Setup, ask, ask_many, stream
    from r1router.codec import from_dict, to_dict
    from r1router.drive.budget import Budget
    from r1router.embedders import open_image_embedder, open_text_embedder
    from r1router.errors import R1RouterError
    from r1router.evals.datasets import load_examples
    from r1router.evals.report.summary import report
    from r1router.evals.run import evaluate, read_run
    from r1router.images import load_image
    from r1router.ingest.run import index
    from r1router.kb import open_kb, open_kbs
    from r1router.kb.memory import MemoryKnowledgeBase
    from r1router.methods import load_method
    from r1router.policies import open_policy
    from r1router.policies.scripted import Scripted
    from r1router.prompts import Prompts
    from r1router.rerankers import open_reranker
    from r1router.types import (
        Answer,
        Answered,
        Card,
        Computed,
        Evidence,
        Example,
        Finished,
        Image,
        Location,
        Malformed,
        Planned,
        Query,
        Question,
        Retrieved,
        Rewritten,
        Step,
        Trajectory,
        Turn,
        Usage,
    )


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'r1router' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"r1router.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

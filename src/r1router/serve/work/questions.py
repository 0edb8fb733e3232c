"""Checks what a client asks, so that only questions that can be answered are let in."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from r1router.drive.budget import Budget
from r1router.methods import load_method
from r1router.methods import names as method_names
from r1router.serve.limits import MOST_EVIDENCE, MOST_STEPS, Limits
from r1router.serve.problems import Refused
from r1router.serve.work import pictures
from r1router.serve.work.admission import CheckedQuestion
from r1router.serve.work.kbs import KnowledgeBases
from r1router.types import Question


class BudgetRequest(BaseModel):
    """What the question may cost; when it is spent, the answer is given from what is known by then."""

    model_config = ConfigDict(extra="forbid")
    tokens: Annotated[int, Field(ge=1, le=10**9)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    retrievals: Annotated[int, Field(ge=0, le=10**6)] | None = None


class Options(BaseModel):
    """How a question is to be answered; what is left out is as the server was started."""

    kbs: Annotated[list[str], Field(min_length=1, max_length=64)] | None = Field(
        None, description="Names of the knowledge bases that may be searched."
    )
    max_steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] | None = None
    k: Annotated[int, Field(ge=1, le=MOST_EVIDENCE)] | None = Field(None, description="Entries for each search.")
    budget: BudgetRequest | None = None


class QuestionReader:
    """Checks requests. Clients choose among our methods by name; only who starts the server names other code."""

    def __init__(
        self,
        knowledge_bases: KnowledgeBases,
        *,
        method: str,
        max_steps: int,
        k: int,
        limits: Limits,
        allow_url_images: bool,
    ) -> None:
        """`method` is a spec. Raises `UnknownName` or `InputError` where it is none."""
        self._knowledge_bases, self._limits, self._allow_urls = knowledge_bases, limits, allow_url_images
        self._method, self._max_steps, self._k = method, max_steps, k
        load_method(method, max_steps=max_steps, k=k)

    async def read(self, text: str, image: str | None, method: str | None, options: Options) -> CheckedQuestion:
        """Raises `Refused`."""
        if not text.strip():
            raise Refused(400, "the question is empty")
        if method is not None and method not in method_names():
            raise Refused(400, f"method: unknown; known: {', '.join(method_names())}")
        kbs = self._knowledge_bases.select(options.kbs)
        picture = None
        if image is not None:
            picture = await asyncio.to_thread(pictures.take, image, limits=self._limits, allow_urls=self._allow_urls)
        asked = options.budget or BudgetRequest()
        return CheckedQuestion(
            Question(text, picture),
            method or self._method.partition("?")[0],
            load_method(method or self._method, max_steps=options.max_steps or self._max_steps, k=options.k or self._k),
            kbs,
            Budget(asked.tokens, asked.seconds, asked.retrievals),
        )

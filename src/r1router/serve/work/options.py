"""Declares how a client may want its question answered, within the limits of the server."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from r1router.filters.parse import LONGEST
from r1router.serve.limits import MOST_EVIDENCE, MOST_STEPS

Where = Annotated[
    str | None,
    Field(max_length=LONGEST, description="""Only sources that match, such as 'folder = "2025" and lang = "de"'."""),
]
"""A filter, as a client sends it."""


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
    where: Where = Field(None, examples=['folder = "2025" and lang = "de"'])
    budget: BudgetRequest | None = None

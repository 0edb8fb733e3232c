"""Cuts the words of a query into the terms and phrases that full text is searched for."""

from __future__ import annotations

import re

from r1router.evidence.words import drop_common
from r1router.scripts import cut_terms

_IN_QUOTES = re.compile('["“”„]([^"“”„]+)["“”]')


def cut_query(words: str) -> tuple[str, list[str]]:
    """The terms, and each phrase, with a blank between terms.

    What stands in double quotes is a phrase. All else is words: there is no query language. Common words ("the",
    "welche") do not count beside others.
    """
    terms = " ".join(drop_common(cut_terms(words), words))
    return terms, [phrase for quoted in _IN_QUOTES.findall(words) if (phrase := " ".join(cut_terms(quoted)))]

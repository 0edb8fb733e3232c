"""Cuts the words of a query into the terms and phrases that full text is searched for."""

from __future__ import annotations

import re
from itertools import pairwise

from r1router.evidence.words import drop_common
from r1router.scripts import cut_other_forms, cut_terms, is_arabic

_IN_QUOTES = re.compile('["“”„]([^"“”„]+)["“”]')


def cut_query(words: str) -> tuple[str, list[str]]:
    """The terms, and each phrase, with a blank between terms.

    What stands in double quotes is a phrase. All else is words: there is no query language. Common words ("the",
    "welche") do not count beside others. Words of Arabic and Hebrew are searched without their prefixes, too, and
    neighbours in Arabic letters as one word, since Persian writes some both ways.
    """
    terms = drop_common(cut_terms(words), words)
    joined = [one + other for one, other in pairwise(terms) if is_arabic(one) and is_arabic(other)]
    terms += [*cut_other_forms(words), *joined]
    return " ".join(terms), [phrase for quoted in _IN_QUOTES.findall(words) if (phrase := " ".join(cut_terms(quoted)))]

"""Lists English contractions by their form without an apostrophe, as VQA's normalisation repairs them.

Source: the table of VQA's evaluation (Antol et al. 2015, arXiv 1505.00468), here as the rule behind it: every
key is a contraction with exactly one apostrophe left out. Forms that the table lacks ("shell", "were") are words.
"""

from __future__ import annotations

_ENDINGS = {
    "'d": "he how it someone something there they where who you",
    "'ll": "how it somebody someone something they what who why y'all you",
    "'re": "there they what why you",
    "'s": "he how somebody someone that there what when where who why",
    "'t": "ain aren can couldn didn doesn don hadn hasn haven isn mightn mustn needn oughtn shan shouldn wasn weren "
    "won wouldn",
    "'ve": "could might must not should they we what where who would you",
    "'d've": "he it she somebody someone something there they we who you y'all",
    "n't've": "could had might should would",
}
_WHOLE = "ma'am o'clock 'twas y'all 'ow's'at"


def _repairs() -> dict[str, str]:
    forms = [stem + ending for ending, stems in _ENDINGS.items() for stem in stems.split()]
    forms += _WHOLE.split()
    broken = {form[:at] + form[at + 1 :]: form for form in forms for at, mark in enumerate(form) if mark == "'"}
    return broken | {"somebody'd": "somebodyd"}  # one entry of the published table points the other way


CONTRACTIONS = _repairs()

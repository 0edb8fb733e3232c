"""Implements `r1router policies`: lists the kinds of models, because they are found by their files."""

from __future__ import annotations

from r1router.cli import options
from r1router.cli.methods import show_entries
from r1router.policies import names


def policies(as_json: options.AsJson = False) -> None:
    """List the kinds of policies with their options.

    An option is given as --policy NAME:TARGET?option=value.
    """
    show_entries("r1router.policies", names(), "open_", as_json=as_json)

"""Reads elements of XML by their local names, because programs differ in the name spaces that they write."""

from __future__ import annotations

from typing import Any


def read_name(element: Any) -> str:
    """An element's name without its name space."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def read_attribute(element: Any, called: str) -> str:
    """The value of an attribute, whatever its name space; empty where it, or the element, is not there."""
    if element is None:
        return ""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == called), "")


def find_child(element: Any, called: str) -> Any:
    """The first child of this name, or None."""
    return next((inner for inner in element if read_name(inner) == called), None) if element is not None else None

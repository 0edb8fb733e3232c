"""Fixtures that several files of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_server import start_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The location of an empty data base; each test takes a schema of its own: `f"{postgres}&schema=name"`."""
    with start_server() as location:
        yield location

"""Fixtures that several files of tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from milvus_server import start_milvus
from postgres_server import start_server
from s3_server import start_s3


def pytest_configure() -> None:
    """Hears interrupts also where a shell has started the tests in the background, which ignores them for it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The location of an empty data base; each test takes a schema of its own: `f"{postgres}&schema=name"`."""
    with start_server() as location:
        yield location


@pytest.fixture(scope="session")
def milvus() -> Iterator[str]:
    """The location of an empty Milvus; each test takes a prefix of its own: `f"{milvus}?prefix=name"`."""
    with start_milvus() as location:
        yield location


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The location of an empty bucket; each test takes a prefix of its own: `f"{s3}name"`."""
    with start_s3() as location:
        yield location

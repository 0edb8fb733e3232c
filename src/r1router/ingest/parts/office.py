"""Checks of Office files (zip archives of XML) that end in a reason a person can act on."""

from __future__ import annotations

import zipfile

from r1router.errors import UnreadableFile
from r1router.ingest.sources import SourceFile

MOST_UNPACKED = 2 << 30
"""Bytes; a file that unpacks to more is a zip bomb, or too large for its format."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def check(file: SourceFile, *, part: str, modern: str) -> None:
    """Raise `UnreadableFile` unless the file is a sound zip archive with `part` in it."""
    with file.path.open("rb") as stream:
        if stream.read(len(_OLE)) == _OLE:
            raise UnreadableFile(
                file.source, f"is encrypted with a password or in the format before 2007; save it as plain {modern}"
            )
    try:
        with zipfile.ZipFile(file.path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if part not in archive.namelist():
                raise UnreadableFile(file.source, f"is a zip archive but no {modern} file: it has no {part}")
    except zipfile.BadZipFile as error:
        raise UnreadableFile(file.source, f"is damaged, cut off or no {modern} file at all ({error})") from error
    if unpacked > MOST_UNPACKED:
        raise UnreadableFile(file.source, f"unpacks to {unpacked >> 20} MiB; at most {MOST_UNPACKED >> 20} are read")

"""Writes workbooks in the binary form of Excel (xlsb), because no library that we have does."""

import struct
import zipfile

ROW, ERROR, REAL, TEXT = 0, 3, 5, 6
ERRORS = {"#DIV/0!": 0x07, "#N/A": 0x2A}
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(kind, data=b""):
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = len(data)
    return number + (bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])) + data


def text(words):
    return struct.pack("<I", len(words)) + words.encode("utf-16-le")


def cell(column, value):
    place = struct.pack("<II", column, 0)
    if value in ERRORS:
        return record(ERROR, place + bytes([ERRORS[value]]))
    return (
        record(TEXT, place + text(value)) if isinstance(value, str) else record(REAL, place + struct.pack("<d", value))
    )


def write_sheet(rows):
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    held = record(129) + record(148, size) + record(145)
    for number, row in enumerate(rows):
        held += record(ROW, struct.pack("<I", number) + bytes(13))
        held += b"".join(cell(column, value) for column, value in enumerate(row) if value != "")
    return held + record(146) + record(130)


def binary_workbook(path, sheets, hidden=()):
    """The file with these sheets, rows of cells by their names; of those in `hidden` the tab is not shown."""
    listed = b"".join(
        record(156, struct.pack("<II", name in hidden, n) + text(f"r{n}") + text(name))
        for n, name in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.bin"/>'
        for n in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", record(131) + record(143) + listed + record(144) + record(132))
        archive.writestr(
            "xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{RELATIONS}">{relations}</Relationships>'
        )
        for number, rows in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{number}.bin", write_sheet(rows))
    return path

"""Writes compound files, the container of mails by Outlook: streams in sectors of 512 bytes, small ones in 64."""

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SMALL = 4096


class Sectors:
    """Pieces of one size, and for each the number of the one that follows it."""

    def __init__(self, size):
        self.size, self.pieces, self.next = size, [], []

    def put(self, data):
        """The number of the first piece."""
        first, count = len(self.pieces), -(-len(data) // self.size)
        self.pieces += [data[n * self.size : (n + 1) * self.size].ljust(self.size, b"\0") for n in range(count)]
        self.next += [*range(first + 1, first + count), END][:count]
        return first if count else END


def compound(tree):
    """The file with these streams; a dict in `tree` is a storage."""
    entries, small, large = [], Sectors(64), Sectors(512)

    def add(name, kind):
        entries.append({"name": name, "kind": kind, "right": FREE, "child": FREE, "start": END, "size": 0})
        return entries[-1]

    def fill(parent, held):
        before = None
        for name in sorted(held, key=lambda name: (len(name), name.upper())):
            inner, number = held[name], len(entries)
            entry = add(name, 1 if isinstance(inner, dict) else 2)
            (parent if before is None else before)["child" if before is None else "right"] = number
            before = entry
            if isinstance(inner, dict):
                fill(entry, inner)
            else:
                entry.update(start=(small if len(inner) < SMALL else large).put(inner), size=len(inner))

    root = add("Root Entry", 5)
    fill(root, tree)
    inside = b"".join(small.pieces)
    root.update(start=large.put(inside), size=len(inside))
    chains = struct.pack(f"<{len(small.next)}I", *small.next)
    chains = chains.ljust(-(-len(chains) // 512) * 512, b"\xff")
    chained = large.put(chains)
    directory = large.put(b"".join(map(pack_entry, entries)))
    tables = -(-(len(large.next) + 8) // 128)
    table = [*large.next, *[FAT] * tables]
    table += [FREE] * (tables * 128 - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, tables, directory, 0, SMALL, chained, len(chains) // 512, END, 0)
    header += struct.pack("<109I", *[len(large.pieces) + n if n < tables else FREE for n in range(109)])
    return header + b"".join(large.pieces) + struct.pack(f"<{len(table)}I", *table)


def pack_entry(entry):
    name = entry["name"].encode("utf-16-le") + b"\0\0"
    place = struct.pack("<HBBIII", len(name), entry["kind"], 1, FREE, entry["right"], entry["child"])
    return name.ljust(64, b"\0") + place + bytes(36) + struct.pack("<IQ", entry["start"], entry["size"])


def mail(values, *, attached=(), front=32):
    """The streams of a mail: `values` by (id, type), 0x1F for words and 0x102 for bytes."""
    return {**properties(values, front), **{f"__attach_version1.0_#{n:08X}": held for n, held in enumerate(attached)}}


def properties(values, front):
    """The streams of values, `front` bytes before their list."""
    streams, listed = {}, bytes(front)
    for (id, kind), value in values.items():
        data = value.encode("utf-16-le") if kind == 0x1F else value
        if kind in (0x1F, 0x102):
            streams[f"__substg1.0_{id:04X}{kind:04X}"] = data
            held = struct.pack("<Q", len(data) + (2 if kind == 0x1F else 0))
        else:
            held = struct.pack("<Q", value)
        listed += struct.pack("<HHI", kind, id, 6) + held
    return {**streams, "__properties_version1.0": listed}

"""Prints the map of imports: rooms, the floors they stand on, the arrows between them; because a circle must be seen.

    make map                                        # this tree
    python benchmarks/import_map.py --at 22e4779    # an earlier commit, to compare
    python benchmarks/import_map.py --inside evals  # the rooms of a room

A room is a file or a folder; an arrow says that one room imports another. A room stands one floor above the highest
that it imports, so where there is no circle, no arrow points up. Ends with 1 where there is a circle.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGE = "r1router"
Arrows = Mapping[str, set[str]]
"""Each room with the rooms that it imports."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", metavar="COMMIT", help="the tree of this commit; without it, the files as they are")
    parser.add_argument("--inside", metavar="ROOM", help="the rooms of a room, such as evals or train.grpo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = unpack(options.at, Path(folder)) if options.at else ROOT / "src"
        sys.path.insert(0, str(source))
        graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
        files = {find_module(path, source): path.read_text(encoding="utf-8") for path in source.rglob("*.py")}
    imported = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    inside = f"{PACKAGE}.{options.inside}" if options.inside else PACKAGE
    if not any(module.startswith(f"{inside}.") for module in imported):
        raise SystemExit(f"there is no room {inside} with rooms inside; name a folder of src/{PACKAGE}, such as evals")
    rooms = join_rooms(imported, inside)
    circles = [*find_circle(rooms), *find_circle(imported)]
    print_rooms(rooms, {} if circles else place_on_floors(rooms))
    within = {module: text for module, text in files.items() if f"{module}.".startswith(f"{inside}.")}
    print_sums(within, rooms, circles)
    raise SystemExit(1 if circles else 0)


def unpack(commit: str, folder: Path) -> Path:
    """The source of a commit, in a folder."""
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit, "src"], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive)
    return folder / "src"


def find_module(path: Path, source: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def join_rooms(imported: Arrows, inside: str) -> Arrows:
    """The rooms directly inside a package; the package's own `__init__` is none of them."""
    depth = inside.count(".") + 2

    def room(module: str) -> str | None:
        return ".".join(module.split(".")[:depth]) if module.startswith(f"{inside}.") else None

    found: dict[str, set[str]] = {}
    for module, others in imported.items():
        if here := room(module):
            found.setdefault(here, set()).update(there for o in others if (there := room(o)) and there != here)
    return found


def find_circle(arrows: Arrows) -> Iterator[list[str]]:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        yield error.args[1]


def place_on_floors(arrows: Arrows) -> dict[str, int]:
    """Each room's floor, from 1."""
    floors: dict[str, int] = {}
    for room in TopologicalSorter(arrows).static_order():
        floors[room] = 1 + max((floors[below] for below in arrows.get(room, ())), default=0)
    return floors


def print_rooms(rooms: Arrows, floors: Mapping[str, int]) -> None:
    def name(room: str) -> str:
        return room.rpartition(".")[2]

    for room in sorted(rooms, key=lambda room: (-floors.get(room, 0), room)):
        below = ", ".join(sorted(map(name, rooms[room])))
        print(f"{floors.get(room, '?'):>3}  {name(room):<16}{'→ ' if below else ''}{below}")


def print_sums(files: Mapping[str, str], rooms: Arrows, circles: list[list[str]]) -> None:
    folders: dict[str, int] = {}
    for module in files:  # a folder's own `__init__` counts in the folder above
        folders[module.rpartition(".")[0]] = folders.get(module.rpartition(".")[0], 0) + 1
    widest = sorted(folders, key=lambda folder: -folders[folder])[:3]
    floors = "?" if circles else max(place_on_floors(rooms).values())
    print()
    print(f"{len(rooms)} rooms on {floors} floors, {sum(map(len, rooms.values()))} arrows between them")
    print(f"{len(files)} files, {sum(text.count(chr(10)) for text in files.values()):,} lines of Python in all")
    print("the widest folders: " + ", ".join(f"{folder} {folders[folder]}" for folder in widest))
    print("no circle, no arrow up" if not circles else "circles: " + "; ".join(" → ".join(c) for c in circles))


if __name__ == "__main__":
    main()

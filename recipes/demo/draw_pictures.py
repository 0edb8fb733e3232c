"""Draw the demo's pictures: flags and signs from the geometry below, their manifest, and the query pictures.

    python recipes/demo/draw_pictures.py [FOLDER]

FOLDER is `src/r1router/demo_data` where it is not given. A flag is drawn at four times its size and averaged
down, so its edges are smooth; letters come from Pillow's own bitmap font, enlarged. Everything is integer
arithmetic, so drawing again gives the same pixels. A query picture is a stored one, turned, cut, relit and
saved as JPEG, as a photograph would be: never the stored file.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFont

FOLDER = Path(__file__).parents[2] / "src" / "r1router" / "demo_data"
WIDTH = 320
FINER = 4
"""How many times larger a flag is drawn than it is stored."""

Point = tuple[float, float]

BLACK, WHITE = "#000000", "#ffffff"


class Flag:
    """A canvas in the flag's own units, as its law or custom gives them: `Flag(22, 16, RED)` for Norway."""

    def __init__(self, width: float, height: float, ground: str = WHITE) -> None:
        self.width, self.height = width, height
        self.scale = WIDTH * FINER / width
        self.size = (WIDTH, round(WIDTH * height / width))
        self.canvas = Image.new("RGB", (self.size[0] * FINER, self.size[1] * FINER), ground)
        self.draw = ImageDraw.Draw(self.canvas)

    def box(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        x0, y0, x1, y1 = (round(v * self.scale) for v in (left, top, right, bottom))
        self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        x0, y0, x1, y1 = (round(v * self.scale) for v in (x - radius, y - radius, x + radius, y + radius))
        self.draw.ellipse((x0, y0, x1 - 1, y1 - 1), fill=colour)

    def polygon(self, points: Sequence[Point], colour: str) -> None:
        self.draw.polygon([(round(x * self.scale), round(y * self.scale)) for x, y in points], fill=colour)

    def finished(self) -> Image.Image:
        return self.canvas.reduce(FINER)


# ── families of flags ──────────────────────────────────────────────────────────────────────────


def bands(width: float, height: float, colours: Sequence[str], shares: Sequence[float] = ()) -> Flag:
    """Horizontal stripes from the top down."""
    flag = Flag(width, height)
    shares = shares or [1] * len(colours)
    top = 0.0
    for colour, share in zip(colours, shares, strict=True):
        bottom = top + height * share / sum(shares)
        flag.box(0, top, width, bottom, colour)
        top = bottom
    return flag


def pales(width: float, height: float, colours: Sequence[str]) -> Flag:
    """Vertical stripes of one breadth from the hoist (left) on."""
    flag = Flag(width, height)
    for i, colour in enumerate(colours):
        flag.box(width * i / len(colours), 0, width * (i + 1) / len(colours), height, colour)
    return flag


def cross(across: Sequence[float], down: Sequence[float], ground: str, outer: str, inner: str | None = None) -> Flag:
    """A Nordic cross. `across` and `down` are (field, cross, field), or (field, edge, core, edge, field)."""
    width, height = sum(across), sum(down)
    flag = Flag(width, height, ground)
    for inset, colour in ((1, outer), (2, inner)):
        if colour:
            flag.box(sum(across[:inset]), 0, width - sum(across[-inset:]), height, colour)
    for inset, colour in ((1, outer), (2, inner)):
        if colour:
            flag.box(0, sum(down[:inset]), width, height - sum(down[-inset:]), colour)
    if inner:
        flag.box(sum(across[:2]), 0, width - sum(across[-2:]), height, inner)
    return flag


# ── single flags ───────────────────────────────────────────────────────────────────────────────


def bangladesh() -> Flag:
    flag = Flag(10, 6, "#006a4e")
    flag.disc(4.5, 3, 2, "#f42a41")
    return flag


def czechia() -> Flag:
    flag = bands(6, 4, (WHITE, "#d7141a"))
    flag.polygon(((0, 0), (3, 2), (0, 4)), "#11457e")
    return flag


def greece() -> Flag:
    blue = "#0d5eaf"
    flag = bands(27, 18, (blue, WHITE) * 4 + (blue,))
    flag.box(0, 0, 10, 10, blue)
    flag.box(4, 0, 6, 10, WHITE)
    flag.box(0, 4, 10, 6, WHITE)
    return flag


def jamaica() -> Flag:
    gold, green = "#fed100", "#009b3a"
    width, height = 12.0, 6.0
    half = 0.6  # of the breadth of an arm of the diagonal cross
    flag = Flag(width, height, gold)
    along_x = half * math.hypot(width, height) / height
    along_y = half * math.hypot(width, height) / width
    middle = (width / 2, height / 2)
    flag.polygon(((along_x, 0), (width - along_x, 0), (middle[0], middle[1] - along_y)), green)
    flag.polygon(((along_x, height), (width - along_x, height), (middle[0], middle[1] + along_y)), green)
    flag.polygon(((0, along_y), (0, height - along_y), (middle[0] - along_x, middle[1])), BLACK)
    flag.polygon(((width, along_y), (width, height - along_y), (middle[0] + along_x, middle[1])), BLACK)
    return flag


def japan() -> Flag:
    flag = Flag(15, 10)
    flag.disc(7.5, 5, 3, "#bc002d")
    return flag


def switzerland() -> Flag:
    flag = Flag(32, 32, "#da291c")
    flag.box(13, 6, 19, 26, WHITE)
    flag.box(6, 13, 26, 19, WHITE)
    return flag


NORDIC = "a cross whose upright stands nearer to the left side"

FLAGS: tuple[tuple[str, Callable[[], Flag], str], ...] = (
    ("Austria", lambda: bands(3, 2, ("#c8102e", WHITE, "#c8102e")),
     "Three horizontal stripes of equal height: red, white, red."),
    ("Bangladesh", bangladesh,
     "A red disc on a dark green field; the disc is a little to the left of the middle."),
    ("Belgium", lambda: pales(15, 13, (BLACK, "#fdda24", "#ef3340")),
     "Three upright stripes of black, yellow and red; the flag is almost square."),
    ("Botswana", lambda: bands(3, 2, ("#75aadb", WHITE, BLACK, WHITE, "#75aadb"), (9, 1, 4, 1, 9)),
     "A light blue field with a black stripe through the middle, edged with white above and below."),
    ("Colombia", lambda: bands(3, 2, ("#fcd116", "#003893", "#ce1126"), (2, 1, 1)),
     "Horizontal stripes: yellow over the whole upper half, then blue, then red."),
    ("Czechia", czechia,
     "White above red, with a blue triangle that points from the left side to the middle."),
    ("Denmark", lambda: cross((12, 4, 21), (12, 4, 12), "#c8102e", WHITE),
     f"Red with {NORDIC}; the cross is white."),
    ("Estonia", lambda: bands(11, 7, ("#0072ce", BLACK, WHITE)),
     "Three horizontal stripes of equal height: blue, black, white."),
    ("Finland", lambda: cross((5, 3, 10), (4, 3, 4), WHITE, "#002f6c"),
     f"White with {NORDIC}; the cross is dark blue."),
    ("France", lambda: pales(3, 2, ("#000091", WHITE, "#e1000f")),
     "Three upright stripes of equal breadth: blue, white, red."),
    ("Germany", lambda: bands(5, 3, (BLACK, "#dd0000", "#ffcc00")),
     "Three horizontal stripes of equal height: black, red, gold."),
    ("Greece", greece,
     "Nine stripes of blue and white, and a white cross on a blue square in the upper left corner."),
    ("Iceland", lambda: cross((7, 1, 2, 1, 14), (7, 1, 2, 1, 7), "#02529c", WHITE, "#dc1e35"),
     f"Blue with {NORDIC}; the cross is red, edged with white."),
    ("Ireland", lambda: pales(2, 1, ("#169b62", WHITE, "#ff883e")),
     "Three upright stripes of equal breadth: green, white, orange."),
    ("Italy", lambda: pales(3, 2, ("#008c45", "#f4f9ff", "#cd212a")),
     "Three upright stripes of equal breadth: green, white, red."),
    ("Jamaica", jamaica,
     "A gold diagonal cross parts the flag into green triangles above and below and black ones left and right."),
    ("Japan", japan,
     "A red disc in the middle of a white field."),
    ("Mali", lambda: pales(3, 2, ("#14b53a", "#fcd116", "#ce1126")),
     "Three upright stripes of equal breadth: green, yellow, red."),
    ("Netherlands", lambda: bands(3, 2, ("#ad1d25", WHITE, "#1e4785")),
     "Three horizontal stripes of equal height: red, white, blue."),
    ("Nigeria", lambda: pales(2, 1, ("#008751", WHITE, "#008751")),
     "Three upright stripes of equal breadth: green, white, green."),
    ("Norway", lambda: cross((6, 1, 2, 1, 12), (6, 1, 2, 1, 6), "#ba0c2f", WHITE, "#00205b"),
     f"Red with {NORDIC}; the cross is dark blue, edged with white."),
    ("Peru", lambda: pales(3, 2, ("#d91023", WHITE, "#d91023")),
     "Three upright stripes of equal breadth: red, white, red."),
    ("Poland", lambda: bands(8, 5, (WHITE, "#dc143c")),
     "Two horizontal stripes of equal height: white above red."),
    ("Sweden", lambda: cross((5, 2, 9), (4, 2, 4), "#006aa7", "#fecc02"),
     f"Blue with {NORDIC}; the cross is yellow."),
    ("Switzerland", switzerland,
     "A white cross with arms of equal length on a red square; the cross does not touch the edges."),
    ("Thailand", lambda: bands(3, 2, ("#a51931", WHITE, "#2d2a4a", WHITE, "#a51931"), (1, 1, 2, 1, 1)),
     "Five horizontal stripes: red, white, dark blue, white, red; the blue one is twice as high as the others."),
    ("Ukraine", lambda: bands(3, 2, ("#0057b7", "#ffd700")),
     "Two horizontal stripes of equal height: blue above yellow."),
)  # fmt: skip

SIGNS: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    ("board-charles-bridge", "Information board at Charles Bridge",
     "A brown information board for visitors at Charles Bridge in Prague.", "#5b3a1e", WHITE,
     ("CHARLES BRIDGE", "BEGUN IN 1357", "LENGTH 516 METRES", "16 ARCHES, 30 STATUES")),
    ("sign-mount-fuji", "Sign on the summit of Mount Fuji",
     "A white sign with black letters on the summit of Mount Fuji.", "#f7f5ee", "#1a1a1a",
     ("MOUNT FUJI", "KENGAMINE PEAK", "HEIGHT 3776 METRES")),
    ("sign-arctic-circle", "Road sign at the Arctic Circle",
     "A blue road sign near Rovaniemi in Finland, where the road crosses the Arctic Circle.",
     "#00529f", WHITE,
     ("ARCTIC CIRCLE", "ROVANIEMI 8 KM", "HELSINKI 830 KM")),
)  # fmt: skip


def sign(ground: str, ink: str, lines: Sequence[str]) -> Image.Image:
    """A board with a frame and one line of letters under another."""
    font, enlarged, row = ImageFont.load_default_imagefont(), 2, 28
    board = Image.new("RGB", (WIDTH, 36 + row * len(lines)), ground)
    draw = ImageDraw.Draw(board)
    draw.rectangle((6, 6, board.width - 7, board.height - 7), outline=ink, width=2)
    for i, line in enumerate(lines):
        left, top, right, bottom = (math.ceil(v) for v in font.getbbox(line))
        letters = Image.new("L", (right - left, bottom - top), 0)
        ImageDraw.Draw(letters).text((-left, -top), line, fill=255, font=font)
        letters = letters.resize((letters.width * enlarged, letters.height * enlarged), Image.Resampling.BICUBIC)
        board.paste(ink, ((board.width - letters.width) // 2, 20 + row * i), letters)
    return board


# ── query pictures ─────────────────────────────────────────────────────────────────────────────


def photographed(flag: Image.Image, degrees: float, cut: float, light: float, colour: float, table: str) -> Image.Image:
    """The flag as if photographed: lying on a `table`, turned, its edge cut off, in another light."""
    margin = round(flag.width * 0.12)
    scene = Image.new("RGB", (flag.width + 2 * margin, flag.height + 2 * margin), table)
    scene.paste(flag, (margin, margin))
    scene = scene.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=table)
    left, top = round(margin + flag.width * cut), round(margin * 0.5)
    scene = scene.crop((left, top, scene.width - round(margin * 0.4), scene.height - top))
    scene = ImageEnhance.Color(ImageEnhance.Brightness(scene).enhance(light)).enhance(colour)
    return scene.resize((280, round(280 * scene.height / scene.width)), Image.Resampling.BICUBIC)


QUERIES = (
    ("photo-1", "Botswana", 3.5, 0.02, 0.86, 0.90, "#6e6353"),
    ("photo-2", "Jamaica", -4.0, 0.03, 1.12, 0.85, "#b9b4a8"),
    ("photo-3", "Norway", 2.5, 0.00, 0.80, 1.00, "#3d4a3a"),
    ("photo-4", "Bangladesh", -2.5, 0.00, 0.92, 0.90, "#94897a"),
)
"""(file name, country, then what `photographed` does to its flag: degrees, cut, light, colour, table)."""


def main(folder: Path = FOLDER) -> None:
    images, queries = folder / "images", folder / "queries"
    for place in (images, queries):
        place.mkdir(parents=True, exist_ok=True)
    rows = []
    drawn = {}
    for country, draw, caption in FLAGS:
        drawn[country] = draw().finished()
        name = f"flag-{country.lower()}"
        drawn[country].save(images / f"{name}.png", optimize=True)
        rows.append((name, f"Flag of {country}", caption))
    for name, title, caption, ground, ink, lines in SIGNS:
        sign(ground, ink, lines).save(images / f"{name}.png", optimize=True)
        rows.append((name, title, caption))
    with (images / "images.jsonl").open("w", encoding="utf-8") as manifest:
        for name, title, caption in rows:
            row = {"id": name, "file": f"{name}.png", "title": title, "caption": caption}
            manifest.write(json.dumps(row, ensure_ascii=False) + "\n")
    for name, country, *how in QUERIES:
        photographed(drawn[country], *how).save(queries / f"{name}.jpg", quality=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)

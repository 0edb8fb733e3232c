"""Pictures with their captions from beside, inside or a manifest, and the words read in them."""

import io
import json
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from r1router.ingest import ocr, readers
from r1router.ingest.records import Passage, Picture
from r1router.types import Image
from reading import read, reason, records_of, written


def saved(path: Path, *, colour: str = "red", size: tuple[int, int] = (20, 10), **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", size, colour).save(path, **options)
    return path


def sign(text: str, *, size: tuple[int, int] = (400, 160)) -> Image:
    picture = Pillow.new("RGB", size, "white")
    ImageDraw.Draw(picture).multiline_text((20, 20), text, fill="navy", font=ImageFont.load_default(32), spacing=20)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Image(buffer.getvalue())


# ── captions ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("suffix", "media"),
    [
        (".png", "image/png"),
        (".jpg", "image/jpeg"),
        (".JPEG", "image/jpeg"),
        (".webp", "image/webp"),
        (".gif", "image/gif"),
    ],
)
def test_a_picture_is_titled_by_its_file_name(tmp_path, suffix, media):
    path = saved(tmp_path / f"golden-gate_bridge{suffix}")
    source = path.as_posix()
    assert read(path) == [Picture(source, source, Image(path.read_bytes(), media, path.name), "golden gate bridge")]


def test_the_type_of_a_picture_is_by_its_content_not_its_name(tmp_path):
    path = saved(tmp_path / "a.png", format="JPEG")
    assert read(path)[0].image.media_type == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "content", "title", "caption"),
    [
        ("flag.txt", "Red over\nwhite.\n", "flag", "Red over white."),
        ("flag.png.txt", "Red.", "flag", "Red."),
        ("flag.md", "# Flag of Austria\n\nRed, white, red.\n", "Flag of Austria", "Red, white, red."),
        ("flag.md", "---\ntitle: Flag of Austria\n---\nRed, white, red.\n", "Flag of Austria", "Red, white, red."),
        ("flag.json", {"title": "Flag of Austria", "caption": "Red."}, "Flag of Austria", "Red."),
        ("flag.png.json", {"Description": "Red."}, "flag", "Red."),
    ],
)
def test_a_file_beside_a_picture_is_its_caption_and_no_document(tmp_path, name, content, title, caption):
    saved(tmp_path / "flag.png")
    written(tmp_path / name, content)
    [picture] = read(tmp_path)
    assert (picture.title, picture.caption) == (title, caption)
    [file] = readers.find([tmp_path])
    assert (file.kinds, [part.name for part in file.parts]) == (("image",), [name])


def test_a_long_text_beside_a_picture_is_a_document(tmp_path):
    saved(tmp_path / "guide.png")
    written(tmp_path / "guide.md", "# Guide\n\n" + "Many words. " * 1000)
    assert [type(record) for record in read(tmp_path)] == [Passage, Picture]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("chart.md", "# Sales\n\nUp.\n\n| Town | Sales |\n|---|---|\n| Oslo | 12 |\n"),
        ("chart.txt", "Sales rose in Oslo and fell in Bergen. " * 40),
        ("chart.json", '{"title": "Sales", "rows": [{"town": "Oslo", "sales": 12}, {"town": "Bergen", "sales": 9}]}'),
    ],
)
def test_a_document_beside_a_picture_is_its_caption_and_read_by_itself_too(tmp_path, name, content):
    Pillow.new("RGB", (64, 64), "red").save(tmp_path / "chart.png")
    (tmp_path / name).write_text(content, encoding="utf-8")
    items = read(tmp_path)
    [picture] = [item for item in items if isinstance(item, Picture)]
    assert "Sales" in picture.title + picture.caption
    assert any(item.source.endswith(name) for item in items)


def test_a_caption_file_that_cannot_be_read_does_not_cost_the_picture(tmp_path):
    saved(tmp_path / "flag.png")
    written(tmp_path / "flag.json", "{not json")
    picture, problem = read(tmp_path)
    assert picture.title == "flag"
    assert (problem.where, problem.reason.startswith("the caption file cannot be read")) == ("flag.json", True)


def test_words_stored_in_a_picture_are_its_title_and_caption(tmp_path):
    info = PngInfo()
    info.add_text("Title", "Flag of Austria")
    info.add_itxt("Description", "Red, white, réd.")
    saved(tmp_path / "a.png", pnginfo=info)
    exif = Pillow.Exif()
    exif[0x010E] = "A bridge at dusk"
    exif[0x9C9B] = "Golden Gate".encode("utf-16-le")
    saved(tmp_path / "b.jpg", exif=exif)
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"><r:Description><dc:description><r:Alt>'
        b'<r:li xml:lang="x-default">A lake</r:li></r:Alt></dc:description></r:Description></r:RDF></x:xmpmeta>'
    )
    saved(tmp_path / "c.jpg", xmp=xmp)
    saved(tmp_path / "d.webp", xmp=xmp)
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA"
    saved(tmp_path / "e.jpg", exif=exif)
    assert [(p.title, p.caption) for p in read(tmp_path)] == [
        ("Flag of Austria", "Red, white, réd."),
        ("Golden Gate", "A bridge at dusk"),
        ("c", "A lake"),
        ("d", "A lake"),
        ("Golden Gate", ""),
    ]


# ── manifests ──────────────────────────────────────────────────────────────────────────────────


def test_a_manifest_owns_its_pictures_and_they_are_read_once(tmp_path):
    folder = tmp_path / "kb"
    for name in ("images/a.png", "images/b.png", "images/free.png"):
        saved(folder / name)
    written(folder / "images" / "b.txt", "From beside.")
    rows = [
        {"id": "image-1", "file": "images/a.png", "title": "A", "caption": "First."},
        {"file_name": "images/b.png", "text": ""},
    ]
    written(folder / "images.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    manifest, free = readers.find([folder])
    assert (manifest.source, manifest.kinds, free.source) == ("kb/images.jsonl", ("image",), "kb/images/free.png")
    assert sorted(part.name for part in manifest.parts) == ["a.png", "b.png", "b.txt"]
    assert [(p.id, p.source, p.title, p.caption, p.image.name) for p in records_of(manifest)] == [
        ("image-1", "kb/images.jsonl", "A", "First.", "a.png"),
        ("kb/images.jsonl:images/b.png", "kb/images.jsonl", "b", "From beside.", "b.png"),
    ]


def test_a_csv_can_be_a_manifest(tmp_path):
    saved(tmp_path / "a.png")
    written(tmp_path / "list.csv", 'image,caption,licence\na.png,"Red, all over",none\n')
    [picture] = read(tmp_path)
    assert (picture.title, picture.caption) == ("a", "Red, all over")


def test_rows_with_captions_are_pictures_whatever_else_they_say(tmp_path):
    saved(tmp_path / "a.png")
    row = {"file": "a.png", "caption": "Red.", "kind": "flag", "price": 12}
    written(tmp_path / "list.jsonl", json.dumps(row) + "\n")
    written(tmp_path / "list.csv", "file,caption,kind,price\na.png,Red.,flag,12\n")
    for name in ("list.jsonl", "list.csv"):
        [file] = readers.find([tmp_path / name])
        assert (file.kinds, [part.name for part in file.parts]) == (("image",), ["a.png"])
        [picture] = [record for record in readers.read(file) if isinstance(record, Picture)]
        assert (picture.caption, picture.about["kind"], str(picture.about["price"])) == ("Red.", "flag", "12")


def test_rows_of_things_keep_their_table_though_they_name_a_picture_of_each(tmp_path):
    saved(tmp_path / "a.png")
    rows = [{"sku": "A1", "image": "a.png", "description": "A red pan", "price": 12}]
    rows += [{"sku": "B2", "image": "https://example.org/b.png", "caption": "A blue pan", "price": 9}]
    written(tmp_path / "list.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    [file] = readers.find([tmp_path / "list.jsonl"])
    assert file.kinds == ("table",)
    pictures = [record for record in records_of(file, as_="image") if isinstance(record, Picture)]
    assert [(picture.title, picture.caption) for picture in pictures] == [("a", "A red pan")]


def test_a_manifest_can_be_read_as_text(tmp_path):
    saved(tmp_path / "a.png")
    written(tmp_path / "list.jsonl", '{"file": "a.png", "title": "A", "caption": "Red."}\n')
    [file, picture] = readers.find([tmp_path], as_="text")[::-1]
    assert picture.path.suffix == ".png"
    assert [(p.title, p.text) for p in records_of(file, as_="text")] == [("A", "Red.")]


def test_a_manifest_names_no_file_outside_of_its_folder(tmp_path):
    secret = saved(tmp_path / "secret.png")
    folder = tmp_path / "kb"
    saved(folder / "good.png")
    (folder / "link.png").symlink_to(secret)
    names = ["good.png", "../secret.png", "images/../../secret.png", str(secret), "link.png", "..\\secret.png"]
    names += ["https://example.org/a.png", "gone.png", "C:\\a.png", "a\0.png"]
    written(folder / "list.jsonl", "".join(json.dumps({"file": name, "caption": "x"}) + "\n" for name in names))
    file = next(file for file in readers.find([folder]) if file.path.suffix == ".jsonl")
    assert [part.name for part in file.parts] == ["good.png"]
    picture, *problems = records_of(file)
    assert picture.image.name == "good.png"
    assert [problem.where for problem in problems] == [f"line {n}" for n in range(2, 11)]
    assert [problem.reason.split(" ", 1)[1].split(";")[0] for problem in problems] == [
        "points outside the folder of the manifest",
        "points outside the folder of the manifest",
        "is an absolute path",
        "points outside the folder of the manifest",
        "points outside the folder of the manifest",
        "is on the web",
        "does not exist",
        "is an absolute path",
        "path has a NUL in it",
    ]


def test_a_damaged_picture_of_a_manifest_is_reported_by_its_row(tmp_path):
    saved(tmp_path / "good.png")
    written(tmp_path / "bad.png", "no picture")
    written(tmp_path / "list.jsonl", '{"file": "bad.png", "title": "Bad"}\n{"file": "good.png", "title": "Good"}\n')
    picture, problem = read(tmp_path)
    assert picture.title == "Good"
    assert (problem.where, problem.reason.split(":")[0]) == ("line 1", "bad.png")


# ── bad pictures ───────────────────────────────────────────────────────────────────────────────


def test_an_animation_becomes_its_first_frame(tmp_path):
    frames = [Pillow.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    picture, told = read(tmp_path)
    assert (told.reason, told.read) == ("has 3 pictures, of which the first is read", True)
    assert picture.image.media_type == "image/png"
    with Pillow.open(io.BytesIO(picture.image.data)) as opened:
        assert opened.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_each_page_of_a_scan_is_a_picture(tmp_path):
    pages = [Pillow.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    pages[0].save(tmp_path / "fax.tiff", save_all=True, append_images=pages[1:])
    pictures = read(tmp_path)
    assert [picture.title for picture in pictures] == ["fax", "fax, page 2", "fax, page 3"]
    with Pillow.open(io.BytesIO(pictures[2].image.data)) as opened:
        assert opened.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp"])
def test_a_picture_that_is_cut_off_is_reported(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Pillow.effect_noise((200, 200), 80).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:-3000])
    assert "damaged or cut off" in reason(path)


def test_files_that_are_no_pictures_are_reported(tmp_path):
    assert reason(written(tmp_path / "a.png", "text")).startswith("not a PNG, JPEG, WebP")
    assert reason(written(tmp_path / "b.jpg", "")) == "the file is empty"
    Pillow.new("RGB", (5, 5)).save(tmp_path / "c.png", "PPM")
    assert reason(tmp_path / "c.png").startswith("not a PNG, JPEG, WebP")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))
    assert reason(path).startswith("the picture is too large, scale it down")


# ── words in pictures ──────────────────────────────────────────────────────────────────────────


def test_words_are_read_in_their_order(tmp_path):
    image = sign("Main Street\nNo parking 42")
    assert ocr.read_words(image) == "Main Street No parking 42"
    (tmp_path / "sign.png").write_bytes(image.data)
    [picture] = read(tmp_path, ocr=True)
    assert picture.words == "Main Street No parking 42"
    [picture] = read(tmp_path)
    assert picture.words == ""


def test_words_of_transparent_and_turned_pictures_are_read():
    with Pillow.open(io.BytesIO(sign("Main Street").data)) as opened:
        picture = opened.convert("RGBA")
        picture.putalpha(opened.convert("L").point(lambda grey: 255 - grey))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    assert ocr.read_words(Image(buffer.getvalue())) == "Main Street"
    exif = Pillow.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    with Pillow.open(io.BytesIO(sign("Main Street").data)) as opened:
        buffer = io.BytesIO()
        opened.transpose(Pillow.Transpose.ROTATE_90).save(buffer, "JPEG", exif=exif, quality=95)
    assert ocr.read_words(Image(buffer.getvalue(), "image/jpeg")) == "Main Street"


def test_small_and_blank_pictures_are_not_searched_for_words(monkeypatch):
    def never():
        raise AssertionError("the engine was asked")

    monkeypatch.setattr(ocr, "_engine", never)
    assert ocr.read_words(sign("")) == ""
    assert ocr.read_words(sign("x", size=(30, 30))) == ""


def test_without_ocr_pictures_are_indexed_and_it_is_said_once(monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    ocr._engine.cache_clear()
    try:
        assert [ocr.read_words(sign("Main Street")) for _ in range(2)] == ["", ""]
    finally:
        ocr._engine.cache_clear()
    [record] = caplog.records
    assert "pip install rapidocr" in record.message

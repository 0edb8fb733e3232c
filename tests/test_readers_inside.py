# ruff: noqa: E501  (lines of markup)
"""Files inside of others: archives, attachments of mails, the chapters of e-books."""

import io
import tarfile
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

import r1router as rr
from compound import compound, mail, properties
from r1router.ingest.isolate import ReadingProcess
from r1router.ingest.parts import inside
from r1router.ingest.records import Passage, Picture, Problem, Table
from r1router.ingest.sources import SourceFile
from reading import read, reason, written

CSV = "Port,First\nHamn,06:55\nRosvik,07:10\n"


def make_zip(path, parts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def make_picture():
    from PIL import Image

    buffer = io.BytesIO()
    Image.effect_noise((120, 120), 80).save(buffer, "PNG")
    return buffer.getvalue()


def passages(items):
    return [(item.section, item.text) for item in items if isinstance(item, Passage)]


def problems(items):
    return [(item.where, item.reason) for item in items if isinstance(item, Problem)]


# ── archives ───────────────────────────────────────────────────────────────────────────────────


def test_files_in_an_archive_are_read_under_their_names_and_stay_the_archives(tmp_path):
    path = make_zip(
        tmp_path / "old.zip", {"docs/a.md": "# Gate\nThe code is Heron.", "t/ports.csv": CSV, "x.exe": "MZ"}
    )
    items = read(path)
    assert passages(items) == [("docs/a.md", "The code is Heron.")]
    [table] = [item for item in items if isinstance(item, Table)]
    assert (table.rows[0], table.section) == (("Hamn", "06:55"), "t/ports.csv")
    assert problems(items) == [("files in it", "left out, no reader for: 1 × .exe (x.exe)")]
    assert {item.source for item in items if not isinstance(item, Problem)} == {path.as_posix()}


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_tar_archives_are_read_however_they_are_packed(tmp_path, suffix):
    path = tmp_path / f"old.{suffix}"
    packing = {"tgz": "gz", "tar": ""}.get(suffix, suffix.rpartition(".")[2])
    with tarfile.open(path, f"w:{packing}") as tape:
        entry = tarfile.TarInfo("../../up/a.txt")
        entry.size = 6
        tape.addfile(entry, io.BytesIO(b"Heron."))
        link = tarfile.TarInfo("secret.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tape.addfile(link)
    assert passages(read(path)) == [("up/a.txt", "Heron.")]


def test_a_caption_beside_a_picture_in_an_archive_is_its_caption(tmp_path):
    path = make_zip(tmp_path / "pics.zip", {"gate.png": make_picture(), "gate.txt": "The red gate."})
    [picture] = read(path)
    assert isinstance(picture, Picture)
    assert (picture.title, picture.caption, picture.source) == ("gate", "The red gate.", path.as_posix())


def test_archives_in_archives_are_read_to_a_depth_and_no_further(tmp_path):
    data, name = b"Heron.", "a.txt"
    for depth in range(1, inside.MOST_DEPTH + 2):
        buffer = io.BytesIO()
        make_zip(buffer, {name: data})
        data, name = buffer.getvalue(), f"{depth}.zip"
        if depth == inside.MOST_DEPTH:
            assert passages(read(written(tmp_path / "deep.zip", data))) == [("2.zip > 1.zip > a.txt", "Heron.")]
    assert "what is deeper is not read" in reason(written(tmp_path / "deeper.zip", data))


def test_an_archive_that_unpacks_to_very_much_is_read_up_to_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(inside, "MOST_UNPACKED", 1_000)
    path = make_zip(tmp_path / "bomb.zip", {"a.txt": "Heron.", "b.txt": "x" * 5_000, "c.txt": "Stork."})
    items = read(path)
    assert passages(items) == [("a.txt", "Heron.")]
    assert problems(items)[0][0] == "b.txt"
    monkeypatch.setattr(inside, "MOST_FILES", 1)
    assert "more than 1 files" in problems(read(path))[0][1]


def test_a_damaged_file_in_an_archive_is_told_and_the_others_are_read(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.txt": "Heron.", "b.docx": "no", "a.pdf": "no"})
    items = read(path)
    assert passages(items) == [("a.txt", "Heron.")]
    assert [where for where, _ in problems(items)] == ["a.pdf", "b.docx"]


def test_a_tape_that_is_cut_off_gives_what_it_has(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tape:
        for name, data in (("a.txt", b"Heron."), ("b.txt", bytes(range(256)) * 4_000)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tape.addfile(entry, io.BytesIO(data))
    path.write_bytes(path.read_bytes()[:-700])
    items = read(path)
    assert passages(items) == [("a.txt", "Heron.")]
    assert problems(items)


def test_names_in_an_archive_are_read_in_the_encoding_of_the_program_that_packed_it(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"x" * 40 + ".txt": "Heron."})
    name = "план_города_и_окрестностей".encode("cp866")[:26].ljust(40, b"_")
    path.write_bytes(path.read_bytes().replace(b"x" * 40, name))
    [(section, _)] = passages(read(path))
    assert section.startswith("план_города")


def test_what_was_unpacked_is_gone_when_its_process_is(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.txt": "Heron."})
    process = ReadingProcess()
    items = process.read(SourceFile(path, "a.zip", ("text",)), as_=None, ocr=False)
    next(items)
    assert process._scratch is not None
    scratch = Path(process._scratch.name)
    assert scratch.is_dir()
    process.stop()
    assert not scratch.exists()


def test_a_table_that_finds_no_place_in_the_one_knowledge_base_is_told(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.html": "<p>Heron.</p><table><tr><th>a<th>b<tr><td>1<td>2</table>"})
    report = rr.index([path], kbs=tmp_path / "kbs", name="notes", ocr=False)
    assert [problem.reason for problem in report.problems] == [
        "1 table left out: notes holds text; index the file without a name, too"
    ]


# ── mail ───────────────────────────────────────────────────────────────────────────────────────


def make_mail(**options):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ann <ann@example.org>", "bo@example.org", "Gate"
    message.set_content(options.get("text", "See what is attached."))
    return message


def test_what_is_attached_to_a_mail_is_read(tmp_path):
    message = make_mail()
    message.add_attachment(CSV.encode(), maintype="text", subtype="csv", filename="ports.csv")
    message.add_attachment(make_picture(), maintype="image", subtype="png", filename="gate.png")
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="run.exe")
    message.add_attachment(make_mail(text="The code is Heron."))
    items = read(written(tmp_path / "a.eml", bytes(message)))
    assert [text for _, text in passages(items)] == [
        "From: Ann <ann@example.org>\nTo: bo@example.org\n\nSee what is attached.",
        "From: Ann <ann@example.org>\nTo: bo@example.org\n\nThe code is Heron.",
    ]
    [table] = [item for item in items if isinstance(item, Table)]
    assert (table.rows[0], table.section) == (("Hamn", "06:55"), "ports.csv")
    assert [item.title for item in items if isinstance(item, Picture)] == ["gate"]
    assert problems(items) == [("message 1, files in it", "left out, no reader for: 1 × .exe (run.exe)")]


def test_a_table_in_a_mail_of_html_is_a_table_and_its_pictures_are_told(tmp_path):
    message = make_mail()
    message.set_content("<p>Your order</p><table><tr><th>Item<th>Price<tr><td>Chair<td>40</table>", subtype="html")
    message.add_related(make_picture(), "image", "png", cid="<logo>")
    items = read(written(tmp_path / "a.eml", bytes(message)))
    [table] = [item for item in items if isinstance(item, Table)]
    assert (table.header, table.rows, table.title) == (("Item", "Price"), (("Chair", "40"),), "Gate")
    assert passages(items)[0][1].endswith("Your order")
    assert problems(items) == [("message 1", "1 picture inside the text left out")]


def test_the_headline_of_a_mail_is_read_and_what_is_left_out_of_its_page_told(tmp_path):
    message = EmailMessage()
    message["Subject"] = "March"
    message.set_content("<h1>Quay closed</h1><p>From Monday", subtype="html")
    assert passages(read(written(tmp_path / "a.eml", bytes(message)))) == [("Quay closed", "From Monday")]
    message.set_content("From Monday")
    message.add_alternative("<p>From Monday</p><button>Book</button>", subtype="html")
    assert problems(read(written(tmp_path / "b.eml", bytes(message)))) == [("message 1", "its buttons left out")]


def test_a_page_that_says_more_than_the_plain_text_beside_it_is_read_instead(tmp_path):
    message = make_mail()
    message.set_content("Please open this mail in a browser.")
    message.add_alternative(
        "<p>We deliver the crane on Monday, as you asked us to, with both hooks and the rope.</p>", subtype="html"
    )
    [(_, text)] = passages(read(written(tmp_path / "a.eml", bytes(message))))
    assert text.endswith("with both hooks and the rope.")
    message = make_mail()
    message.set_content("We deliver the crane on Monday.")
    message.add_alternative("<p>We deliver the <b>crane</b> on Monday.</p>", subtype="html")
    [(_, text)] = passages(read(written(tmp_path / "b.eml", bytes(message))))
    assert text.endswith("We deliver the crane on Monday.")


def test_a_mail_that_calls_its_letters_ascii_is_read_by_what_they_are(tmp_path):
    words = "Паром отменён до вторника из-за сильного ветра."
    head = b"From: x@example.org\nSubject: x\nContent-Type: text/plain; charset=us-ascii\n\n"
    [(_, text)] = passages(read(written(tmp_path / "a.eml", head + words.encode("cp1251"))))
    assert text.endswith(words)


def test_a_mail_whose_encoding_is_wrong_or_not_named_is_read(tmp_path):
    head = b"From: a@b.c\nSubject: " + "Расписание паромов на июль".encode("koi8-r") + b"\n"
    words = "Последний паром уходит в половине десятого вечера, затем ждите утра.".encode("koi8-r")
    for kind in (b"", b"Content-Type: text/plain; charset=x-unknown\n", b"Content-Type: text/plain; charset=utf-8\n"):
        [passage] = [
            item
            for item in read(written(tmp_path / "a.eml", head + kind + b"Content-Transfer-Encoding: 8bit\n\n" + words))
            if isinstance(item, Passage)
        ]
        assert passage.title == "Расписание паромов на июль"
        assert "половине десятого" in passage.text


def test_a_mail_by_outlook_is_read_with_its_attachments_and_the_mail_in_it(tmp_path):
    inner = mail({(0x37, 0x1F): "Old gate", (0x1000, 0x1F): "The old code is Stork."}, front=24)
    holder = {**properties({(0x3705, 3): 5, (0x3001, 0x1F): "Old gate"}, 8), "__substg1.0_3701000D": inner}
    table = properties({(0x3705, 3): 1, (0x3707, 0x1F): "ports.csv", (0x3701, 0x102): CSV.encode()}, 8)
    outer = mail(
        {
            (0x37, 0x1F): "Gate",
            (0xC1A, 0x1F): "Ann",
            (0xE04, 0x1F): "Bo",
            (0x39, 0x40): 133_500_000_000_000_000,
            (0x1000, 0x1F): "The code is Heron. Größe 5 €",
        },
        attached=[holder, table],
    )
    items = read(written(tmp_path / "a.msg", compound(outer)))
    assert [(item.title, item.text) for item in items if isinstance(item, Passage)] == [
        ("Gate", "From: Ann\nTo: Bo\nDate: 2024-01-17 21:20:00+00:00\n\nThe code is Heron. Größe 5 €"),
        ("Old gate", "The old code is Stork."),
    ]
    assert [item.rows[0] for item in items if isinstance(item, Table)] == [("Hamn", "06:55")]
    assert "no mail by Outlook" in reason(written(tmp_path / "b.msg", b"no"))


def test_a_mail_by_outlook_is_read_in_the_form_that_says_more(tmp_path):
    both = {(0x37, 0x1F): "Gate", (0x1000, 0x1F): "See the page.", (0x1013, 0x102): b"<p>The code is Heron."}
    assert passages(read(written(tmp_path / "a.msg", compound(mail(both))))) == [("", "The code is Heron.")]


def test_a_mail_by_outlook_with_only_rich_text_is_read(tmp_path):
    from compressed_rtf import compress

    packed = compress(rb"{\rtf1\ansi\fromhtml1 {\*\htmltag <p>}\htmlrtf {\htmlrtf0 The code is Heron.\par}}", True)
    items = read(written(tmp_path / "a.msg", compound(mail({(0x37, 0x1F): "Gate", (0x1009, 0x102): packed}))))
    assert [item.text for item in items] == ["The code is Heron."]


# ── e-books ────────────────────────────────────────────────────────────────────────────────────


def make_book(path, *, order=("two", "one"), locked=False):
    spine = "".join(f'<itemref idref="{name}"/>' for name in order)
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package xmlns:dc="d"><metadata><dc:title>Birds</dc:title><dc:creator>Ann Ray</dc:creator></metadata>'
        '<manifest><item id="one" href="te%20xt/1.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="two" href="te%20xt/2.xhtml" media-type="application/xhtml+xml"/></manifest>'
        f"<spine>{spine}</spine></package>",
        "OEBPS/te xt/1.xhtml": "<html><head><title>Herons</title></head><body><h2>Food</h2><p>They eat fish.</p></body></html>",
        "OEBPS/te xt/2.xhtml": "<html><head><title>Birds</title></head><body><h1>Storks</h1><p>They eat frogs.</p>"
        "<table><tr><th>Bird</th><th>cm</th></tr><tr><td>Stork</td><td>110</td></tr></table></body></html>",
    }
    if locked:
        parts["META-INF/encryption.xml"] = '<e><CipherReference URI="OEBPS/te xt/1.xhtml"/></e>'
    return make_zip(path, parts)


def test_a_book_is_read_chapter_by_chapter_in_reading_order(tmp_path):
    items = read(make_book(tmp_path / "b.epub"))
    assert passages(items) == [("Storks", "They eat frogs."), ("Herons > Food", "They eat fish.")]
    [table] = [item for item in items if isinstance(item, Table)]
    assert (table.rows, table.section) == ((("Stork", "110"),), "Storks")
    assert {item.title for item in items} == {"Birds by Ann Ray"}


def test_a_chapter_that_is_locked_or_missing_is_told(tmp_path):
    items = read(make_book(tmp_path / "b.epub", order=("one", "two"), locked=True))
    assert problems(items) == [("chapter 1.xhtml", "is protected against copying")]
    assert len(passages(items)) == 1

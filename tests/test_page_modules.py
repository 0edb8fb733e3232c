"""The page's pure modules, called in a real browser: words, tables, runs, streams."""

import json

import pytest
from hypothesis import given, settings

from browsing import chromium
from odd_tables import BLOCKS
from r1router.codec import to_dict
from r1router.evidence.location import describe
from r1router.kb.rows import CELLS, read_block, write_cells
from r1router.types import Evidence, Location
from serving import live, small_app


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with live(small_app(tmp_path_factory.mktemp("none"))) as port, chromium() as driver:
        driver.get(f"http://127.0.0.1:{port}/icon.svg")
        yield driver


def call(browser, script):
    """What an async function body gives back; `load("words.js")` in it is a module of the page."""
    return browser.execute_async_script(
        "const done = arguments[0], load = (file) => import('/' + file);"
        f"(async () => {{ {script} }})().then((value) => done({{value}}), (error) => done({{error: String(error)}}))"
    )["value"]


def marks(browser, text, question, answer=""):
    said = ", ".join(map(json.dumps, (text, question, answer)))
    found = call(
        browser,
        f"const [text, question, answer] = [{said}];"
        "const {pattern, segments} = await load('words.js'); return segments(text, pattern(question, answer))",
    )
    assert "".join(piece["text"] for piece in found) == text
    return [(piece["text"], piece["mark"]) for piece in found if piece["mark"]]


@pytest.mark.parametrize(
    ("text", "question", "answer", "marked"),
    [
        ("Oslo is the capital.", "What is the capital?", "", [("capital", "word")]),
        ("the countries of Peru", "Which country?", "", [("countries", "word")]),
        ("Gabriel García", "garcia", "", [("García", "word")]),
        ("a test of text", "test", "", [("test", "word")]),
        ("Call +267 today", "code?", "+267", [("267", "answer")]),
        ("Bjørnstjerne Bjørnson wrote", "who", "Bjørnstjerne Bjørnson", [("Bjørnstjerne Bjørnson", "answer")]),
        ("in 1896 and 18960", "1896", "", [("1896", "word")]),
        ("東京は日本", "日本", "東京は日本", [("東京は日本", "answer")]),
        ("", "anything", "at all", []),
        ("nothing", "", "", []),
    ],
)
def test_words_of_the_question_and_the_answer_are_marked(browser, text, question, answer, marked):
    assert marks(browser, text, question, answer) == marked


@pytest.mark.parametrize(
    ("source", "text", "shown"),
    [
        ("a.md", "- **Oslo**: the **capital** city", "- [Oslo]: the [capital] city"),
        ("a.md", "**Oslo is the capital** of it", "[Oslo is the ][capital] of it"),
        ("a.md", "the capital is **Oslo**", "the capital is [Oslo]"),
        ("a.md", "2**3**4, a ** b ** c, `**x**` and ```\n**y**\n```", None),
        ("a.txt", "**Oslo** as it stands", None),
    ],
)
def test_strong_words_of_a_markdown_file_are_shown_without_asterisks(browser, source, text, shown):
    found = call(
        browser,
        f"const [said, source] = {json.dumps([text, source])}; const {{pattern, segments}} = await load('words.js');"
        "const {cutAtStrong, readStrong} = await load('strong.js'); const {text, strong} = readStrong(said, source);"
        "return cutAtStrong(segments(text, pattern('capital')), strong)",
    )
    assert "".join(f"[{piece['text']}]" if piece["isStrong"] else piece["text"] for piece in found) == (shown or text)


@pytest.mark.parametrize(
    ("table", "drawn"),
    [
        (
            {"title": "T", "caption": "C", "header": ["A", "B"], "rows": [["1", "2 | 3"], ["3", "4\n5"]],
             "first_row": 5},
            {"top": ["T", "C"], "header": ["A", "B"], "rows": [["1", "2 | 3"], ["3", "4\n5"]], "first": 5},
        ),
        (
            {"title": "T", "section": "S", "header": ["A"], "rows": [["Ada", "x"], ["Bob"]]},
            {"top": ["T — S"], "header": ["A", ""], "rows": [["Ada", "x"], ["Bob", ""]], "first": 1},
        ),
        ({"header": ["", ""], "rows": [["1", "2"]]}, {"top": [], "header": [], "rows": [["1", "2"]], "first": 1}),
    ],
)  # fmt: skip
def test_a_table_is_drawn_with_every_cell_in_its_column(browser, table, drawn):
    evidence = json.dumps({"text": "T\nA | B\n1 | 2 | 3", "table": table})
    assert call(browser, f"const {{tableOf}} = await load('table.js'); return tableOf({evidence})") == drawn


def test_evidence_without_cells_is_shown_as_text(browser):
    read = "const {tableOf} = await load('table.js'); return "
    assert call(browser, read + "tableOf({text: 'A | B\\n1 | 2', location: {rows: [1, 1]}})") is None
    assert call(browser, read + "tableOf({text: 'A', table: {header: ['A']}})") is None


def test_the_row_that_tells_is_the_one_that_fits_best_and_none_where_two_fit_alike(browser):
    script = """
        const {tellingRow} = await load("table.js"), {pattern} = await load("words.js");
        const rows = [["Norway", "Oslo"], ["Peru", "Lima"], ["Chile", "Santiago"]];
        const asked = (question, answer) => tellingRow(rows, pattern(question, answer));
        return [asked("capital of Peru"), asked("Peru or Chile"), asked("capital?", "Oslo"), asked("zebra")];
    """
    assert call(browser, script) == [1, -1, 0, -1]


def test_events_are_read_however_the_bytes_are_cut(browser):
    script = """
        const {readEvents} = await load("sse.js");
        const text = 'event: a\\ndata: {"n": 1}\\n\\n: still at work\\n\\n'
          + 'event: b\\r\\ndata: "é"\\r\\n\\r\\nevent: cut\\ndata: 1';
        const bytes = new TextEncoder().encode(text);
        const found = [];
        for (const step of [1, 3, bytes.length]) {
          const stream = new ReadableStream({
            start(to) {
              for (let at = 0; at < bytes.length; at += step) to.enqueue(bytes.slice(at, at + step));
              to.close();
            },
          });
          for await (const {name, data} of readEvents(stream)) found.push([name, data]);
        }
        return found;
    """
    assert call(browser, script) == [["a", {"n": 1}], ["b", "é"]] * 3


def test_a_run_keeps_what_it_has_when_it_is_stopped_fails_or_ends_with_fewer_steps(browser):
    script = """
        const {after, fail, newRun, stopped} = await load("run.js");
        let run = newRun({question: "Q?", picture: null, method: ""});
        const events = [
          ["started", {method: "r1_router", kbs: [{name: "t", kind: "text"}]}],
          ["planned", {index: 0, step: {sub_question: "a", routes: ["t"]}}],
          ["retrieved", {index: 0, step: {sub_question: "a", routes: ["t"]}}],
          ["malformed", {purpose: "answer", reason: "no tag", reply: "x"}],
          ["answered", {index: 0, step: {sub_question: "a", answer: "b"}}],
          ["planned", {index: 1, step: {sub_question: "a", routes: ["t"]}}],
          ["something new", {}],
        ];
        for (const [name, data] of events) run = after(run, {name, data});
        const done = after(run, {name: "finished", data: {trajectory: {steps: [{answer: "b"}], stop: "repeated"}}});
        const failed = after(run, {name: "finished", data: {trajectory: {stop: "error", error: "broken"}}});
        const told = (r) => [r.status, r.steps.map(({phase}) => phase), r.error];
        return [told(run), told(stopped(run)), told(fail(run, "no")), told(done), told(failed), run.malformed[0].step];
    """
    phases = ["done", "searching"]
    assert call(browser, script) == [
        ["running", phases, None],
        ["stopped", phases, None],
        ["failed", phases, "no"],
        ["done", phases, None],
        ["failed", phases, "broken"],
        0,
    ]


@pytest.mark.parametrize(
    "location",
    [
        Location("a.md"),
        Location("a.pdf", page=3),
        Location("a.pdf", page=3, section="Norway"),
        Location("a.csv", rows=(1, 20)),
        Location("a.csv", section="Sheet 2", rows=(7, 7)),
    ],
)
def test_the_page_says_where_evidence_came_from_as_the_command_line_does(browser, location):
    evidence = json.dumps({"id": "a#1", "location": to_dict(location)})
    said = call(browser, f"const {{place}} = await load('said.js'); return place({evidence})")
    assert said.replace(" · ", ", ") == describe(location)


@given(BLOCKS)
@settings(deadline=None, max_examples=25)
def test_the_page_has_every_cell_of_a_stored_table_in_its_place(browser, block):
    stored = {"title": block.title, "section": block.section, "first_row": block.first_row, CELLS: write_cells(block)}
    evidence = Evidence("t", "1", block.text, table=read_block(stored))
    drawn = call(
        browser,
        f"const {{tableOf}} = await load('table.js'); return tableOf({json.dumps(to_dict(evidence))})",
    )
    width = max(len(block.header), *map(len, block.rows))
    assert drawn["rows"] == [[*row, *[""] * (width - len(row))] for row in block.rows]
    assert drawn["header"] == ([*block.header, *[""] * (width - len(block.header))] if any(block.header) else [])
    assert drawn["first"] == block.first_row
    assert all(line in "\n".join(drawn["top"]) for line in (block.title, block.section, block.caption))


@pytest.mark.parametrize(
    ("lines", "passage", "marked"),
    [
        (
            ["Speed sensor", "The gap is 5 to 12", "millimetres.", "Other words here."],
            "The gap is 5 to 12 millimetres.",
            [1, 2],
        ),
        (["A", "B"], "", []),
        (["Oslo"], "Oslo", [0]),
        (["of the", "and of the", "x of the y"], "The end of the road is here", []),
        (["", " ", "The GAP is five wide"], "Title\nthe gap is five wide", [2]),
    ],
)
def test_lines_of_a_pdf_that_say_a_passage_are_found(browser, lines, passage, marked):
    said = ", ".join(map(json.dumps, (lines, passage)))
    assert call(browser, f"const {{saying}} = await load('pdf-marks.js'); return saying({said})") == marked

"""The page, used by a person in a real browser against a real server with a scripted policy."""

import base64
import math
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pypdfium2
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browsing import DEMO, Paced, Person, chromium, make_kbs
from r1router.types import Reply, Token
from serving import call, live, small_app, until

QUESTION = "What is the capital of the country whose flag is in the picture?"


def step(asked, route, **others):
    head = f"<think>I look for {asked}</think>\n<sub-question>{asked}</sub-question>\n<ret>"
    top = tuple((name, math.log(p)) for name, p in {route: 1 - sum(others.values()), **others}.items())
    tokens = (Token(head, 0.0), Token(route, top[0][1], top), Token("</ret>", 0.0))
    return Reply("".join(token.text for token in tokens), tokens)


def answer(text, thought="It says so."):
    return f"<think>{thought}</think>\n<answer>{text}</answer>"


FLOW = [
    step("the flag of Botswana, light blue with a black stripe", "image", text=0.2, table=0.1),
    answer("Botswana"),
    "I should look into a table.",  # malformed, so asked again
    step("capital of Botswana", "table", text=0.25),
    answer("Gaborone"),
    step("None", "None"),
    answer("Gaborone"),
]
SHORT = [step("Who is the zebra?", "text"), answer("more"), step("None", "None"), answer("It says more.")]


def in_order(replies):
    """What `replies` say from the first plan of each question on; every follow-up asks the same."""
    rest = []

    def say(ask):
        if ask.purpose == "rewrite":
            return Reply("<sub-question>What is the capital of Namibia?</sub-question>")
        if ask.purpose == "plan" and "nothing yet" in ask.messages[-1].content:
            rest[:] = replies
        return rest.pop(0) if not isinstance(rest[0], str) else Reply(rest.pop(0))

    return say


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_kbs(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver
        driver.get("about:blank")


@pytest.fixture(scope="module")
def server(browser, folder):
    """(port, policy) of a server that all tests use, one after the other; it routes as the policy says."""
    policy = Paced([])
    with live(small_app(folder, policy, method="r1_router?look=false", keep_hours=1)) as port:
        yield port, policy


@pytest.fixture
def page(browser, server):
    """The page just opened in a browser that does not know it, and the policy."""
    port, policy = server
    policy.says(in_order(FLOW))
    person = Person(browser, f"http://127.0.0.1:{port}/")
    person.starts_afresh()
    person.goes_to()
    yield SimpleNamespace(person=person, policy=policy)
    browser.get("about:blank")
    requests = [url for url in person.requests() if not url.startswith(("data:", "blob:", "about:"))]
    assert [url for url in requests if not url.startswith(person.url)] == []
    assert person.complaints() == []


def test_steps_arrive_one_after_the_other_and_the_answer_opens_its_sources(page):
    person, policy = page.person, page.policy
    policy.hold()
    person.asks(QUESTION)
    person.sees(".waiting-text", "Planning the first step")
    policy.let(1)
    person.sees(".step .sub-question", "the flag of Botswana")
    assert person.sees(".step .chip").text == "image\n70 %"
    person.sees(".step figure img")
    person.sees(".waiting-text", "Reading 5 pieces of evidence")
    person.sees("mark")
    person.misses(".step-answer")
    person.misses(".outcome")
    policy.let(1)
    person.sees(".step-answer", "Botswana")
    assert len(person.finds(".step", 2)) == 2  # the second is the one that is waited for
    policy.let(2)
    person.sees(".step:nth-child(2) .malformed")
    policy.let(1)
    row = person.sees(".step:nth-child(2) tr.telling")
    assert "Botswana" in row.text
    assert person.sees("tr.telling .telling-cell").text == "Gaborone"
    policy.let(2)
    person.sees(".answer .answer-text", "Gaborone")
    person.sees(".step-enough", "Nothing more to look up")

    sources = person.finds(".sources > li", 2)
    assert [source.text.splitlines()[0] for source in sources] == ["1", "2"]
    person.misses(".sources details[open]")
    person.clicks(".sources > li:first-child summary")
    assert person.sees(".sources tr.telling .telling-cell").text == "Gaborone"
    person.sees(".sources .source-line", "tables/countries.csv")
    cost = person.sees(".cost summary").text
    assert "it knew enough" in cost
    assert "r1_router" in cost
    assert "Tokens" in cost
    person.clicks(".step:first-child .routes summary")
    assert person.sees(".route-list").text.split("\n")[:6] == ["image", "70 %", "text", "20 %", "table", "10 %"]
    person.clicks(".step:first-child .thought summary", "Thought")
    person.sees(".step:first-child .thought p", "I look for the flag")


def test_a_follow_up_shows_what_was_asked_before_and_what_it_asks_by_itself(page):
    person = page.person
    person.asks(QUESTION)
    person.sees(".answer .answer-text", "Gaborone")
    steps = [step("capital of Namibia", "table"), answer("Windhoek"), step("None", "None"), answer("Windhoek")]
    page.policy.says(in_order(steps))
    person.clicks(".outcome button", "Ask a follow-up")
    person.sees(".preview", f"Goes on after “{QUESTION}”")
    person.asks("And of Namibia?")
    person.sees(".answer .answer-text", "Windhoek")
    person.clicks(".keep button", "Share")
    kept = person.runs("return JSON.parse(localStorage.getItem('r1router.history'))[0].kept")
    for again in (False, True):
        if again:
            person.goes_to(f"#/a/{kept}")
        assert person.sees(".run h1").text == "And of Namibia?"
        assert person.sees(".asks").text == "Asks: What is the capital of Namibia?"
        assert person.sees(".thread").text.splitlines() == [QUESTION, "Gaborone"]
    person.clicks("aside .history-item", QUESTION[:20])
    person.misses(".thread")


def test_a_query_its_result_and_the_rows_that_it_rests_on_are_shown(page):
    person = page.person
    sql = 'SELECT "Capital" FROM t WHERE "Country" = \'Botswana\''
    query = f"<think>Find the row.</think>\n<query>{sql}</query>"
    page.policy.says(in_order([step("capital of Botswana", "table"), query, step("None", "None"), answer("Gaborone")]))
    person.asks("What is the capital of Botswana?")
    person.sees(".answer .answer-text", "Gaborone")
    assert person.sees(".step pre.query").text == sql
    person.sees(".step .piece-section", "Computed over the whole table; rests on row 5")
    person.runs("document.querySelectorAll('.step details').forEach(part => { part.open = true })")
    row = person.sees(".step tr.telling", "Botswana")
    assert row.find_element(By.CSS_SELECTOR, ".row-number").text == "5"
    person.clicks(".sources summary")
    person.clicks(".sources .source-line a")
    person.sees("h1", "countries.csv")
    row = person.sees(".source-piece.cited tr.telling", "Botswana")
    assert row.find_element(By.CSS_SELECTOR, ".row-number").text == "5"


def test_a_question_is_asked_with_a_picture_that_is_chosen_pasted_or_dropped(page):
    person, policy = page.person, page.policy
    photo = DEMO / "queries" / "photo-1.jpg"
    person.finds("#picture")[0].send_keys(str(photo))
    person.sees(".preview", "photo-1.jpg")
    person.clicks(".preview button")
    person.misses(".preview")

    give = """
        const [kind, target] = arguments;
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 2000;
        canvas.toBlob((blob) => {
          const given = new DataTransfer();
          given.items.add(new File([blob], kind + ".png", {type: "image/png"}));
          const about = {bubbles: true, cancelable: true, clipboardData: given, dataTransfer: given};
          const event = kind === "paste" ? new ClipboardEvent(kind, about) : new DragEvent(kind, about);
          document.body.dispatchEvent(event);
        });
    """
    person.runs(give, "paste")
    person.sees(".preview", "paste.png")
    person.clicks(".preview button")
    person.runs(give, "drop")
    person.sees(".preview", "drop.png")
    person.asks(QUESTION)
    person.sees(".answer")
    person.sees(".run-head img")
    asked = policy.scripted.asks[0].messages[-1]
    assert len(asked.images) == 1
    assert asked.images[0].media_type == "image/jpeg"  # made smaller before it is sent
    person.misses(".preview")


def test_a_file_that_is_no_picture_is_refused_in_words(page):
    page.person.finds("#picture")[0].send_keys(str(DEMO / "questions.jsonl"))
    page.person.sees(".composer .problem", "questions.jsonl is not a picture")


@pytest.mark.parametrize("how", ["the button", "the button at the end", "escape"])
def test_stopping_stops_the_server_too(page, how):
    person, policy = page.person, page.policy
    policy.hold()
    person.asks("Never mind?")
    person.sees(".step-waiting")
    match how:
        case "the button":
            person.clicks(".composer .stop")
        case "the button at the end":
            person.clicks(".step-waiting button")
        case "escape":
            ActionChains(person.driver).send_keys(Keys.ESCAPE).perform()
    person.sees(".outcome.stopped", "Stopped")
    until(lambda: policy.cancelled == 1)
    person.sees(".composer .primary", "Ask")


def test_the_history_comes_back_after_a_reload_and_can_be_cleared(page):
    person = page.person
    person.asks("First question?")
    person.sees(".answer")
    person.asks("Second question?")
    person.sees(".run-head", "Second question?")
    person.finds("aside .history-forget", 2)  # both have ended and are kept
    person.goes_to()
    person.misses(".run")
    items = person.finds("aside .history-item", 2)
    assert [item.text.splitlines()[0] for item in items] == ["Second question?", "First question?"]
    person.clicks("aside .history-item", "First question?")
    person.sees(".run-head", "First question?")
    person.sees(".answer-text", "Gaborone")
    assert person.sees("tr.telling .telling-cell").text == "Gaborone"
    person.clicks("aside .history-head button", "Clear")
    person.goes_to()
    person.misses("aside .history-item")


def test_options_are_sent_and_remembered(page):
    person, policy = page.person, page.policy
    person.clicks(".composer button", "Options")
    person.clicks(".options select")
    person.clicks(".options option", "vanilla_rag")
    person.sees(".options input[type=number]").send_keys(Keys.ARROW_DOWN, Keys.TAB)
    person.clicks(".kb-choice", "image")
    policy.says([answer("Gaborone")])
    person.asks("What is the capital of Botswana?")
    person.sees(".cost", "vanilla_rag")
    assert {piece.text for piece in person.finds(".step .routes .chip", 2)} == {"table", "text"}
    person.goes_to()
    person.clicks(".composer button", "Options")
    assert person.runs("return document.querySelector('.options select').value") == "vanilla_rag"
    assert person.runs("return document.querySelector('.options input[type=number]').value") == "2"


def test_the_section_of_a_passage_is_told_once(page):
    person = page.person
    person.goes_to("#/kbs/text/docs%2Ftext%2Ftimbuktu.md")
    person.finds(".source-part")
    for piece in person.finds(".source-piece"):
        lines = piece.text.splitlines()
        assert lines[1:].count(lines[0]) == 0


def test_a_filter_narrows_a_question_and_a_search_and_what_is_known_of_a_source_is_shown(page):
    person, policy = page.person, page.policy
    person.clicks(".composer button", "Options")
    person.sees(".options .filter input").send_keys('type = "csv"')
    policy.says([step("capital of Botswana", "table"), answer("Gaborone"), step("None", "None"), answer("Gaborone")])
    person.asks("What is the capital of Botswana?")
    person.sees(".run-head code", 'type = "csv"')
    person.clicks("nav a", "Knowledge bases")
    person.clicks(".kb-card", "table")
    person.clicks(".search-filter summary")
    person.sees(".search-filter input").send_keys('type = "pdf"')
    person.sees("#search").send_keys("capital\n")
    person.sees(".results", "0 results")
    person.clicks(".source-list a")
    person.sees(".known dt", "modified")


def test_knowledge_bases_are_browsed_searched_added_to_and_taken_from(page, tmp_path):
    person = page.person
    moons, broken = tmp_path / "moons.csv", tmp_path / "broken.pdf"
    moons.write_text("Moon,Planet,Diameter\nGanymede,Jupiter,5268\nTitan,Saturn,5150\n")
    broken.write_bytes(b"no PDF at all")
    person.clicks("nav a", "Knowledge bases")
    assert [card.text.splitlines()[0] for card in person.finds(".kb-card", 3)] == ["image", "table", "text"]
    person.finds("#files")[0].send_keys(f"{moons}\n{broken}")
    person.sees(".upload-done", "1 entry into table")
    person.sees(".upload-failed", "no PDF at all")
    person.sees(".kb-card", "from 3 sources")
    person.clicks(".kb-card", "table")
    person.sees(".source-list", "uploads/moons.csv")
    person.sees("#search").send_keys("Ganymede diameter\n")
    person.sees(".results tr.telling", "5268")
    person.clicks("[aria-label='Remove uploads/moons.csv']")
    person.clicks(".sure .danger")
    person.misses("[aria-label='Remove uploads/moons.csv']")
    assert "uploads/moons.csv" not in person.sees(".source-list").text

    person.clicks("nav a", "Knowledge bases")
    person.clicks(".kb-card", "image")
    person.finds(".search-bar input[type=file]")[0].send_keys(str(DEMO / "queries" / "photo-1.jpg"))
    person.sees(".search-bar .preview")
    person.clicks(".search-bar .primary")
    person.sees(".results figure img")


def test_a_knowledge_base_is_made_renamed_described_and_deleted(page, folder):
    person = page.person
    person.goes_to("#/kbs")
    person.clicks(".kb-head button", "New knowledge base")
    person.sees("dialog #kb-name").send_keys("Table\n")
    person.sees("dialog .problem", "cannot be told from the knowledge base 'table'")
    name = person.sees("dialog #kb-name")
    name.clear()
    name.send_keys("none\n")
    person.sees("dialog .problem", "a policy writes it to choose none")
    name.clear()
    name.send_keys("moons")
    person.has_screen(1280, 900, dark=True)  # the page is drawn anew, and what was typed stays
    person.finds("[aria-label='Switch to light']")
    person.clicks("dialog button", "Make it")
    person.sees("h1", "moons")
    person.misses("dialog[open]")
    person.sees(".known dd", "empty")
    assert "400" in " ".join(person.complaints())  # the browser notes what was refused
    person.clicks(".kb-actions button", "Rename or describe")
    name = person.sees("dialog #kb-name")
    name.clear()
    name.send_keys("satellites")
    person.sees("dialog #kb-line").clear()
    person.sees("dialog #kb-line").send_keys("Moons of all planets")
    person.clicks("dialog button", "Save")
    person.sees("h1", "satellites")
    person.sees(".kb-line", "Moons of all planets")
    assert (folder / "satellites").is_dir()
    assert not (folder / "moons").exists()

    person.clicks(".kb-actions button", "Delete")
    person.sees("dialog[open]", "cannot be undone")
    person.clicks("dialog button", "Cancel")
    person.misses("dialog[open]")
    assert (folder / "satellites").is_dir()
    person.clicks(".kb-actions button", "Delete")
    person.clicks("dialog .danger", "Delete")
    person.sees("h1", "Knowledge bases")
    person.misses(".kb-card:nth-child(4), dialog[open]")
    assert [card.text.splitlines()[0] for card in person.finds(".kb-card", 3)] == ["image", "table", "text"]
    assert not (folder / "satellites").exists()


def test_who_may_not_change_anything_sees_no_way_to(browser, folder):
    with live(small_app(folder, Paced([]), read_only=True)) as port:
        person = Person(browser, f"http://127.0.0.1:{port}/")
        person.starts_afresh()
        person.goes_to("#/kbs/table")
        person.sees(".source-list a")
        person.misses(".kb-actions, [aria-label^='Remove']")
        person.goes_to("#/kbs")
        person.finds(".kb-card", 3)
        person.misses(".kb-head button, .upload")
        browser.get("about:blank")
        assert person.complaints() == []


def test_the_first_view_names_the_model_and_asks_an_example(page):
    person = page.person
    person.sees(".welcome-model", "Answered by paced")
    question = person.sees(".examples button", "Which country has the largest area").text
    person.clicks(".examples button", question)
    person.sees(".run-head", question)
    person.sees(".answer-text", "Gaborone")
    person.sees(".cost", "Model paced")


def test_who_waits_sees_how_many_questions_are_before(page):
    person, policy = page.person, page.policy
    policy.says(in_order([*SHORT, *SHORT]))
    policy.hold()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(call, int(person.url.split(":")[2].strip("/")), "POST", "/v1/ask", {"question": "First?"})
        until(lambda: policy.waiting == 1)
        person.asks("Second?")
        person.sees(".waiting-text", "1 question is before yours")
        policy.let(1000)
        other.result()
    person.sees(".outcome")


def test_a_search_shows_similarity_and_leaves_out_what_has_less(page):
    person = page.person
    person.goes_to("#/kbs/text")
    person.sees("#search").send_keys("Zebra\n")
    shown = [float(score.text.removeprefix("similarity ")) for score in person.finds(".piece-score", 2)]
    assert max(shown) > min(shown)
    person.clicks(".search-filter summary")
    person.sees(".search-options input[type=number]").send_keys(f"{max(shown) - 0.01:.2f}")
    person.clicks(".search-bar .primary")
    person.sees(".results", "1 result for")
    person.sees(".piece-title", "Zebra")


def test_a_card_is_short_until_it_is_opened(page):
    person = page.person
    person.has_screen(390, 844)
    person.goes_to("#/kbs")
    person.sees(".kb-card .clamped")
    heights = [card.size["height"] for card in person.finds(".kb-card", 3)]
    assert max(heights) < 170
    person.clicks(".kb-card .more", "More")
    person.sees(".kb-card .more", "Less")
    assert max(card.size["height"] for card in person.finds(".kb-card", 3)) >= max(heights)
    assert person.runs("return location.hash") == "#/kbs"


def test_a_source_opens_at_the_piece_that_was_cited(page):
    person = page.person
    person.goes_to("#/kbs/table")
    person.sees("#search").send_keys("capital of Botswana\n")
    rows = person.sees(".results .piece[open] .source-line a").text.rpartition(" · ")[2]
    person.clicks(".results .piece[open] .source-line a")
    cited = person.sees(".source-piece.cited", rows)
    top, height = person.runs("const r = arguments[0].getBoundingClientRect(); return [r.top, innerHeight]", cited)
    assert -cited.size["height"] < top < height
    person.sees("h1", "countries.csv")
    person.sees(".source-actions button", "Download")
    person.goes_to("#/kbs/text/docs%2Fnone.md")
    person.sees(".problem", "no such source")
    assert "404" in " ".join(person.complaints())  # the browser says so too


def test_an_answer_has_an_address_and_can_be_rated(page, folder):
    person, policy = page.person, page.policy
    policy.says(in_order(SHORT))
    person.finds("#picture")[0].send_keys(str(DEMO / "queries" / "photo-1.jpg"))
    person.sees(".preview", "photo-1.jpg")
    person.asks("Who is the zebra?")
    person.clicks(".keep button", "Share")
    told = person.sees(".keep [role=status]").text
    id = person.runs("return JSON.parse(localStorage.getItem('r1router.history'))[0].kept")
    assert "is copied" in told or f"#/a/{id}" in told
    person.clicks(".keep button", "Wrong")
    person.sees("#correct").send_keys("A horse with stripes\n")
    person.sees(".keep [role=status]", "Thank you")
    assert "A horse with stripes" in (folder / "feedback.jsonl").read_text()

    person.starts_afresh()
    person.goes_to(f"#/a/{id}")
    person.sees(".run h1", "Who is the zebra?")
    person.sees(".answer-text", "It says more.")
    person.finds(".run-head img", 1)
    person.sees(".cost", "paced")
    person.goes_to("#/a/none")
    person.sees(".problem", "not kept any more")
    assert "404" in " ".join(person.complaints())


def test_text_of_a_document_is_never_markup(page):
    person = page.person
    page.policy.says(in_order(SHORT))
    person.asks("Who is the <u>zebra</u>?")
    person.sees(".answer")
    person.sees(".run-head h1", "Who is the <u>zebra</u>?")
    person.sees(".piece-title", "Zebra")
    person.sees(".passage", "<script>alert(2)</script> The zebra says &amp; more.")
    person.misses("#app script, #app u, #app b, #app img[src=x]")


def test_what_fails_is_said_in_words_and_can_be_tried_again(page):
    person = page.person
    page.policy.says([])
    person.asks("Will this work?")
    person.sees(".outcome.failure", "the model failed")
    page.policy.says(in_order(FLOW))
    person.clicks(".outcome.failure button", "Try again")
    person.sees(".answer-text", "Gaborone")


def test_a_key_is_asked_for_where_the_server_wants_one(browser, folder):
    with live(small_app(folder, Paced(in_order(FLOW)), key="open sesame")) as port:
        person = Person(browser, f"http://127.0.0.1:{port}/")
        person.starts_afresh()
        person.goes_to()
        person.sees("dialog[open]", "This server wants a key")
        person.sees("dialog[open] #key").send_keys("wrong\n")
        person.sees("dialog[open]", "did not accept")
        person.sees("dialog[open] #key").send_keys("open sesame\n")
        person.sees(".welcome-kbs", "table")
        person.asks(QUESTION)
        person.sees(".answer-text", "Gaborone")
        assert person.sees(".step figure img").get_attribute("src").startswith("blob:")
        browser.get("about:blank")
        assert all("401" in complaint for complaint in person.complaints())


def test_the_keyboard_reaches_everything(page):
    person = page.person
    person.clicks("nav a", "Knowledge bases")
    person.sees(".kb-card")
    ActionChains(person.driver).send_keys("/").perform()
    until(lambda: person.runs("return document.activeElement.id") == "question")
    question = person.sees("#question")
    question.send_keys("one", Keys.SHIFT, Keys.ENTER, Keys.NULL, "two")
    assert question.get_attribute("value") == "one\ntwo"
    question.send_keys(Keys.ENTER)
    person.sees(".answer")
    person.runs("document.querySelector('.skip').focus()")
    reached = []
    while not reached or "it knew enough" not in reached[-1]:
        assert len(reached) < 60, reached
        ActionChains(person.driver).send_keys(Keys.TAB).perform()
        name, ring = person.runs(
            "const a = document.activeElement, style = getComputedStyle(a);"
            "return [a.innerText || a.getAttribute('aria-label') || a.id, style.outlineStyle !== 'none']"
        )
        assert ring or name == "question", f"{name} does not show its focus"  # that one shows it by its frame
        reached.append(name)
    assert {"r1router", "Ask", "Switch to dark", "question", "Picture", "Options", "Thought"} <= {*reached}


def test_what_happens_is_told_to_screen_readers(page):
    person, policy = page.person, page.policy
    policy.hold()
    person.asks(QUESTION)
    said = "return document.querySelector('[aria-live=polite]').textContent"
    until(lambda: person.runs(said).startswith("Planning"))
    policy.let(1)
    until(lambda: "evidence" in person.runs(said))
    policy.let(10)
    until(lambda: person.runs(said) == "Answer: Gaborone")


def test_what_a_search_ranks_by_is_read_whole_on_a_phone(page):
    person = page.person
    person.has_screen(390, 844)
    person.goes_to("#/kbs/text")
    person.clicks(".search-filter summary")
    chosen = person.sees(".search-options select")
    person.runs("arguments[0].style.width = 'max-content'", chosen)
    needed = chosen.size["width"]
    person.runs("arguments[0].style.width = ''", chosen)
    assert chosen.size["width"] >= needed


def test_an_answer_is_printed_dark_on_white_with_its_sources_open(page):
    person = page.person
    person.asks(QUESTION)
    person.sees(".answer .answer-text", "Gaborone")
    person.clicks("[aria-label='Switch to dark']")
    person.finds("[aria-label='Switch to light']")
    printed = person.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    pages = pypdfium2.PdfDocument(base64.b64decode(printed["data"]))
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    assert "Gaborone" in text
    assert "tables/countries.csv" in text.partition("Sources")[2]
    assert "Ask a follow-up" not in text
    person.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    ink = person.runs(
        "return getComputedStyle(document.querySelector('.answer-text')).color.match(/\\d+/g).map(Number)"
    )
    assert max(ink) < 60
    person.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_dark_follows_the_system_until_it_is_switched(page):
    person = page.person
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    light = person.runs(ground)
    person.has_screen(1280, 900, dark=True)
    until(lambda: person.runs(ground) != light)
    person.clicks("[aria-label='Switch to light']")
    until(lambda: person.runs(ground) == light)
    person.goes_to()
    until(lambda: person.runs(ground) == light)
    person.clicks("[aria-label='Switch to dark']")
    assert person.runs("return localStorage.getItem('r1router.theme')") is None


def test_nothing_scrolls_sideways_on_a_narrow_phone(page):
    person = page.person
    person.has_screen(360, 780)
    too_wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
    person.clicks(".composer button", "Options")
    assert not person.runs(too_wide)
    person.asks(QUESTION)
    person.sees(".answer")
    person.clicks(".sources > li:first-child summary")
    assert not person.runs(too_wide)
    person.clicks("nav a", "History")
    person.sees("main .history-item", QUESTION[:20])
    assert not person.runs(too_wide)
    person.clicks("nav a", "Knowledge bases")
    person.clicks(".kb-card", "table")
    person.sees("#search").send_keys("capital\n")
    person.sees(".results .piece")
    assert not person.runs(too_wide)


def test_the_page_of_the_api_works_with_nothing_from_elsewhere(page):
    person = page.person
    person.driver.get(person.url + "docs")
    person.sees(".opblock-summary-path", "/v1/chat/completions")
    person.clicks(".opblock-summary-control", "/healthz")
    person.clicks(".try-out__btn")
    person.clicks(".execute")
    person.sees(".live-responses-table .response-col_status", "200")


def test_an_address_that_is_not_good_utf8_shows_the_page_all_the_same(page):
    person = page.person
    person.goes_to("#/kbs/%E0%A4%A")
    person.sees("main", "%E0%A4%A")
    person.complaints()  # the browser notes that the server has no such knowledge base

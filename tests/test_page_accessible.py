"""Every view of the page under axe-core, light and dark, wide and on a phone: nothing is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from browsing import Paced, Person, chromium, make_kbs
from serving import live, small_app
from test_page import FLOW, QUESTION, in_order

AXE = Path(__file__).parent / "vendor" / "axe.js"
SIZES = {"wide": (1280, 900), "phone": (390, 844)}
pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is in no distribution, only in the repository")


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Person, Paced]]:
    """A browser at a server that has answered one question."""
    policy = Paced(in_order(FLOW))
    folder = make_kbs(tmp_path_factory.mktemp("accessible"))
    app = small_app(folder, policy, method="r1_router?look=false", keep_hours=1)
    with chromium() as driver, live(app) as port:
        person = Person(driver, f"http://127.0.0.1:{port}/")
        person.starts_afresh()
        person.goes_to()
        person.asks(QUESTION)
        person.sees(".answer-text", "Gaborone")
        person.finds("aside .history-item")
        yield person, policy
        driver.get("about:blank")


def open_answer(person: Person) -> None:
    person.goes_to("#/history")
    person.clicks("main .history-item", "Gaborone")
    person.sees(".answer-text", "Gaborone")
    person.clicks(".sources > li:first-child summary")
    person.clicks(".step:first-child .routes summary")
    person.clicks(".step:first-child .thought summary", "Thought")
    person.clicks(".cost summary")
    person.clicks(".keep button", "Wrong")
    person.sees("#correct")


def follow_up(person: Person) -> None:
    person.goes_to("#/history")
    person.clicks("main .history-item", "Gaborone")
    person.clicks(".outcome button", "Ask a follow-up")
    person.sees(".preview", "Goes on after")


def open_thread(person: Person) -> None:
    follow_up(person)
    person.asks("And of its neighbour?")
    person.sees(".thread", QUESTION)
    person.sees(".outcome")
    person.clicks(".keep button", "Right")
    person.sees(".keep", "Thank you")
    person.clicks(".keep button", "Share")
    person.finds(".keep [role=status]", 2)


def ask_and_wait(person: Person) -> None:
    person.goes_to()
    person.asks("Will it wait?")
    person.sees(".waiting-text")


def fail(person: Person) -> None:
    person.goes_to()
    person.asks("Will it fail?")
    person.sees(".outcome.failure")


def search(person: Person) -> None:
    person.goes_to("#/kbs/table")
    person.clicks(".search-filter summary")
    person.sees("#search").send_keys("capital of Botswana\n")
    person.sees(".results .piece[open] table")


def open_options(person: Person) -> None:
    person.goes_to()
    person.sees(".examples button")
    person.clicks(".composer button", "Options")


def open_dialog(address: str, button: str) -> Callable[[Person], None]:
    def act(person: Person) -> None:
        person.goes_to(address)
        person.clicks("main button", button)
        person.sees("dialog[open]")

    return act


def see(address: str, css: str) -> Callable[[Person], None]:
    def act(person: Person) -> None:
        person.goes_to(address)
        person.sees(css)

    return act


VIEWS = {
    "first": open_options,
    "waiting": ask_and_wait,
    "answer": open_answer,
    "a follow-up": follow_up,
    "a thread": open_thread,
    "failure": fail,
    "history": see("#/history", "main .history-item"),
    "knowledge bases": see("#/kbs", ".kb-card .more"),
    "a new one": open_dialog("#/kbs", "New knowledge base"),
    "a search": search,
    "sources": see("#/kbs/text", ".source-list a"),
    "renamed": open_dialog("#/kbs/text", "Rename or describe"),
    "deleted": open_dialog("#/kbs/text", "Delete"),
    "a passage": see("#/kbs/text/docs%2Ftext%2Fmarie-curie.md", ".passage"),
    "a table": see("#/kbs/table/docs%2Ftables%2Fcountries.csv", ".source-piece table"),
    "a picture": see("#/kbs/image/docs%2Fimages%2Fflag-of-jamaica.png", "main h1"),
    "nothing there": see("#/kbs/text/none.md", ".problem"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_nothing_that_axe_finds(looked_at: tuple[Person, Paced], view: str) -> None:
    person, policy = looked_at
    policy.says([] if view == "failure" else in_order(FLOW))
    if view == "waiting":
        policy.hold()
    person.has_screen(*SIZES["wide"])
    VIEWS[view](person)
    found = {}
    for size, (width, height) in SIZES.items():
        for dark in (False, True):
            person.has_screen(width, height, dark=dark)
            found[size, "dark" if dark else "light"] = faults(person)
    if view == "waiting":
        person.clicks(".step-waiting button", "Stop")
        person.sees(".outcome.stopped")
    assert {where: what for where, what in found.items() if what} == {}


def faults(person: Person) -> list[str]:
    """What axe finds: the rule, and where. Colours on their way to others are waited for."""
    if not person.runs("return !!window.axe"):
        person.runs(AXE.read_text(encoding="utf-8"))
    done = person.driver.execute_async_script(
        "const done = arguments[0], fail = (error) => done(String(error));"
        "const moves = () => document.getAnimations().some((a) =>"
        "  a.playState === 'running' && a.effect.getComputedTiming().iterations !== Infinity);"
        "const frame = () => new Promise(requestAnimationFrame);"
        "const rest = async () => { do { await frame(); await frame(); } while (moves()); };"
        "const look = () => axe.run(document, {resultTypes: ['violations']});"
        "rest().then(look).then(({violations}) => done(violations), fail)"
    )
    assert isinstance(done, list), done
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in done for node in each["nodes"]]


def test_axe_sees_a_fault_where_there_is_one(looked_at: tuple[Person, Paced]) -> None:
    person, _ = looked_at
    person.has_screen(*SIZES["wide"])
    person.goes_to("#/kbs")
    person.sees(".kb-card")
    person.runs(
        "const bad = document.createElement('img'); bad.src = 'icon.svg'; document.querySelector('main').append(bad)"
    )
    assert any(fault.startswith("image-alt") for fault in faults(person))
    assert person.driver.find_elements(By.CSS_SELECTOR, "main img:not([alt])")

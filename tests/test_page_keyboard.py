"""The page without a mouse: every view and dialog is opened and left by keys, and the focus is never lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browsing import Paced, Person, chromium, make_kbs
from serving import live, small_app, until
from test_page import FLOW, QUESTION, in_order

MOST = 90
"""Presses of Tab that anything may be away."""
FOCUS = (
    "const a = document.activeElement;"
    "if (a === document.body) return ['body', '', ''];"
    "return [a.tagName.toLowerCase(), a.id, a.innerText || a.getAttribute('aria-label') || a.value || '']"
)


class Typist(Person):
    """A person who has nothing but a keyboard."""

    def presses(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def has_focus(self) -> tuple[str, str, str]:
        """(tag, id, words) of what has the focus."""
        tag, id_, words = self.runs(FOCUS)
        return str(tag), str(id_), str(words)

    def goes_on_to(self, words: str, *, back: bool = False) -> None:
        """Tab, or Shift and Tab, until what has these words, or this id, has the focus."""
        passed = []
        for _ in range(MOST):
            if back:
                ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
            else:
                self.presses(Keys.TAB)
            _, id_, said = self.has_focus()
            passed.append(said or id_)
            if words in said or words == id_:
                return
        raise AssertionError(f"no way to {words!r} by Tab, past {passed}")

    def waits_for_focus(self, words: str) -> None:
        until(lambda: words in self.has_focus()[2] or words == self.has_focus()[1])

    def waits_for_heading(self, words: str = "") -> None:
        """Until the heading has the focus. A link of the view before may have the same words, and goes only then."""
        until(lambda: self.has_focus()[0] == "h1" and words in self.has_focus()[2])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kbs(tmp_path_factory.mktemp("keyboard"))


@pytest.fixture(scope="module")
def typist(folder: Path) -> Iterator[Typist]:
    policy = Paced(in_order(FLOW))
    with chromium() as driver, live(small_app(folder, policy, method="r1_router?look=false", keep_hours=1)) as port:
        person = Typist(driver, f"http://127.0.0.1:{port}/")
        person.starts_afresh()
        yield person
        driver.get("about:blank")


def test_a_question_is_asked_and_its_parts_are_opened_by_keys(typist: Typist) -> None:
    typist.goes_to()
    typist.presses("/")
    typist.waits_for_focus("question")
    typist.presses(QUESTION, Keys.ENTER)
    typist.sees(".answer-text", "Gaborone")
    typist.goes_on_to("Thought")
    typist.presses(Keys.ENTER)
    typist.sees(".thought p")
    typist.goes_on_to("Wrong")
    typist.presses(Keys.ENTER)
    typist.sees("#correct")
    typist.goes_on_to("correct")
    typist.presses("Gaborone in Botswana", Keys.ENTER)
    typist.sees(".keep", "Thank you")
    until(lambda: typist.has_focus()[0] != "body")


def test_the_options_open_close_and_are_set_by_keys(typist: Typist) -> None:
    typist.goes_to()
    typist.presses("/")
    typist.waits_for_focus("question")
    typist.goes_on_to("Options")
    typist.presses(Keys.ENTER)
    typist.sees("#options select")
    assert typist.has_focus()[2] == "Options"
    typist.presses(Keys.ENTER)
    typist.misses("#options select")


def test_the_views_are_walked_by_keys_and_each_begins_at_its_heading(typist: Typist) -> None:
    typist.goes_to()
    typist.presses("/")
    typist.waits_for_focus("question")
    typist.goes_on_to("Knowledge bases", back=True)
    typist.presses(Keys.ENTER)
    typist.sees("h1", "Knowledge bases")
    typist.goes_on_to("table")
    typist.presses(Keys.ENTER)
    typist.waits_for_heading("table")
    typist.goes_on_to("search")
    typist.presses("capital", Keys.ENTER)
    typist.sees(".results .piece")
    typist.goes_on_to("countries.csv")
    typist.presses(Keys.ENTER)
    typist.sees(".source-piece table")
    typist.waits_for_heading("countries.csv")
    typist.goes_on_to("table", back=True)
    typist.presses(Keys.ENTER)
    typist.sees("h1", "table")
    typist.waits_for_heading("table")


@pytest.mark.parametrize("button", ["Rename or describe", "Delete"])
def test_escape_leaves_a_dialog_and_the_focus_goes_back_to_its_button(typist: Typist, button: str) -> None:
    typist.goes_to("#/kbs/text")
    typist.sees(".kb-actions")
    typist.goes_on_to(button)
    typist.presses(Keys.ENTER)
    typist.sees("dialog[open]")
    for _ in range(8):  # Tab goes round inside
        typist.presses(Keys.TAB)
        assert typist.runs("const a = document.activeElement; return a === document.body || !!a.closest('dialog')")
    typist.presses(Keys.ESCAPE)
    typist.misses("dialog[open][aria-labelledby=kb-dialog-title]")
    until(lambda: typist.has_focus()[2] == button)


def test_a_knowledge_base_is_made_renamed_and_deleted_by_keys(typist: Typist) -> None:
    typist.goes_to("#/kbs")
    typist.sees(".kb-card")
    typist.goes_on_to("New knowledge base")
    typist.presses(Keys.ENTER)
    typist.sees("dialog[open] #kb-name")
    typist.waits_for_focus("kb-name")
    typist.presses("typed", Keys.ENTER)
    typist.sees("h1", "typed")
    typist.misses("dialog[open][aria-labelledby=kb-dialog-title]")
    typist.waits_for_heading("typed")
    typist.goes_on_to("Delete")
    typist.presses(Keys.ENTER)
    typist.sees("dialog[open]", "Delete typed?")
    typist.goes_on_to("Delete")
    typist.presses(Keys.ENTER)
    typist.misses("dialog[open][aria-labelledby=kb-dialog-title]")
    typist.sees("h1", "Knowledge bases")
    typist.waits_for_heading("Knowledge bases")


def test_a_source_is_kept_after_a_second_thought_and_then_removed_by_keys(typist: Typist) -> None:
    typist.goes_to("#/kbs/text")
    typist.sees(".source-list a", "hostile.md")
    typist.goes_on_to("Remove docs/text/hostile.md")
    typist.presses(Keys.ENTER)
    typist.waits_for_focus("Keep")
    typist.presses(Keys.ENTER)
    typist.waits_for_focus("Remove docs/text/hostile.md")
    typist.presses(Keys.ENTER)
    typist.waits_for_focus("Keep")
    typist.goes_on_to("Remove", back=True)
    typist.presses(Keys.ENTER)
    typist.misses(".sure, [aria-label='Remove docs/text/hostile.md']")
    typist.waits_for_focus("Sources")


def test_a_question_is_forgotten_by_keys(typist: Typist) -> None:
    typist.goes_to()
    typist.sees("aside .history-item", QUESTION[:20])
    typist.goes_on_to("Forget", back=True)
    typist.presses(Keys.ENTER)
    typist.misses("aside .history-item")
    typist.waits_for_focus("History")

"""The one noun that says how questions are answered, through Python and the command line."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import fields, replace

import pytest

import r1router as rr
from r1router.api import Options, Parts, Setup, open_setup
from r1router.cli import options
from r1router.drive import many, one
from r1router.errors import UnknownName
from r1router.types import Card, Evidence


def bases():
    card = Card("text", "text", "Cities")
    return {"text": rr.MemoryKnowledgeBase(card, [Evidence("text", "oslo", "Oslo is the capital of Norway.")])}


def test_the_options_of_ask_are_the_fields_of_a_setup():
    assert Options.__annotations__.keys() == {field.name for field in fields(Setup)}
    for field in fields(Setup):
        assert Options.__annotations__[field.name].__forward_arg__ == field.type


def test_the_parts_of_a_setup_are_what_the_drivers_take():
    for driver in (one.stream, many.answer_many):
        assert Parts.__annotations__.keys() <= inspect.signature(driver).parameters.keys()


def test_options_are_taken_instead_of_those_of_the_setup():
    setup = Setup(kbs=bases(), policy=rr.Scripted(["<answer>Oslo</answer>"] * 2), method="vanilla_rag")
    assert rr.ask("Capital of Norway?", setup).method == "vanilla_rag"
    assert rr.ask("Capital of Norway?", setup, method="direct").method == "direct"
    assert setup.method == "vanilla_rag"


def test_a_budget_and_k_of_a_setup_reach_the_method():
    setup = Setup(kbs=bases(), policy=rr.Scripted(["<answer>Oslo</answer>"] * 2), method="vanilla_rag")
    assert len(rr.ask("Capital of Norway?", replace(setup, k=1)).steps[0].evidence) == 1
    assert rr.ask("Capital of Norway?", setup, budget=rr.Budget(retrievals=0)).stop == "retrievals"


class Closing(rr.Scripted):
    """Says whether it has been closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


_OPENED = """
import r1router as rr
policy = rr.Scripted([])
policy.closed = False
async def close():
    policy.closed = True
policy.close = close
def open_it():
    return policy
"""


def test_a_policy_opened_for_one_call_is_closed_also_when_the_rest_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "closing.py").write_text(_OPENED)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownName), open_setup(Setup(kbs={}, policy="mine.closing:open_it", method="none-such")):
        pass
    assert importlib.import_module("mine.closing").policy.closed


def test_a_policy_that_was_given_open_stays_open():
    policy = Closing([])
    with open_setup(Setup(kbs={}, policy=policy)) as parts:
        assert parts["policy"] is policy
    assert not policy.closed


def test_a_command_has_the_options_of_a_setup_in_its_place_and_gets_one():
    @options.takes(setup=options.make_setup)
    def command(question: str, *, setup: Setup, loud: bool = False) -> tuple[str, Setup, bool]:
        return question, setup, loud

    names = ["question", "kbs", "policy", "method", "prompts", "max_steps", "k", "reranker", "where", "loud"]
    assert list(inspect.signature(command).parameters) == names
    question, setup, loud = command(question="Who?", k=2, loud=True)  # type: ignore[call-arg]
    assert (question, setup.k, setup.method, loud) == ("Who?", 2, "r1_router", True)

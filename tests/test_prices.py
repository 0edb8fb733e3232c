"""Prices of models from a table: what a policy has, what a question then costs, what is said of a bad table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from r1router.cli import app
from r1router.cli.options import make_budget
from r1router.drive.prices import PriceList, Prices, read_prices
from r1router.errors import InputError

TABLE = "model,in,out\ngpt-4o-mini,0.15,0.60\nqwen3:4b-instruct,0,0\nscripted:replies.jsonl,10,100\n"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    (tmp_path / "prices.csv").write_text(TABLE)
    return tmp_path / "prices.csv"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        ("openai:gpt-4o-mini", Prices(0.15, 0.6)),
        ("openai:gpt-4o-mini@https://host/v1?timeout=9", Prices(0.15, 0.6)),
        ("openai:gpt-4o-mini@https://host/v1 (temperature 0.7, sample 1)", Prices(0.15, 0.6)),
        ("openai:qwen3:4b-instruct@http://localhost:11434/v1", Prices(0.0, 0.0)),
        ("scripted:replies.jsonl", Prices(10.0, 100.0)),
        ("scripted:folder/replies.jsonl", None),
        ("openai:gpt-4o", None),
        ("llamacpp:", None),
    ],
)
def test_a_policy_has_the_price_of_its_model_whatever_its_address_and_options(
    prices: Path, policy: str, found: Prices | None
) -> None:
    assert PriceList(models=read_prices(prices)).find(policy) == found


def test_two_prices_on_the_command_line_come_before_the_table(prices: Path) -> None:
    assert PriceList(Prices(1.0, 2.0), read_prices(prices)).find("openai:gpt-4o-mini") == Prices(1.0, 2.0)


def test_a_table_may_come_from_a_spreadsheet_with_decimal_commas_and_more_columns(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes("\ufeffout;in;model;seen\r\n0,60;0,15;gpt-4o-mini;May\r\n".encode())
    assert read_prices(path) == {"gpt-4o-mini": Prices(0.15, 0.6)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "prices.csv:1: .* there is no model and no in and no out"),
        ("model,in\nx,1\n", "prices.csv:1: .* there is no out"),
        ("model,in,out\nx,1,much\n", "prices.csv:2: 'out' is money .* got 'much'"),
        ("model,in,out\nx,-1,1\n", "prices.csv:2: 'in' is money .* got '-1'"),
        ("model,in,out\nx,1,nan\n", "prices.csv:2: 'out' is money"),
        ("model,in,out\nx,1\n", "prices.csv:2: 'out' is money .* got ''"),
        ("model,in,out\n,1,1\n", "prices.csv:2: the model has no name"),
        ("model,in,out\nx,1,1\nx,2,2\n", "prices.csv:3: 'x' has a price already"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "prices.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_prices(tmp_path / "prices.csv")


def test_a_missing_table_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_prices(tmp_path / "none.csv")


def test_ask_tells_what_a_question_cost_and_keeps_to_a_budget_of_money(
    prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replies.jsonl").write_text('{"reply": "<answer>Oslo</answer>"}\n' * 2)
    (tmp_path / "oslo.txt").write_text("Oslo is the capital of Norway.")
    assert call("index", "oslo.txt").exit_code == 0
    asked = ("ask", "Capital?", "--method", "direct", "--policy", "scripted:replies.jsonl")
    priced = call(*asked, "--prices", "prices.csv", "--max-cost", "1")
    assert priced.exit_code == 0, priced.output
    assert re.search(r"cost\s+0\.0*[1-9]", priced.stdout)
    assert "cost" not in call(*asked).stdout
    refused = CliRunner().invoke(app, [*asked, "--max-cost", "1"])
    assert isinstance(refused.exception, InputError)
    assert "or a table of models with --prices" in str(refused.exception)


def test_a_model_that_the_table_does_not_name_is_told(prices: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert make_budget("openai:gpt-4o-mini", prices=prices).prices == Prices(0.15, 0.6)
    assert not caplog.messages
    assert make_budget("openai:gpt-9@https://host/v1?timeout=9", prices=prices).prices is None
    assert caplog.messages == [f"{prices} has no price for openai:gpt-9@https://host/v1, so its cost is not told"]

"""A policy says in a line what a knowledge base holds, and nobody's own words are lost by it."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import r1router as rr
from r1router.cli import app
from r1router.errors import PolicyError
from r1router.filters.parse import parse
from r1router.ingest.describe import describe_kbs
from r1router.kb import find_store, open_kb
from r1router.kb.copy import copy_kb
from r1router.kb.naming import change_kb
from r1router.kb.stores import open_catalog

LINE = "Timetables of the ferries of Tarn, by harbour."


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "old").mkdir(parents=True)
    (folder / "north.md").write_text("# North\nThe ferry to Tarn leaves at nine.\n")
    (folder / "old" / "south.md").write_text("# South\nThe ferry to Oban leaves at ten.\n")
    (folder / "boats.csv").write_text("boat,seats\nTern,40\nGull,12\n")
    return folder


def describe(kbs: Path, policy: rr.Scripted, *changed: str) -> dict[str, str]:
    return asyncio.run(describe_kbs(kbs, policy, changed=changed))


def test_the_policy_sees_what_is_there_and_its_line_is_on_the_card(docs: Path, tmp_path: Path) -> None:
    rr.index([docs], kbs=tmp_path / "kbs")
    policy = rr.Scripted(lambda ask: f"<answer>{LINE}</answer>")
    assert describe(tmp_path / "kbs", policy) == {"table": LINE, "text": LINE}
    asked = {ask.messages[-1].content for ask in policy.asks}
    assert any("boat | seats" in text and "1 table: boats (boat, seats)" in text for text in asked)
    assert any("The ferry to Oban leaves at ten." in text and "2 passages: North, South" in text for text in asked)
    assert open_kb(tmp_path / "kbs" / "text").card.holds == LINE


def test_only_what_changed_is_described_again_and_never_what_a_person_described(docs: Path, tmp_path: Path) -> None:
    kbs = tmp_path / "kbs"
    rr.index([docs], kbs=kbs)
    change_kb(kbs, "table", holds="Our boats")
    assert describe(kbs, rr.Scripted([f"<answer>{LINE}</answer>"])) == {"text": LINE}
    assert describe(kbs, rr.Scripted([])) == {}
    (docs / "west.md").write_text("# West\nThe ferry to Mull leaves at noon.\n")
    rr.index([docs], kbs=kbs)
    assert open_kb(kbs / "text").card.holds == LINE  # a run without a policy keeps it
    assert describe(kbs, rr.Scripted(["<answer>Ferries</answer>"]), "text", "table") == {"text": "Ferries"}
    assert open_kb(kbs / "table").card.holds == "Our boats"


def test_a_part_does_not_show_the_line_of_the_whole(docs: Path, tmp_path: Path) -> None:
    rr.index([docs], kbs=tmp_path / "kbs")
    describe(tmp_path / "kbs", rr.Scripted(lambda ask: f"<answer>{LINE}</answer>"))
    part = open_kb(tmp_path / "kbs" / "text").narrow(parse('folder = "old"'))
    assert part.card.holds == "1 passage: South"


def test_a_copy_keeps_the_line_and_who_wrote_it(docs: Path, tmp_path: Path) -> None:
    rr.index([docs], kbs=tmp_path / "kbs")
    describe(tmp_path / "kbs", rr.Scripted(lambda ask: f"<answer>{LINE}</answer>"))
    target = open_catalog(tmp_path / "copy").get_store("text")
    copy_kb(find_store(tmp_path / "kbs", "text"), target)
    manifest = target.read_manifest()
    assert (manifest.holds, manifest.holds_given, manifest.holds_by) == (LINE, False, "scripted:")


def test_a_reply_in_another_form_is_asked_for_once_more_and_then_an_error(docs: Path, tmp_path: Path) -> None:
    (docs / "boats.csv").unlink()
    rr.index([docs], kbs=tmp_path / "kbs")
    assert describe(tmp_path / "kbs", rr.Scripted(["<answer></answer>", f"<answer>{LINE}</answer>"])) == {"text": LINE}
    with pytest.raises(PolicyError, match="did not say what the knowledge base holds"):
        describe(tmp_path / "kbs", rr.Scripted(["<answer></answer>"] * 2), "text")
    assert open_kb(tmp_path / "kbs" / "text").card.holds == LINE


def test_the_command_line_describes_and_refuses_weights_that_only_route(docs: Path, tmp_path: Path) -> None:
    replies = tmp_path / "replies.jsonl"
    replies.write_text(json.dumps(f"<answer>{LINE}</answer>") + "\n" + json.dumps("<answer>Ferries</answer>") + "\n")
    kbs = str(tmp_path / "kbs")
    done = CliRunner().invoke(app, ["index", str(docs), "--kbs", kbs, "--describe", f"scripted:{replies}"])
    assert done.exit_code == 0, done.output
    assert f"table: {LINE}" in done.stdout
    assert "text: Ferries" in done.stdout
    refused = CliRunner().invoke(app, ["index", str(docs), "--kbs", kbs, "--describe", "llamacpp:"])
    assert refused.exit_code != 0
    assert "was trained for other prompts" in str(refused.exception or refused.output)

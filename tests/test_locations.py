"""What works on knowledge bases works on them wherever they are kept: evaluation, training, MCP, serving, copying."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from mcp import Client
from typer.testing import CliRunner

import r1router as rr
from r1router.api import Setup
from r1router.cli import app
from r1router.evals.run import read_run
from r1router.ingest.run import index
from r1router.kb import find_store, open_kbs
from r1router.kb.copy import copy_kb
from r1router.kb.stores import open_catalog
from r1router.policies.scripted import Scripted
from r1router.prompts import Prompts
from r1router.serve.app import create_app
from r1router.serve.mcp.server import create_server
from r1router.train.sampled.run import run
from r1router.train.sampled.settings import SampleSettings
from r1router.train.steps.step_file import write_steps
from r1router.types import Query
from test_rollout import SHORT, right, steps

ROWS = {"p1": "Oslo is the capital of Norway.", "p2": "Bergen is rainy."}
TABLE = "Country,People\nNorway,5.5 million\nPeru,34 million\n"


@pytest.fixture(params=["s3", "postgres", "milvus"], scope="module")
def kbs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A place with "text" and "table", of the embedder that comes along."""
    place = make_place(request.getfixturevalue(request.param))
    docs = tmp_path_factory.mktemp("docs")
    (docs / "facts.jsonl").write_text("\n".join(json.dumps({"id": id, "text": text}) for id, text in ROWS.items()))
    (docs / "people.csv").write_text(TABLE)
    index([docs], place)
    return place


def make_place(location: str) -> str:
    name = f"l{uuid.uuid4().hex}"
    return location + {"s3": "", "milvus": "?prefix=", "postgresql": "&schema="}[location.partition(":")[0]] + name


def test_questions_are_evaluated_there(kbs: str, tmp_path: Path) -> None:
    asked = {"id": "q", "question": "Which country has Oslo?", "answers": ["Norway"]}
    (tmp_path / "questions.jsonl").write_text(json.dumps(asked))
    replies = [
        "<think>a</think><sub-question>Which country has Oslo?</sub-question><ret>text</ret>",
        "<think>b</think><answer>Norway</answer>",
        "<think>c</think><sub-question>None</sub-question><ret>None</ret>",
        "<think>d</think><answer>Norway</answer>",
    ]
    (tmp_path / "script.jsonl").write_text("\n".join(map(json.dumps, replies)))
    line = [
        "eval",
        str(tmp_path / "questions.jsonl"),
        "--kbs",
        kbs,
        "--policy",
        f"scripted:{tmp_path / 'script.jsonl'}",
    ]
    line += ["--method", "r1_router?look=false", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(app, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    _, [row] = read_run(tmp_path / "run")
    [step] = row.trajectory.steps
    assert row.trajectory.answer.text == "Norway"
    assert ROWS["p1"] in {found.text for found in step.evidence}


def test_a_policy_is_trained_on_what_it_finds_there(kbs: str, tmp_path: Path) -> None:
    write_steps(steps(), tmp_path / "steps.jsonl")
    settings = SampleSettings(samples=2, vary_cards=False, greedy=False, rewards=(("answer", 1.0),), best=1.0, kbs=kbs)
    groups, _, _ = run(
        [tmp_path / "steps.jsonl"], tmp_path / "out", settings, policy=rr.Scripted(right), prompts=Prompts(SHORT)
    )
    assert groups[0].step.kind == "plan"
    found = [found.text for group in groups for found in group.step.evidence]
    assert any("Norway" in text for text in found)


def test_a_client_of_the_protocol_for_models_searches_there(kbs: str) -> None:
    async def search() -> list[str]:
        async with Client(create_server(Setup(kbs=kbs, policy=Scripted([])))) as client:
            found = await client.call_tool("search", {"kb": "text", "query": "capital of Norway", "k": 1})
            return [result["text"] for result in found.structured_content["results"]]

    assert asyncio.run(search()) == [ROWS["p1"]]


def test_it_is_served_from_there(kbs: str) -> None:
    with TestClient(create_app(Setup(kbs=kbs, policy=Scripted([]))), base_url="http://localhost") as client:
        listed = client.get("/v1/kbs").json()["kbs"]
        assert {kb["name"] for kb in listed} == {"table", "text"}
        found = client.post("/v1/kbs/text/search", json={"text": "capital of Norway", "k": 1}).json()
        assert ROWS["p1"] in json.dumps(found)


@pytest.mark.parametrize("target", ["folder", "s3", "postgres", "milvus"])
def test_a_copy_goes_from_each_place_to_each_and_goes_on_after_a_kill(
    kbs: str, target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place = str(tmp_path / "kbs") if target == "folder" else make_place(request.getfixturevalue(target))
    source, made = find_store(kbs, "text"), open_catalog(place).get_store("text")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_kb(source, made, tell=stop)
    assert copy_kb(source, made) == 0  # the batch was written
    assert made.check(repair=False) == []
    assert copy_kb(find_store(kbs, "table"), open_catalog(place).get_store("table")) > 0
    here, there = open_kbs(kbs), open_kbs(place)
    for name, words in (("text", "capital of Norway"), ("table", "Norway")):
        [[ours]], [[theirs]] = (bases[name].search([Query(words)], k=1) for bases in (here, there))
        assert (ours.id, ours.text, ours.similarity) == (
            theirs.id,
            theirs.text,
            pytest.approx(theirs.similarity, abs=1e-5),
        )

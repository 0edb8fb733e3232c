"""Tables over HTTP and for MCP clients: as data, with their columns, and queried whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from r1router.api import Setup
from r1router.ingest.run import index
from r1router.policies.scripted import Scripted
from r1router.serve.mcp.server import create_server
from r1router.serve.work.pictures import link_pictures
from r1router.types import Answered, Computed, Evidence, Planned, Retrieved, Step
from serving import call, live, small_app, talk
from small_embedders import HashedWords

OLDEST = 'SELECT "Plant" FROM t ORDER BY "Opened" LIMIT 1'


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    (folder / "docs").mkdir()
    (folder / "docs" / "plants.csv").write_text("Plant,Opened\nAlta | north,4 July 1987\nAura,3 May 1953\n")
    index([folder / "docs"], folder / "kbs", embedder=HashedWords())
    return folder / "kbs"


@pytest.fixture(scope="module")
def port(kbs: Path):
    with live(small_app(kbs)) as found:
        yield found


def test_a_hit_in_a_table_comes_with_its_cells(port: int) -> None:
    [hit] = call(port, "GET", "/v1/kbs/table/search?q=Alta&k=1").json["results"]
    assert hit["table"]["header"] == ["Plant", "Opened"]
    assert hit["table"]["rows"][0] == ["Alta | north", "4 July 1987"]


def test_tables_are_listed_with_columns_types_and_rows(port: int) -> None:
    listed = call(port, "GET", "/v1/kbs/table/tables").json
    assert listed["total"] == 1
    [table] = listed["tables"]
    assert (table["title"], table["rows"], table["source"]) == ("plants", 2, "docs/plants.csv")
    assert [(column["name"], column["kind"]) for column in table["columns"]] == [("Plant", "text"), ("Opened", "date")]
    assert call(port, "GET", "/v1/kbs/table/tables?offset=1").json == {"tables": [], "total": 1}


def test_a_query_gives_its_result_and_the_rows_that_it_rests_on(port: int) -> None:
    found = call(port, "POST", "/v1/kbs/table/query", {"sql": OLDEST, "table": "plants"}).json
    assert (found["columns"], found["rows"], found["source_rows"]) == (["Plant"], [["Aura"]], [2])


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"sql": "SELECT * FROM read_csv('/etc/passwd')"}, "no functions"),
        ({"sql": "SELECT 1", "table": "plnts"}, "did you mean 'plants'"),
        ({"sql": "SELECT 1; DROP VIEW t"}, "one SELECT"),
    ],
)
def test_what_is_not_allowed_is_refused_with_the_reason(port: int, asked: dict[str, str], reason: str) -> None:
    refused = call(port, "POST", "/v1/kbs/table/query", asked)
    assert refused.status == 400
    assert reason in refused.json["error"]["message"]


def test_an_mcp_client_queries_a_table_and_reads_its_cells(kbs: Path) -> None:
    async def job() -> None:
        made = create_server(Setup(kbs=kbs, policy=Scripted(talk)), text_embedder=HashedWords())
        async with Client(made) as client:
            asked = await client.call_tool("query", {"kb": "table", "sql": OLDEST})
            assert asked.structured_content["rows"] == [["Aura"]]
            assert asked.content[0].text == "Plant\nAura\n(rows 2 of the table)"
            wrong = await client.call_tool("query", {"kb": "table", "sql": "DROP TABLE t"})
            assert wrong.is_error
            assert "one SELECT" in wrong.content[0].text
            found = await client.call_tool("search", {"kb": "table", "query": "Alta", "k": 1})
            [source] = found.structured_content["results"]
            assert source["table"]["rows"][0] == ["Alta | north", "4 July 1987"]
            text, cells = (await client.read_resource(source["uri"])).contents
            assert cells.mime_type == "application/json"
            assert text.text == source["text"]

    asyncio.run(job())


@pytest.mark.parametrize("event", [Planned, Retrieved, Computed, Answered])
def test_every_event_of_a_step_names_pictures_by_the_address_that_serves_them(event: Any) -> None:
    step = Step(evidence=(Evidence("photos", "1", "A heron", image="ab.png"),))
    [shown] = link_pictures(event(0, step)).step.evidence
    assert shown.image == "/v1/kbs/photos/pictures/ab.png"

"""Sources over HTTP: what they say, entry by entry, and the files themselves."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from r1router.ingest.run import index
from r1router.serve.routes.chat_messages import write_url
from r1router.table import TableResult
from r1router.tables.results import make_evidence
from r1router.types import Evidence, Location
from serving import call, live, small_app
from small_embedders import HashedWords

SOURCE = "docs/rivers of Europe.md"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources") / "docs"
    folder.mkdir()
    parts = "\n\n".join(f"## Part {n}\n\nThe river number {n} flows north." for n in range(60))
    (folder / "rivers of Europe.md").write_text(f"# Rivers\n\nRivers flow.\n\n{parts}\n")
    (folder / "lakes.txt").write_text("Lakes lie still.\n")
    (folder / "depths.csv").write_text("Lake,Depth\n" + "".join(f"Lake number {n},{n * 7}\n" for n in range(1, 301)))
    index([folder], folder.parent / "kbs", embedder=HashedWords())
    return folder


@pytest.fixture(scope="module")
def port(docs: Path):
    with live(small_app(docs.parent / "kbs")) as found:
        yield found


def test_a_source_is_read_from_its_beginning_to_its_end(port: int) -> None:
    asked = f"/v1/kbs/text/entries?source={quote(SOURCE)}&limit=50"
    first, rest = call(port, "GET", asked).json, call(port, "GET", f"{asked}&offset=50").json
    assert (first["total"], first["offset"], len(first["entries"])) == (61, 0, 50)
    assert [e["location"]["section"] for e in (first["entries"] + rest["entries"])[1:]] == [
        f"Part {n}" for n in range(60)
    ]


def test_a_cited_entry_is_found_on_its_own_page_of_the_source(port: int) -> None:
    id = f"{SOURCE}:Part 57#0"
    found = call(port, "GET", f"/v1/kbs/text/entries?source={quote(SOURCE)}&at={quote(id)}&limit=20").json
    assert found["offset"] == 40
    assert id in [entry["id"] for entry in found["entries"]]


def test_the_entry_of_a_table_that_has_a_row_is_found_from_any_entry_of_the_table(port: int) -> None:
    path = "/v1/kbs/table/entries?source=docs/depths.csv&limit=2"
    first = call(port, "GET", path).json["entries"][0]
    found = call(port, "GET", f"{path}&at={quote(first['id'])}&row=250").json
    [cited] = [entry for entry in found["entries"] if entry["id"] == found["at"]]
    low, high = cited["location"]["rows"]
    assert low <= 250 <= high
    assert call(port, "GET", f"{path}&at={quote(first['id'])}&row=9999").json["at"] == first["id"]
    assert call(port, "GET", path).json["at"] == ""


def test_the_address_of_what_a_query_gave_is_that_of_its_table_and_rows() -> None:
    result = TableResult('SELECT "Depth" FROM t', ("Depth",), (("14",),), source_rows=(2, 7), resting_on=2)
    table = Evidence("table", "docs/depths.csv#0", "", title="depths", location=Location("docs/depths.csv"))
    assert write_url(make_evidence(table, result), "docs/depths.csv", "http://here/") == (
        "http://here/#/kbs/table/docs%2Fdepths.csv/docs%2Fdepths.csv%230/2%2C7"
    )


def test_a_source_that_is_not_there_is_said_to_be_none(port: int) -> None:
    for path in ("/v1/kbs/text/entries?source=docs/none.md", "/v1/kbs/text/files/docs/none.md"):
        assert call(port, "GET", path).status == 404


def test_the_file_of_a_source_is_saved_and_never_run_by_the_browser(port: int, docs: Path) -> None:
    got = call(port, "GET", "/v1/kbs/text/files/docs/rivers%20of%20Europe.md")
    assert got.body == (docs / "rivers of Europe.md").read_bytes()
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["content-security-policy"] == "sandbox"


def test_no_other_file_of_the_machine_is_given_out(port: int) -> None:
    for path in ("docs/../../secret", "..%2F..%2Fetc%2Fpasswd", "/etc/passwd", "docs"):
        assert call(port, "GET", f"/v1/kbs/text/files/{path}").status in (400, 404)


def test_a_file_that_is_gone_is_said_to_be_gone(port: int, docs: Path) -> None:
    (docs / "lakes.txt").unlink()
    refused = call(port, "GET", "/v1/kbs/text/files/docs/lakes.txt")
    assert refused.status == 404
    assert "not to be had here" in refused.json["error"]["message"]

"""Knowledge bases that are made, described, renamed and removed over HTTP, by who may, in words where they may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from r1router.kb import manifest as manifests
from r1router.kb.stores.folder.writer import hold_lock
from r1router.serve.work.askers import Keys
from serving import Got, call, job_done, live, make_kbs, small_app
from test_access import bearer, write_keys


@pytest.fixture
def kbs(tmp_path: Path) -> Path:
    return make_kbs(tmp_path)


@pytest.fixture
def port(kbs: Path) -> Iterator[int]:
    with live(small_app(kbs)) as found:
        yield found


def names(port: int, headers: dict[str, str] | None = None) -> list[str]:
    return [kb["name"] for kb in call(port, "GET", "/v1/kbs", headers=headers).json["kbs"]]


def said(got: Got, status: int) -> str:
    assert got.status == status, got.body
    return str(got.json["error"]["message"])


def test_an_empty_one_is_made_filled_and_asked(port: int) -> None:
    made = call(port, "POST", "/v1/kbs", {"name": "rivers", "kind": "table", "holds": "All  about\nrivers"})
    assert (made.status, made.json["holds"], made.json["entries"]) == (201, "All about rivers", 0)
    assert call(port, "GET", "/v1/kbs/rivers/search?q=Danube").json["results"] == []
    assert call(port, "GET", "/v1/kbs/rivers/sources").json["total"] == 0
    assert call(port, "POST", "/v1/ask", {"question": "Capital of Norway?", "stream": False}).status == 200
    file = ("file", "rivers.csv", b"River,Length\nDanube,2850\nShannon,360\n")
    sent = call(port, "POST", "/v1/kbs/files", files=[file], fields={"name": "rivers"})
    assert job_done(port, sent.json["job"])["state"] == "done"
    [found] = call(port, "GET", "/v1/kbs/rivers/search?q=Danube").json["results"]
    assert found["table"]["rows"][0] == ["Danube", "2850"]
    assert call(port, "GET", "/v1/kbs").json["kbs"][0]["holds"] == "All about rivers"


def test_one_without_a_line_is_described_by_what_comes_into_it(port: int) -> None:
    assert call(port, "POST", "/v1/kbs", {"name": "rivers"}).json["holds"] == "0 passages"
    file = ("file", "danube.md", b"# Danube\nThe Danube is long.")
    sent = call(port, "POST", "/v1/kbs/files", files=[file], fields={"name": "rivers"})
    assert job_done(port, sent.json["job"])["state"] == "done"
    assert call(port, "GET", "/v1/kbs").json["kbs"][0]["holds"] == "1 passage: Danube"


def test_a_new_line_and_label_reach_the_next_question(port: int) -> None:
    changed = call(port, "PATCH", "/v1/kbs/text", {"holds": "Capitals of countries", "label": "Capital finder"})
    assert (changed.json["holds"], changed.json["label"]) == ("Capitals of countries", "Capital finder")
    started = call(port, "POST", "/v1/ask", {"question": "Capital of Norway?"}).events[0][1]
    assert started["kbs"][0]["holds"] == "Capitals of countries"
    assert call(port, "PATCH", "/v1/kbs/text", {"label": ""}).json["label"] == ""


def test_a_renamed_one_is_asked_under_its_new_name_alone(port: int, kbs: Path) -> None:
    assert call(port, "PATCH", "/v1/kbs/text", {"name": "countries"}).json["name"] == "countries"
    assert names(port) == ["countries"]
    assert call(port, "GET", "/v1/kbs/text/search?q=Oslo").status == 404
    assert call(port, "GET", "/v1/kbs/countries/search?q=Oslo&k=1").json["results"][0]["kb"] == "countries"
    assert manifests.read(kbs / "countries").name == "countries"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "none"}, "a policy writes it to choose none"),
        ({"name": "Text"}, "cannot be told from the knowledge base 'text'"),
        ({"name": "text"}, "is there already"),
        ({"name": "../x"}, "cannot name a knowledge base"),
        ({"name": "Uploads"}, "is where uploads are kept"),
        ({"name": "rivers", "label": "None"}, "a policy writes it to choose none"),
        ({"name": "rivers", "label": "text."}, "cannot be told from the knowledge base 'text'"),
        ({"name": "rivers", "label": "<ret>"}, "cannot be a label"),
        ({"name": "rivers", "label": "--"}, "cannot be a label"),
        ({"name": "rivers", "holds": "x" * 501}, "use 500 at most"),
        ({"name": "rivers", "kind": "sound"}, "kind"),
    ],
)
def test_a_name_or_label_that_means_none_or_another_one_is_refused_in_words(
    port: int, body: dict[str, Any], words: str
) -> None:
    assert words in said(call(port, "POST", "/v1/kbs", body), 400)
    assert names(port) == ["text"]


def test_a_change_that_cannot_be_is_refused_in_words_and_changes_nothing(port: int) -> None:
    assert call(port, "POST", "/v1/kbs", {"name": "rivers", "label": "Streams"}).status == 201
    for body, words in (
        ({"name": "text", "holds": "not this"}, "cannot be told from the knowledge base 'text'"),
        ({"name": "streams", "holds": "  "}, "the line is empty"),
        ({"label": "TEXT"}, "cannot be told from the knowledge base 'text'"),
    ):
        assert words in said(call(port, "PATCH", "/v1/kbs/rivers", body), 400)
    shown = next(kb for kb in call(port, "GET", "/v1/kbs").json["kbs"] if kb["name"] == "rivers")
    assert (shown["holds"], shown["label"]) == ("0 passages", "Streams")
    assert call(port, "PATCH", "/v1/kbs/none", {"holds": "x"}).status == 404


def test_a_removed_one_is_gone_with_its_uploads_and_other_files_stay(port: int, kbs: Path) -> None:
    sent = call(port, "POST", "/v1/kbs/files", files=[("file", "chile.txt", b"Santiago is the capital of Chile.")])
    assert job_done(port, sent.json["job"])["state"] == "done"
    assert call(port, "DELETE", "/v1/kbs/text").status == 204
    assert names(port) == []
    assert not (kbs / "uploads" / "chile.txt").exists()
    assert (kbs.parent / "docs" / "norway.md").exists()
    assert call(port, "DELETE", "/v1/kbs/text").status == 404


def test_one_that_is_being_written_to_is_left_alone(port: int, kbs: Path) -> None:
    with hold_lock(kbs / "text"):
        for method, body in (("PATCH", {"holds": "x"}), ("PATCH", {"name": "countries"}), ("DELETE", None)):
            assert "another process is writing" in said(call(port, method, "/v1/kbs/text", body), 409)
    assert names(port) == ["text"]


def test_nobody_changes_a_server_that_is_read_only(kbs: Path) -> None:
    with live(small_app(kbs, read_only=True)) as port:
        for method, path in (("POST", "/v1/kbs"), ("PATCH", "/v1/kbs/text"), ("DELETE", "/v1/kbs/text")):
            assert "not changed over HTTP" in said(call(port, method, path, {"name": "rivers"}), 403)
        assert call(port, "GET", "/v1/kbs").json["may_be_changed"] is False
        assert names(port) == ["text"]


def test_a_key_changes_only_what_is_its_own(kbs: Path, tmp_path: Path) -> None:
    with live(small_app(kbs, keys=Keys(write_keys(tmp_path / "keys.json")))) as port:
        made = {"name": "table", "kind": "table"}
        for method, path, body in (
            ("POST", "/v1/kbs", made),
            ("PATCH", "/v1/kbs/text", {"name": "countries"}),
            ("DELETE", "/v1/kbs/text", None),
        ):
            assert call(port, method, path, body, headers=bearer("press")).status == 403
        assert call(port, "GET", "/v1/kbs", headers=bearer("press")).json["may_be_changed"] is False
        assert call(port, "POST", "/v1/kbs", made, headers=bearer("tables")).status == 201
        assert call(port, "POST", "/v1/kbs", {"name": "rivers"}, headers=bearer("tables")).status == 403
        assert call(port, "PATCH", "/v1/kbs/table", {"name": "rivers"}, headers=bearer("tables")).status == 403
        assert call(port, "DELETE", "/v1/kbs/text", headers=bearer("tables")).status == 404
        assert call(port, "DELETE", "/v1/kbs/table", headers=bearer("tables")).status == 204
        assert call(port, "DELETE", "/v1/kbs/text", headers=bearer("boss")).status == 204
        assert names(port, bearer("boss")) == []

"""The server by its own API: questions as events, knowledge bases searched and changed, and what is around them."""

from __future__ import annotations

import asyncio
import base64
import http.client
import itertools
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fastapi
import pydantic
import pytest

from browsing import Paced
from r1router.api import Setup
from r1router.errors import PolicyError
from r1router.ingest.run import index
from r1router.kb.stores.folder.writer import hold_lock
from r1router.policies.scripted import Scripted
from r1router.serve.app import create_app
from r1router.serve.limits import Limits
from r1router.types import Ask, Reply
from serving import call, job_done, live, make_kbs, parse_events, small_app, talk, until
from small_embedders import HashedWords, Thumbnails, plain_picture

GOLDEN = Path(__file__).parent / "golden"
QUESTION = {"question": "What is the capital of Norway?"}


class Slow:
    """A policy that takes as long as it is let, and says whether it was called off."""

    spec = "slow:"

    def __init__(self) -> None:
        self.asked = self.called_off = self.closed = 0
        self.seconds = 60.0

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        self.asked += 1
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.called_off += 1
            raise
        return Reply(talk(ask))

    async def close(self) -> None:
        self.closed += 1


def data_url(colour: str = "red") -> str:
    return "data:image/png;base64," + base64.b64encode(plain_picture(colour).data).decode()


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text, and three pictures of one colour each."""
    folder = tmp_path_factory.mktemp("served")
    made = make_kbs(folder)
    pictures = folder / "flags"
    pictures.mkdir()
    for colour in ("red", "green", "blue"):
        (pictures / f"{colour}.png").write_bytes(plain_picture(colour).data)
        (pictures / f"{colour}.txt").write_text(f"A flag that is all {colour}.")
    index([pictures], made, embedder=HashedWords(), image_embedder=Thumbnails(), ocr=False)
    return made


@pytest.fixture(scope="module")
def port(kbs: Path) -> Iterator[int]:
    with live(small_app(kbs)) as port:
        yield port


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """(port, folder) of a server whose knowledge bases may be changed."""
    made = make_kbs(tmp_path)
    with live(small_app(made)) as port:
        yield port, made


# ── questions ──────────────────────────────────────────────────────────────────────────────────


def test_a_question_streams_its_steps_as_events(port: int) -> None:
    got = call(port, "POST", "/v1/ask", QUESTION)
    assert got.status == 200
    assert got.headers["content-type"].startswith("text/event-stream")
    names = [name for name, _ in got.events]
    assert names == ["started", "planned", "retrieved", "answered", "planned", "finished"]
    started, planned, retrieved, answered, last, finished = (data for _, data in got.events)
    assert started["request_id"] == got.headers["x-request-id"]
    assert started["method"] == "r1_router"
    assert {card["name"]: card["kind"] for card in started["kbs"]} == {"image": "image", "text": "text"}
    assert planned["step"]["routes"] == ["text"]
    assert retrieved["step"]["evidence"][0]["location"] == {"source": "docs/norway.md"}
    assert answered["index"] == 0
    assert answered["step"]["answer"] == "Oslo"
    assert "routes" not in last["step"]
    assert finished["trajectory"]["answer"]["text"] == "Oslo"
    assert finished["trajectory"]["stop"] == "enough"


def test_a_follow_up_comes_with_its_conversation_and_its_rewriting_is_an_event(port: int) -> None:
    turns = [{"role": "user", "text": "Tell me of Norway."}, {"role": "assistant", "text": "A country."}]
    got = call(port, "POST", "/v1/ask", {"question": "its capital?", "turns": turns})
    assert [name for name, _ in got.events][:3] == ["started", "rewritten", "planned"]
    said = got.events[1][1]["question"]
    assert (said["text"], said["typed"]) == ("What is the capital of Norway?", "its capital?")
    told = call(port, "POST", "/v1/ask", {"question": "its capital?", "turns": [{"role": "system", "text": "x"}]})
    assert told.status == 400


def test_without_a_stream_there_is_one_trajectory(port: int) -> None:
    got = call(port, "POST", "/v1/ask", {**QUESTION, "stream": False})
    assert got.headers["content-type"] == "application/json"
    assert got.json["answer"]["text"] == "Oslo"
    assert len(got.json["steps"]) == 1


def test_an_event_arrives_as_soon_as_it_happens(kbs: Path) -> None:
    policy = Slow()
    policy.seconds = 0.4
    with live(small_app(kbs, policy)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/v1/ask", json.dumps(QUESTION), {"Content-Type": "application/json"})
        response = connection.getresponse()
        began, arrived = time.monotonic(), {}
        while line := response.readline():
            if line.startswith(b"event: "):
                arrived.setdefault(line[7:].strip().decode(), time.monotonic() - began)
        connection.close()
    assert arrived["started"] < 0.3 < arrived["planned"] < arrived["answered"] < arrived["finished"]


def test_options_of_a_request_choose_method_knowledge_bases_and_budget(port: int) -> None:
    one = {**QUESTION, "stream": False}
    assert call(port, "POST", "/v1/ask", {**one, "method": "direct"}).json["method"] == "direct"
    rag = call(port, "POST", "/v1/ask", {**one, "method": "vanilla_rag", "kbs": ["text"], "k": 1}).json
    assert [(e["kb"]) for e in rag["steps"][0]["evidence"]] == ["text"]
    spent = call(port, "POST", "/v1/ask", {**one, "budget": {"retrievals": 0}}).json
    assert spent["stop"] == "retrievals"
    assert call(port, "POST", "/v1/ask", {**one, "max_steps": 1}).json["stop"] == "max_steps"


def test_a_question_with_a_picture_finds_its_like_and_shows_it_by_url(port: int, kbs: Path) -> None:
    asked = {"question": "Whose flag is it?", "image": data_url("blue"), "method": "vanilla_rag", "kbs": ["image"]}
    got = call(port, "POST", "/v1/ask", {**asked, "k": 1, "stream": False})
    assert "image" not in got.json["question"]
    best = got.json["steps"][0]["evidence"][0]
    assert best["text"].startswith("blue")
    assert best["image"].startswith("/v1/kbs/image/pictures/")
    assert str(kbs) not in got.body.decode()
    picture = call(port, "GET", best["image"])
    assert picture.headers["content-type"] == "image/png"
    assert picture.body == plain_picture("blue").data


def test_a_policy_that_fails_ends_the_stream_with_an_error_and_says_no_more_than_that(kbs: Path) -> None:
    def fail(ask: Ask) -> str:
        raise PolicyError("secret-model at http://10.0.0.1 said no")

    with live(small_app(kbs, Scripted(fail))) as port:
        got = call(port, "POST", "/v1/ask", QUESTION)
        name, data = got.events[-1]
        assert name == "error"
        assert data["error"]["type"] == "policy_failed"
        assert data["request_id"] == got.headers["x-request-id"]
        assert b"secret-model" not in got.body
        once = call(port, "POST", "/v1/ask", {**QUESTION, "stream": False})
        assert (once.status, once.error) == (502, "policy_failed")


def test_a_malformed_reply_is_an_event_and_is_asked_for_again(kbs: Path) -> None:
    replies = iter(["nonsense", talk])

    def reply(ask: Ask) -> str:
        said = next(replies, talk)
        return said if isinstance(said, str) else said(ask)

    with live(small_app(kbs, Scripted(reply))) as port:
        names = [name for name, _ in call(port, "POST", "/v1/ask", QUESTION).events]
    assert names[:3] == ["started", "malformed", "planned"]


def test_a_client_that_leaves_stops_the_work(kbs: Path) -> None:
    policy = Slow()
    with live(small_app(kbs, policy)) as port:
        for stream in (True, False):
            before = policy.called_off
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            body = json.dumps({**QUESTION, "stream": stream})
            connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
            until(lambda before=before: policy.asked > before)
            connection.close()
            until(lambda before=before: policy.called_off > before)
        until(lambda: "questions_in_flight 0.0" in call(port, "GET", "/metrics").body.decode())
        counted = call(port, "GET", "/metrics").body.decode()
        assert 'r1router_requests_total{method="POST",route="/v1/ask",status="499"} 2.0' in counted
    assert policy.closed == 1


def test_more_questions_than_there_is_room_for_are_told_when_to_come_back(kbs: Path) -> None:
    policy = Slow()
    with live(small_app(kbs, policy, limits=Limits(questions=1))) as port:
        first = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        first.request("POST", "/v1/ask", json.dumps(QUESTION), {"Content-Type": "application/json"})
        until(lambda: policy.asked)
        refused = call(port, "POST", "/v1/ask", QUESTION)
        assert (refused.status, refused.error) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 0
        assert call(port, "POST", "/v1/ask", b"{no JSON").status == 429  # it is not read
        counted = call(port, "GET", "/metrics").body.decode()
        assert 'r1router_requests_total{method="POST",route="/v1/ask",status="429"} 2.0' in counted
        first.close()
        until(lambda: policy.called_off)
        until(lambda: "questions_in_flight 0.0" in call(port, "GET", "/metrics").body.decode())
        policy.seconds = 0.0
        assert call(port, "POST", "/v1/ask", QUESTION).status == 200


def test_questions_that_come_at_once_are_searched_by_few_threads(kbs: Path) -> None:
    class Busy(HashedWords):
        def __init__(self) -> None:
            super().__init__()
            self.at_once = self.most = self.asked = 0
            self.lock = threading.Lock()

        def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Any:
            with self.lock:
                self.at_once, self.asked = self.at_once + 1, self.asked + len(texts)
                self.most = max(self.most, self.at_once)
            try:
                time.sleep(0.02)
                return super().embed_texts(texts, query=query)
            finally:
                with self.lock:
                    self.at_once -= 1

    busy = Busy()
    app = create_app(Setup(kbs=kbs, policy=Scripted(talk)), text_embedder=busy, image_embedder=Thumbnails())
    with live(app) as port, ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(call, port, "POST", "/v1/ask", {"question": f"Where is city {n}?"}) for n in range(12)]
        assert {one.result().status for one in asked} == {200}
    assert busy.asked >= 12
    assert busy.most <= 2  # one for each knowledge base, of texts and of pictures


def test_a_question_is_told_how_many_are_before_it_until_it_is_worked_on(kbs: Path) -> None:
    policy = Paced(talk)
    policy.hold()
    with live(small_app(kbs, policy)) as port, ThreadPoolExecutor(3) as pool:
        asked = []
        for number in range(3):
            asked.append(pool.submit(call, port, "POST", "/v1/ask", QUESTION))
            until(lambda number=number: policy.waiting == number + 1)
        policy.let(1000)
        told = [[data["before"] for name, data in one.result().events if name == "waiting"] for one in asked]
    assert told[0] == []
    assert (told[1][0], told[2][0]) == (1, 2)
    assert all(later < earlier for counts in told for earlier, later in itertools.pairwise(counts))


def test_a_question_that_goes_moves_those_behind_it_up(kbs: Path) -> None:
    policy = Paced(talk)
    policy.hold()
    with live(small_app(kbs, policy)) as port, ThreadPoolExecutor(1) as pool:
        first = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        first.request("POST", "/v1/ask", json.dumps(QUESTION), {"Content-Type": "application/json"})
        until(lambda: policy.waiting == 1)
        second = pool.submit(call, port, "POST", "/v1/ask", QUESTION)
        until(lambda: policy.waiting == 2)
        first.close()
        until(lambda: policy.waiting == 1)
        until(lambda: "questions_in_flight 1.0" in call(port, "GET", "/metrics").body.decode())
        policy.let(1000)
        assert [data["before"] for name, data in second.result().events if name == "waiting"] == [1, 0]


def test_a_question_has_its_time_and_no_more(kbs: Path) -> None:
    policy = Slow()
    with live(small_app(kbs, policy, limits=Limits(seconds=0.4))) as port:
        began = time.monotonic()
        name, data = call(port, "POST", "/v1/ask", QUESTION).events[-1]
        assert time.monotonic() - began < 3
        assert (name, data["error"]["type"]) == ("error", "timeout")
    assert policy.called_off


def test_a_silent_stretch_is_bridged_by_comments(kbs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1router.serve.work.questions.KEEP_ALIVE", 0.05)
    policy = Slow()
    policy.seconds = 0.3
    with live(small_app(kbs, policy)) as port:
        body = call(port, "POST", "/v1/ask", {**QUESTION, "method": "direct"}).body
    assert body.count(b": still at work") >= 3
    assert [name for name, _ in parse_events(body)] == ["started", "finished"]


# ── knowledge bases ────────────────────────────────────────────────────────────────────────────


def test_the_knowledge_bases_are_listed_with_what_they_hold(port: int) -> None:
    listed = {kb["name"]: kb for kb in call(port, "GET", "/v1/kbs").json["kbs"]}
    assert listed["text"]["entries"] == listed["text"]["sources"] == 2
    assert listed["text"]["holds"] == "2 passages: Norway, Peru"
    assert listed["image"]["embedder"] == "hashed-words: + thumbnails:"
    assert all(kb["bytes"] > 1000 for kb in listed.values())


def test_a_file_that_gave_a_knowledge_base_nothing_is_none_of_its_sources(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "norway.md").write_text("# Norway\nOslo is its capital.")
    (docs / "cities.csv").write_text("city,people\nOslo,717710\nBergen,291940\n")
    (docs / "dot.png").write_bytes(plain_picture("red").data)
    (docs / "captions.csv").write_text("file,caption\ndot.png,A dot\n")
    index([docs], tmp_path / "kbs", embedder=HashedWords(), image_embedder=Thumbnails(), ocr=False)
    with live(small_app(tmp_path / "kbs")) as port:
        listed = {kb["name"]: kb["sources"] for kb in call(port, "GET", "/v1/kbs").json["kbs"]}
        given = {kb: call(port, "GET", f"/v1/kbs/{kb}/sources").json["total"] for kb in listed}
    assert listed == given == {"image": 1, "table": 1, "text": 1}


def test_search_by_words_by_picture_and_by_both(port: int) -> None:
    found = call(port, "GET", "/v1/kbs/text/search?q=capital+of+Peru&k=1").json["results"]
    assert [e["title"] for e in found] == ["Peru"]
    asked = {"image": data_url("green"), "k": 1, "mode": "vector"}
    found = call(port, "POST", "/v1/kbs/image/search", asked).json["results"]
    assert found[0]["text"].startswith("green")
    assert found[0]["image"].startswith("/v1/kbs/image/pictures/")
    found = call(port, "POST", "/v1/kbs/text/search", {"text": "Pacific", "mode": "text"}).json["results"]
    assert [e["title"] for e in found] == ["Peru"]


def test_a_search_leaves_out_what_is_less_similar_than_it_is_told(port: int) -> None:
    found = call(port, "GET", "/v1/kbs/text/search?q=capital+of+Peru").json["results"]
    nearest, *others = sorted((e["similarity"] for e in found), reverse=True)
    asked = {"text": "capital of Peru", "at_least": (nearest + others[0]) / 2}
    assert [e["similarity"] for e in call(port, "POST", "/v1/kbs/text/search", asked).json["results"]] == [nearest]
    assert call(port, "GET", "/v1/kbs/text/search?q=capital&at_least=2").status == 400


def test_sources_are_listed_in_pages(port: int) -> None:
    page = call(port, "GET", "/v1/kbs/text/sources?offset=1&limit=1").json
    [peru] = page["sources"]
    assert (page["total"], peru["source"], peru["entries"], peru["complete"]) == (2, "docs/peru.md", 1, True)
    assert (peru["fields"]["folder"], peru["fields"]["type"]) == ("/docs/", "md")


def test_an_uploaded_file_is_found_without_a_restart_and_gone_when_it_is_deleted(fresh: tuple[int, Path]) -> None:
    port, kbs = fresh
    assert call(port, "POST", "/v1/ask", QUESTION).status == 200
    accepted = call(port, "POST", "/v1/kbs/files", files=[("file", "chile.txt", b"Santiago is the capital of Chile.")])
    assert accepted.status == 202
    done = job_done(port, accepted.json["job"])
    assert done["state"] == "done"
    assert done["report"]["kbs"]["text"] == {"added": 1, "changed": 0, "removed": 0, "kept": 0}
    assert done["progress"]["files"] == done["progress"]["of_files"] == 1
    assert call(port, "GET", f"/v1/jobs/{accepted.json['job']}").json == done

    found = call(port, "GET", "/v1/kbs/text/search?q=Santiago&k=1&mode=text").json["results"]
    assert [e["location"]["source"] for e in found] == ["uploads/chile.txt"]
    assert (kbs / "uploads" / "chile.txt").is_file()

    again = call(port, "POST", "/v1/kbs/files", files=[("file", "chile.txt", b"Valparaiso is a port of Chile.")])
    assert job_done(port, again.json["job"])["report"]["kbs"]["text"]["changed"] == 1

    removed = call(port, "DELETE", "/v1/kbs/text/sources/uploads%2Fchile.txt")
    assert removed.status == 202
    report = job_done(port, removed.json["job"])["report"]
    assert report == {"kb": "text", "source": "uploads/chile.txt", "entries": 1}
    assert not call(port, "GET", "/v1/kbs/text/search?q=Valparaiso&mode=text").json["results"]
    assert not (kbs / "uploads" / "chile.txt").exists()
    assert call(port, "DELETE", "/v1/kbs/text/sources/uploads%2Fchile.txt").status == 404


def test_every_file_of_an_upload_is_taken_also_where_one_field_has_several(fresh: tuple[int, Path]) -> None:
    port, kbs = fresh
    files = [
        (field, f"{name}.txt", f"{name} is a city.".encode())
        for field, name in [("file", "Oslo"), ("file", "Lima"), ("more", "Quito")]
    ]
    done = job_done(port, call(port, "POST", "/v1/kbs/files", files=files).json["job"])
    assert (done["state"], done["report"]["read"]) == ("done", 3)
    for _, name, _ in files:
        assert (kbs / "uploads" / name).is_file()
        words = name.removesuffix(".txt")
        found = call(port, "GET", f"/v1/kbs/text/search?q={words}&k=1&mode=text").json["results"]
        assert found[0]["location"]["source"] == f"uploads/{name}"


def test_an_upload_makes_a_new_knowledge_base_that_questions_can_be_routed_to(fresh: tuple[int, Path]) -> None:
    port, kbs = fresh
    fields = {"as": "table", "name": "figures"}
    files = [("file", "rivers.csv", b"river,km\nGlomma,621\nDrammenselva,301\n")]
    job = job_done(port, call(port, "POST", "/v1/kbs/files", files=files, fields=fields).json["job"])
    assert job["state"] == "done"
    assert [kb["name"] for kb in call(port, "GET", "/v1/kbs").json["kbs"]] == ["figures", "text"]
    started = call(port, "POST", "/v1/ask", QUESTION).events[0][1]
    assert [card["name"] for card in started["kbs"]] == ["figures", "text"]
    assert (kbs / "uploads" / "figures" / "rivers.csv").is_file()
    assert call(port, "GET", "/v1/kbs/figures/sources").json["sources"][0]["source"] == "uploads/figures/rivers.csv"
    uploaded_again = index([kbs / "uploads"], kbs, embedder=HashedWords())
    assert uploaded_again.read == 1  # by kind, now: into "table", under the same name
    assert call(port, "GET", "/v1/kbs/table/sources").json["sources"][0]["source"] == "uploads/figures/rivers.csv"


def test_the_first_knowledge_base_can_come_by_upload(tmp_path: Path) -> None:
    with live(small_app(tmp_path / "none-yet")) as port:
        assert call(port, "GET", "/v1/kbs").json["kbs"] == []
        job = call(port, "POST", "/v1/kbs/files", files=[("file", "a.txt", b"Oslo is in Norway.")]).json["job"]
        assert job_done(port, job)["state"] == "done"
        assert call(port, "GET", "/v1/kbs").json["kbs"][0]["entries"] == 1
        assert call(port, "GET", "/readyz").status == 200


def test_a_file_that_cannot_be_read_is_reported_by_its_own_name(fresh: tuple[int, Path]) -> None:
    port, kbs = fresh
    job = call(port, "POST", "/v1/kbs/files", files=[("file", "broken.pdf", b"%PDF-1.4 and no more")]).json["job"]
    done = job_done(port, job)
    assert [problem["path"] for problem in done["report"]["problems"]] == ["uploads/broken.pdf"]
    assert str(kbs) not in json.dumps(done)


def test_a_job_meets_a_writer_of_another_process_and_says_so(fresh: tuple[int, Path]) -> None:
    port, kbs = fresh
    with hold_lock(kbs / "text"):
        job = call(port, "POST", "/v1/kbs/files", files=[("file", "a.txt", b"Oslo is in Norway.")]).json["job"]
        done = job_done(port, job)
    assert (done["state"], done["report"]["error"]["type"]) == ("failed", "conflict")


def test_a_read_only_server_changes_nothing(kbs: Path) -> None:
    with live(small_app(kbs, read_only=True)) as port:
        assert call(port, "POST", "/v1/kbs/files", files=[("file", "a.txt", b"x")]).error == "forbidden"
        assert call(port, "DELETE", "/v1/kbs/text/sources/docs%2Fperu.md").error == "forbidden"


def test_a_knowledge_base_that_is_damaged_is_left_out_and_the_others_answer(fresh: tuple[int, Path]) -> None:
    port, kbs = fresh
    (kbs / "broken").mkdir()
    (kbs / "broken" / "kb.json").write_text("{")
    assert [kb["name"] for kb in call(port, "GET", "/v1/kbs").json["kbs"]] == ["text"]
    assert call(port, "POST", "/v1/ask", QUESTION).events[-1][0] == "finished"
    ready = call(port, "GET", "/readyz")
    assert (ready.status, ready.json) == (503, {"ready": False, "policy": True, "kbs": False})


# ── around it ──────────────────────────────────────────────────────────────────────────────────


def test_health_readiness_and_metrics(port: int) -> None:
    assert call(port, "GET", "/healthz").json == {"status": "alive"}
    assert call(port, "GET", "/readyz").json == {"ready": True, "policy": True, "kbs": True}
    call(port, "POST", "/v1/ask", QUESTION)
    text = call(port, "GET", "/metrics").body.decode()
    for line in (
        'r1router_retrievals_total{kb="text"}',
        'r1router_tokens_total{kind="prompt"}',
        'r1router_stage_seconds_total{stage="plan"}',
        'r1router_questions_total{method="r1_router",stop="enough"}',
        'r1router_requests_total{method="POST",route="/v1/ask",status="200"}',
        'r1router_request_seconds_bucket{le="0.1",route="/v1/ask"}',
        "r1router_questions_in_flight 0.0",
        "r1router_steps_total",
    ):
        assert line in text


def test_the_request_id_of_a_client_is_kept_where_it_is_a_plain_one(port: int) -> None:
    got = call(port, "GET", "/healthz", headers={"X-Request-Id": "my-own-id-17"})
    assert got.headers["x-request-id"] == "my-own-id-17"
    got = call(port, "GET", "/healthz", headers={"X-Request-Id": 'a"b\\c<script>'})
    assert len(got.headers["x-request-id"]) == 32


def test_the_openapi_document_has_every_route_an_example_and_typed_errors(port: int) -> None:
    document = call(port, "GET", "/openapi.json").json
    assert {"/v1/ask", "/v1/chat/completions", "/v1/kbs", "/v1/kbs/files", "/v1/jobs/{id}"} <= document["paths"].keys()
    assert document["components"]["schemas"]["AskRequest"]["examples"]
    for methods in document["paths"].values():
        for operation in methods.values():
            schema = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorResponse"}


def test_the_page_of_the_api_names_only_files_of_this_server_and_allows_only_its_own_script(port: int) -> None:
    got = call(port, "GET", "/docs")
    page, policy = got.body.decode(), got.headers["content-security-policy"]
    assert "://" not in page, "nothing is loaded from elsewhere"
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert call(port, "GET", name).status == 200, name
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == len(re.findall("<script>", page)) == 1


def test_every_example_of_the_document_is_answered(port: int) -> None:
    document = call(port, "GET", "/openapi.json").json
    for path in ("/v1/ask", "/v1/chat/completions"):
        name = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for example in document["components"]["schemas"][name.rpartition("/")[2]]["examples"]:
            assert call(port, "POST", path, example).status == 200


def test_the_policy_is_asked_with_the_prompts_that_it_brings(kbs: Path, tmp_path: Path) -> None:
    (tmp_path / "next_step.j2").write_text("### user\nnothing yet of {{ question }}\n")
    policy = Scripted(talk, prompts=tmp_path)
    with live(small_app(kbs, policy)) as port:
        call(port, "POST", "/v1/ask", {"question": "Capital of Norway?", "stream": False})
    assert policy.asks[0].messages[0].content == "nothing yet of Capital of Norway?"


def test_the_openapi_document_is_the_one_that_clients_were_written_against(tmp_path: Path) -> None:
    """A change of it is seen in review: `UPDATE_GOLDEN=1 pytest` writes it anew."""
    document = create_app(Setup(kbs=tmp_path, policy=Scripted([])), key="open sesame").openapi()
    models = {
        model.__name__ for model in _all_models(pydantic.BaseModel) if model.__module__.startswith("r1router.serve")
    }
    schemas = document["components"]["schemas"]  # but for the nouns, which are every room's and have tests of their own
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in models}
    document["info"]["version"] = f"FastAPI {fastapi.__version__}, pydantic {pydantic.VERSION}"
    written, golden = json.dumps(document, indent=1, ensure_ascii=False) + "\n", GOLDEN / "openapi.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    known = golden.read_text(encoding="utf-8")
    if json.loads(known)["info"] != document["info"]:
        pytest.skip(f"the golden document was written by {json.loads(known)['info']['version']}")
    assert written == known


def _all_models(model: type) -> set[type]:
    return {model}.union(*map(_all_models, model.__subclasses__()))

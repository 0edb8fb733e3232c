"""The record of one run's requests, to go on after a kill and to replay without a model."""

import asyncio
import json
import re

import pytest

from r1router.drive.flow import Served
from r1router.drive.record import Recording
from r1router.errors import InputError, R1RouterError
from r1router.table import TableResult
from r1router.types import Ask, Compute, Evidence, Inspect, Location, Message, Query, Reply, Search

ASK = Ask((Message("user", "Which city?"),), purpose="plan")
FOUND = [[Evidence("text", "1", "Oslo", 0.5, location=Location("a.txt", rows=(1, 2)))], []]


def serve(record, request, brought, *, seconds=1.5, where=""):
    """What the record serves, and how often what is behind it was asked."""
    asked = []

    async def inner(request):
        asked.append(request)
        await asyncio.sleep(0)
        return Served(brought, seconds)

    served = asyncio.run(record.keep(type(request), inner, where=where)(request))
    return served, len(asked)


REQUESTS = [
    (ASK, Reply("<answer>Oslo</answer>", prompt_tokens=7)),
    (Search(("text", "more"), Query("Oslo")), FOUND),
    (Compute("table", "1", "SELECT 1"), TableResult("SELECT 1", ("n",), (("1",),))),
]


@pytest.mark.parametrize(("request_", "brought"), REQUESTS)
def test_what_a_request_brought_is_served_again_with_its_seconds(tmp_path, request_, brought):
    path = tmp_path / "r.jsonl"
    record = Recording(path)
    assert serve(record, request_, brought) == (Served(brought, 1.5), 1)
    assert serve(record, request_, None) == (Served(brought, 1.5), 0)
    assert len(record) == 1
    record.close()
    for opened in (Recording(path), Recording(path, replay=True)):
        assert serve(opened, request_, None) == (Served(brought, 1.5), 0)
        opened.close()


def test_equal_requests_at_the_same_time_are_made_once(tmp_path):
    asked = []

    async def inner(request):
        asked.append(request)
        await asyncio.sleep(0.01)
        return Served(Reply("Oslo"), 1.0)

    async def at_once(record):
        reply = record.keep(Ask, inner)
        return await asyncio.gather(*(reply(ASK) for _ in range(3)))

    record = Recording(tmp_path / "r.jsonl")
    assert asyncio.run(at_once(record)) == [Served(Reply("Oslo"), 1.0)] * 3
    assert len(asked) == 1
    record.close()


def test_what_was_searched_under_another_filter_is_not_served_and_a_reply_is(tmp_path):
    record = Recording(tmp_path / "r.jsonl")
    search, _ = REQUESTS[1]
    assert [serve(record, search, FOUND, where=where)[1] for where in ("", "year > 2", "", "year > 2")] == [1, 1, 0, 0]
    assert [serve(record, ASK, Reply("Oslo"), where=where)[1] for where in ("", "year > 2")] == [1, 0]
    assert asyncio.run(record.keep(Search, no_server)(search)).result == FOUND  # without a filter unless one is named
    record.close()


async def no_server(request):
    raise AssertionError("the record has it")


def test_a_last_line_that_a_kill_cut_short_is_dropped_but_never_by_a_replay(tmp_path):
    path = tmp_path / "r.jsonl"
    record = Recording(path)
    serve(record, ASK, Reply("Oslo"))
    record.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key": "x", "re')
    replayed = Recording(path, replay=True)
    replayed.close()
    assert len(replayed) == 1
    assert path.read_bytes() == whole + b'{"key": "x", "re'
    Recording(path).close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", ["{}", "[]", "no json"])
def test_a_damaged_line_is_told_by_its_number(tmp_path, line):
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"key": "k", "reply": {}, "seconds": 1}) + f"\n{line}\n")
    with pytest.raises(InputError, match=r"r\.jsonl:2 is not a line of a record"):
        Recording(path)


def test_a_replay_needs_a_record_and_says_what_is_not_in_it(tmp_path):
    path = tmp_path / "r.jsonl"
    with pytest.raises(InputError, match=r"there is no record at .*to replay"):
        Recording(path, replay=True)
    path.write_text("")
    record = Recording(path, replay=True)
    asks = {
        "reply to: 'Which city?'": ASK,
        "rankings to: 'Oslo'": REQUESTS[1][0],
        "view to: 'How many?'": Inspect("table", "1", "How many?"),
        "result to: 'SELECT 1'": REQUESTS[2][0],
    }
    for told, request in asks.items():
        with pytest.raises(R1RouterError, match=re.escape(told)):
            serve(record, request, None)
    long = Ask((Message("user", "first" + 250 * "." + "last"),), purpose="plan")
    with pytest.raises(R1RouterError, match=re.escape(f"'…{196 * '.'}last'")):
        serve(record, long, None)


def test_a_request_in_letters_of_any_script_is_one_line_that_people_can_read(tmp_path):
    path = tmp_path / "r.jsonl"
    record = Recording(path)
    serve(record, ASK, Reply("Tromsø 東京\nOslo"), seconds=0.12345678)
    serve(record, Ask((Message("user", "half a letter: \ud83d"),), purpose="plan"), Reply("Oslo"))
    record.close()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert "Tromsø 東京" in lines[0]
    assert json.loads(lines[0])["seconds"] == pytest.approx(0.123457)

"""Regret of routes: what a step looked for, where it was, and how much a confidence is worth."""

import asyncio
from dataclasses import replace

import pytest

import r1router as rr
from r1router.drive.budget import Budget
from r1router.drive.record import Recording
from r1router.errors import R1RouterError, UnknownName
from r1router.evals.audit.other_routes import Searched, read_elsewhere, search_elsewhere
from r1router.evals.audit.regret import audit, compute_digest, list_targets, read_audit, write_audit
from r1router.evals.run import RunLine, RunSettings
from r1router.types import Answer, Ask, Card, Evidence, Example, Message, Question, Step, Trajectory

SETTINGS = RunSettings(
    "d.jsonl", "0", ("m",), "scripted:", {"text": "text", "table": "table"}, "0", 3, 5, Budget(), "0.1.0"
)
GOLD = {"steps": [
    {"sub_question": "who wrote Hunger", "kb": "text", "evidence_ids": ["t1"], "answer": "Hamsun"},
    {"sub_question": "where was Hamsun born", "kb": "table", "evidence_ids": ["c1"], "answer": "Vågå"},
]}  # fmt: skip


def entry(kb, record, text="…"):
    return Evidence(kb, f"{record}#0", text, record=record)


def row(*steps, gold=GOLD, id_="q"):
    example = Example(id_, Question("Where was the writer of Hunger born?"), ("Vågå",), gold)
    return RunLine("m", example, Trajectory(example.question, steps, Answer("", "Vågå"), "enough", method="m"))


def step(kb, *records, asked="who wrote Hunger", p=None, answer=""):
    evidence = tuple(entry(kb, record) for record in records)
    return Step(
        sub_question=asked, routes=(kb,), evidence=evidence, answer=answer, probabilities={} if p is None else {kb: p}
    )


def elsewhere(of, at, **found):
    return Searched(of, at, {kb: tuple(entry(kb, record) for record in records) for kb, records in found.items()})


def of(*searched):
    (method,) = audit(SETTINGS, [one.row for one in searched], searched).methods
    return method


# ── one step ───────────────────────────────────────────────────────────────────────────────────


def test_evidence_that_only_another_knowledge_base_had_is_regret():
    method = of(elsewhere(row(step("table", "c9")), 0, text=["t9", "t1"]))
    assert (method.judged, method.regret.mean, method.routes[0].instead) == (1, 1.0, {"text": 1})


def test_evidence_that_was_found_or_is_nowhere_is_no_regret():
    found = elsewhere(row(step("text", "t1")), 0, table=["c1"])
    nowhere = elsewhere(row(step("text", "t9"), id_="r"), 0, table=["c9"])
    method = of(found, nowhere)
    (route,) = method.routes
    assert (route.steps, route.found, route.regret, route.nowhere) == (2, 1, 0, 1)
    assert (method.regret.mean, method.nowhere) == (0.0, 1)


def test_a_step_may_find_the_gold_evidence_of_a_later_one():
    assert of(elsewhere(row(step("table", "c1")), 0, text=["t1"])).routes[0].found == 1


def test_a_step_with_nothing_left_to_look_for_is_not_judged():
    path = row(step("text", "t1"), step("table", "c1"), step("text", "t9"))
    method = of(*(elsewhere(path, at, text=["t1"]) for at in range(3)))
    assert (method.searches, method.judged) == (3, 2)


def test_without_gold_evidence_a_text_with_the_answer_counts():
    path = row(step("table", "c9"), gold=None)
    has = Searched(path, 0, {"text": (entry("text", "x", "He was born in Vågå in 1859."),)})
    method = of(has)
    assert (method.judged, method.by_gold, method.regret.mean) == (1, 0, 1.0)


def test_answers_that_prove_nothing_are_no_targets():
    path = row(step("text", asked="Is Vågå in Norway, and who wrote Hunger?"))
    path = replace(path, example=replace(path.example, answers=("yes", "7", "Vågå", "Lom")))
    assert list_targets(Searched(path, 0, {})) == ["Hamsun", "Lom"]


# ── confidence ─────────────────────────────────────────────────────────────────────────────────


def test_the_calibration_error_is_the_distance_of_confidence_and_right_routes():
    right = [elsewhere(row(step("text", "t1", p=0.85), id_=f"a{n}"), 0, table=[]) for n in range(6)]
    wrong = [elsewhere(row(step("text", "t9", p=0.85), id_=f"b{n}"), 0, table=["c1"]) for n in range(4)]
    low = [elsewhere(row(step("text", "t9", p=0.25), id_=f"c{n}"), 0, table=["c1"]) for n in range(10)]
    nowhere = [elsewhere(row(step("text", "t9", p=0.55), id_="d"), 0, table=[])]
    method = of(*right, *wrong, *low, *nowhere)
    assert [(b.low, b.high, b.confidence, b.right.mean, b.right.n) for b in method.bins] == [
        (0.2, 0.3, pytest.approx(0.25), 0.0, 10),
        (0.8, 0.9, pytest.approx(0.85), 0.6, 10),
    ]
    assert method.calibration_error == pytest.approx((10 * 0.25 + 10 * 0.25) / 20)


def test_a_policy_without_probabilities_has_no_bins():
    method = of(elsewhere(row(step("text", "t1")), 0, table=[]))
    assert (method.bins, method.calibration_error) == ((), None)


def test_certainty_is_in_the_last_bin():
    (b,) = of(elsewhere(row(step("text", "t1", p=1.0)), 0, table=[])).bins
    assert (b.low, b.high) == (0.9, 1.0)


# ── searching and reading elsewhere ────────────────────────────────────────────────────────────


class Counted(rr.MemoryKnowledgeBase):
    def __init__(self, name, **texts):
        self.queries = []
        super().__init__(
            Card(name, "text", name), [Evidence(name, id_, text, record=id_) for id_, text in texts.items()]
        )

    def search(self, queries, *, k):
        self.queries += [query.text for query in queries]
        return super().search(queries, k=k)


def test_equal_questions_are_searched_once_and_only_where_they_were_not():
    kbs = {"text": Counted("text", t1="Hunger is by Hamsun"), "table": Counted("table", c1="Hamsun Vågå")}
    kbs["wiki"] = Counted("wiki", w="Hunger")
    rows = [row(step("table", "c9"), id_=f"q{n}") for n in range(4)]
    rows.append(row(step("text", "t1", asked="who is it"), id_="last"))
    told = []
    searched = search_elsewhere(SETTINGS, rows, kbs, tell=lambda done, total: told.append((done, total)))
    assert (kbs["text"].queries, kbs["table"].queries, kbs["wiki"].queries) == (["who wrote Hunger"], ["who is it"], [])
    assert [sorted(one.elsewhere) for one in searched] == [["text"]] * 4 + [["table"]]
    assert searched[0].elsewhere["text"][0].record == "t1"
    assert told == [(1, 2), (2, 2)]


def test_a_run_with_a_knowledge_base_that_is_gone_is_refused():
    with pytest.raises(UnknownName, match="knowledge base 'table'"):
        search_elsewhere(SETTINGS, [row(step("text", "t1"))], {"text": Counted("text")})


def test_reading_the_other_evidence_tells_what_it_would_have_answered(tmp_path):
    rows = [
        row(step("table", "c9", answer="no idea"), id_="rescued"),
        row(step("table", "c8", answer="Hamsun"), id_="right"),
        row(step("table", "c7", answer="no idea", asked="who wrote Pan"), id_="lost"),
    ]
    searched = [elsewhere(one, 0, text=["t1"]) for one in rows]
    policy = rr.Scripted([{"when": "Question: who wrote Hunger", "reply": "<answer>Hamsun</answer>"},
                          {"when": "Question: who wrote Pan", "reply": "no tags: Ibsen"}])  # fmt: skip

    def read(policy):
        record = Recording(tmp_path / "r.jsonl")
        wanted = [list_targets(one) for one in searched]
        try:
            return asyncio.run(read_elsewhere(searched, wanted, policy=policy, record=record))
        finally:
            record.close()

    found = read(policy)["m"]
    assert (found.steps, found.right, found.regret) == (3, 1, 1)
    assert len(policy.asks) == 2
    assert read(rr.Scripted([])) == {"m": found}, "the record serves the second audit"


def test_a_record_that_lacks_a_reply_tells_the_end_of_what_was_asked(tmp_path):
    (tmp_path / "r.jsonl").touch()
    replayed = Recording(tmp_path / "r.jsonl", replay=True)
    for text, shown in (("Who", "'Who'"), ("a" * 300 + "Who", f"'…{'a' * 197}Who'")):
        ask = Ask((Message("user", text),), "plan")
        with pytest.raises(R1RouterError, match=f"has no reply to: {shown}$"):
            asyncio.run(replayed.keep(Ask, None)(ask))
    replayed.close()


# ── kept beside the run ────────────────────────────────────────────────────────────────────────


def test_an_audit_is_read_back_and_is_not_used_once_the_run_has_gone_on(tmp_path):
    rows = [row(step("text", "t1", p=0.9))]
    found = audit(SETTINGS, rows, [elsewhere(rows[0], 0, table=["c1"])])
    before = write_audit(found, tmp_path).read_bytes()
    assert read_audit(tmp_path, rows) == found
    assert write_audit(found, tmp_path).read_bytes() == before
    more = [*rows, row(step("text", "t2"), id_="later")]
    assert read_audit(tmp_path, more) is None
    assert compute_digest(rows) != compute_digest(more)
    assert read_audit(tmp_path / "nowhere", rows) is None

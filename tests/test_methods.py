"""The methods as the generators that they are: no model, no index, only what they yield and receive."""

import pytest

from flows import KBS, STOP, answer, drive, piece, play, requests, searches, step, with_probabilities
from r1router.errors import BudgetSpent, InputError, UnknownName
from r1router.methods import load_method, name_method, names
from r1router.prompts import Prompts
from r1router.types import Answered, Ask, Malformed, Planned, Reply, Retrieved, Search


def test_r1_router_plans_retrieves_reads_and_concludes():
    said, path = play(
        "r1_router",
        [
            *(step("Whose flag?", "image"), answer("Norway")),
            *(step("Capital of Norway?", "table"), answer("Oslo")),
            *(STOP, answer("Oslo")),
        ],
        {"image": [piece("image", text="Flag of Norway")], "table": [piece("table", text="Norway | Oslo")]},
    )
    assert requests(said) == ["plan", "search", "answer", "plan", "search", "answer", "plan", "final"]
    assert [type(s) for s in said if not isinstance(s, Ask | Search)] == [Planned, Retrieved, Answered] * 2 + [Planned]
    assert [(s.sub_question, s.routes, s.answer) for s in path.steps] == [
        ("Whose flag?", ("image",), "Norway"),
        ("Capital of Norway?", ("table",), "Oslo"),
    ]
    assert (path.answer.text, path.stop) == ("Oslo", "enough")
    assert [e.kb for e in path.sources] == ["table", "image"]


def test_r1_router_stops_after_its_last_step():
    replies = [step("First one?", "text"), answer("a"), step("Second?", "text"), answer("b"), answer("c")]
    _, path = play("r1_router", replies, {"text": [piece("text")]}, max_steps=2)
    assert (len(path.steps), path.stop, path.answer.text) == (2, "max_steps", "c")


def test_the_same_sub_question_to_the_same_knowledge_base_ends_the_loop():
    replies = [step("Who is it?", "text"), answer("a"), step("who  is IT?", "text"), answer("c")]
    said, path = play("r1_router", replies, {"text": [piece("text")]})
    assert (len(path.steps), path.stop) == (1, "repeated")
    assert requests(said).count("search") == 1


def test_the_same_sub_question_to_another_knowledge_base_is_asked():
    replies = [step("Who is it?", "text"), answer("a"), step("Who is it?", "table"), answer("b"), STOP, answer("c")]
    _, path = play("r1_router", replies, {"text": [piece("text")], "table": [piece("table")]})
    assert (len(path.steps), path.stop) == (2, "enough")


def test_empty_evidence_sends_the_sub_question_to_the_next_likely_knowledge_base_once():
    said, path = play(
        "r1_router",
        [with_probabilities("Who is it?", "image", text=0.1, table=0.3), answer("a"), STOP, answer("c")],
        {"table": [piece("table")], "text": [piece("text")]},
    )
    assert searches(said) == [(("image",), "Who is it?"), (("table",), "Who is it?")]
    assert path.steps[0].routes == ("image", "table")
    assert path.steps[0].note == "image had no evidence; searched table instead"
    assert path.steps[0].evidence == (piece("table"),)


def test_no_evidence_anywhere_ends_the_loop_and_is_recorded():
    _, path = play("r1_router", [with_probabilities("Who?!?", "image", text=0.4), answer("unknown")], {})
    assert (path.stop, len(path.steps), path.steps[0].evidence) == ("no_evidence", 1, ())
    assert path.answer.text == "unknown"


def test_an_unsure_route_is_searched_together_with_the_second():
    reply = with_probabilities("Who is it?", "image", text=0.4, table=0.1)
    found = {"image": [piece("image")], "text": [piece("text")]}
    said, path = play("r1_router?min_confidence=0.6", [reply, answer("a"), STOP, answer("c")], found)
    assert searches(said)[0] == (("image", "text"), "Who is it?")
    assert {e.kb for e in path.steps[0].evidence} == {"image", "text"}
    assert "unsure of image" in path.steps[0].note
    said, _ = play("r1_router?min_confidence=0.4", [reply, answer("a"), STOP, answer("c")], found)
    assert searches(said)[0] == (("image",), "Who is it?")


def test_a_malformed_reply_is_re_asked_with_what_was_wrong():
    refused = ["I would search the web.", step("Who is it?", "video")]
    replies = [*refused, step("Who is it?", "text"), answer("a"), STOP, answer("c")]
    said, path = play("r1_router", replies, {"text": [piece("text")]})
    asks = [s for s in said if isinstance(s, Ask)]
    assert "the tag sub-question is missing" in asks[1].messages[-1].content
    assert asks[1].messages[-2].content == "I would search the web."
    assert "'video', which is not one of" in asks[2].messages[-1].content
    assert len(asks[2].messages) == len(asks[0].messages) + 2
    assert len([s for s in said if isinstance(s, Malformed)]) == 2
    assert path.stop == "enough"


def test_a_step_that_stays_malformed_is_a_format_error_and_a_direct_answer_follows():
    said, path = play("r1_router", ["bad", "bad", "worse", answer("c")], {})
    assert (path.stop, path.answer.text) == ("format", "c")
    assert [s.reply for s in said if isinstance(s, Malformed)] == ["bad", "bad", "worse"]


def test_an_answer_that_stays_malformed_is_salvaged():
    _, path = play("direct", ["Oslo", "Oslo!", "It is Oslo"], {})
    assert path.answer.text == "It is Oslo"


def test_a_spent_budget_leads_to_the_final_answer_and_what_was_retrieved_is_recorded():
    replies = [step("Who is it?", "text"), BudgetSpent("tokens"), answer("c")]
    said, path = play("r1_router", replies, {"text": [piece("text")]})
    assert (path.stop, path.answer.text) == ("tokens", "c")
    assert [(s.sub_question, s.evidence, s.answer) for s in path.steps] == [("Who is it?", (piece("text"),), "")]
    assert "Who is it? -> unknown" in said[-1].messages[-1].content


@pytest.mark.parametrize("method", ["direct", "cot"])
def test_methods_without_retrieval_make_one_call(method):
    said, path = play(method, [answer("Oslo")], {})
    assert requests(said) == ["final"]
    assert (path.answer.text, path.sources, path.stop) == ("Oslo", (), "enough")


def test_vanilla_rag_searches_one_knowledge_base_or_fuses_all():
    found = {name: [piece(name, text=f"{name} says Oslo")] for name in KBS}
    said, path = play("vanilla_rag?kb=table", [answer("Oslo")], found)
    assert next(s.routes for s in said if isinstance(s, Search)) == ("table",)
    said, path = play("vanilla_rag", [answer("Oslo")], found, k=2)
    assert next(s.routes for s in said if isinstance(s, Search)) == ("text", "image", "table")
    assert len(path.steps[0].evidence) == 2
    assert path.sources


def test_every_method_of_the_package_loads_and_knows_its_name():
    assert {"r1_router", "direct", "cot", "vanilla_rag"} <= set(names())
    for name in names():
        assert name_method(load_method(name, max_steps=2, k=3)) == name


def test_a_method_of_other_people_is_named_by_its_module():
    method = load_method("test_methods:own_method", k=7)
    assert method.keywords == {"k": 7}
    assert name_method(method) == "own_method"
    assert name_method(method.func) == "own_method"


def own_method(question, kbs, *, prompts, k=5):
    yield from ()


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ("r1-router", UnknownName, "did you mean 'r1_router'"),
        ("r1_router?steps=3", UnknownName, "unknown option of the method r1_router 'steps'"),
        ("r1_router?max_steps=three", InputError, "max_steps='three' is not of type int"),
        ("r1_router?max_steps", InputError, r"\?name=value"),
        ("nowhere.module:solve", InputError, "cannot be loaded"),
    ],
)
def test_a_method_that_does_not_exist_is_refused_with_a_hint(spec, error, says):
    with pytest.raises(error, match=says):
        load_method(spec)


def test_a_single_step_in_the_question_s_own_words_needs_no_final_call_where_answers_are_copied(tmp_path):
    (tmp_path / "set.toml").write_text('[form]\nanswers = "copied"\n')
    replies = iter([step("Q?", "text"), answer("Oslo"), STOP])
    said, path = drive(
        "r1_router", lambda _: Reply(next(replies)), lambda s: [[piece("text")]], prompts=Prompts(tmp_path)
    )
    assert requests(said) == ["plan", "search", "answer", "plan"]
    assert (path.answer.text, path.stop) == ("Oslo", "enough")

"""The baselines as generators: each does what its paper describes, and all leave comparable trajectories."""

import itertools
from dataclasses import replace

import pytest

from flows import KBS, STOP, answer, drive, piece, play, query, requests, searches, sentence, step, with_probabilities
from r1router.errors import BudgetSpent, UnknownName
from r1router.methods import load_method, names
from r1router.types import Answered, Ask, Image, Malformed, Planned, Reply, Retrieved, Search

ALL = tuple(KBS)
FOUND = {name: [piece(name, str(n), f"{name} piece {n}") for n in range(5)] for name in KBS}
SEARCHING = sorted(set(names()) - {"direct", "cot"})
STEPPING = sorted(set(SEARCHING) - {"vanilla_rag", "one_shot_routing"})
PINNABLE = sorted({"vanilla_rag", "ircot", "iter_retgen", "self_ask", "search_o1"})


def shown(said):
    """The last message of each request for a reply."""
    return [s.messages[-1].content for s in said if isinstance(s, Ask)]


# ── one by one ─────────────────────────────────────────────────────────────────────────────────


def test_one_shot_routing_sends_the_question_itself_to_one_knowledge_base():
    said, path = play(
        "one_shot_routing", ["<ret>table</ret>", answer("Oslo")], FOUND, question="Capital of Norway?", k=2
    )
    assert requests(said) == ["plan", "search", "final"]
    assert searches(said) == [(("table",), "Capital of Norway?")]
    assert [(s.sub_question, s.routes, len(s.evidence)) for s in path.steps] == [("Capital of Norway?", ("table",), 2)]
    assert "table piece 1" in shown(said)[-1]
    assert (path.stop, path.answer.text) == ("enough", "Oslo")


def test_one_shot_routing_may_choose_no_retrieval():
    said, path = play("one_shot_routing", ["<ret>None</ret>", answer("4")], FOUND, question="What is 2 + 2?")
    assert requests(said) == ["plan", "final"]
    assert (path.steps, path.stop, path.sources) == ((), "enough", ())
    assert [s.step.sub_question for s in said if isinstance(s, Planned)] == [None]


def test_one_shot_routing_tries_the_next_likely_knowledge_base_when_the_first_has_nothing():
    reply = with_probabilities(None, "image", text=0.1, table=0.3)
    said, path = play("one_shot_routing", [reply, answer("a")], {"table": [piece("table")]})
    assert [routes for routes, _ in searches(said)] == [("image",), ("table",)]
    assert path.steps[0].probabilities["table"] == pytest.approx(0.3)
    _, path = play("one_shot_routing", ["<ret>text</ret>", answer("a")], {})
    assert (path.stop, len(path.steps)) == ("no_evidence", 1)


def test_ircot_searches_with_the_question_and_then_with_each_sentence():
    said, path = play(
        "ircot",
        [sentence("Ibsen was born in Skien."), sentence("So the answer is: Telemark."), answer("Telemark")],
        FOUND,
        question="In which county was Ibsen born?",
        k=2,
    )
    assert requests(said) == ["search", "plan", "search", "plan", "final"]
    assert searches(said) == [(ALL, "In which county was Ibsen born?"), (ALL, "Ibsen was born in Skien.")]
    assert [s.answer for s in path.steps] == ["Ibsen was born in Skien.", "So the answer is: Telemark."]
    assert (path.stop, path.answer.text) == ("enough", "Telemark")
    first, second, final = shown(said)
    assert "Reasoning so far: none" in first
    assert "Reasoning so far: Ibsen was born in Skien." in second
    assert "Ibsen was born in Skien." not in final


def test_the_reader_of_ircot_gets_all_the_evidence_each_piece_once():
    found = [[piece("text", "1", "first")], [piece("text", "1", "first"), piece("text", "2", "second")]]
    batches = iter(found)
    replies = iter([sentence("A thought."), answer("x")])
    said, path = drive("ircot", lambda ask: Reply(next(replies)), lambda s: [next(batches)], kb="text", max_steps=2)
    assert path.stop == "max_steps"
    assert shown(said)[-1].startswith("[1] first\n[2] second\n\nQuestion")


def test_ircot_keeps_the_first_sentence_and_ends_when_one_comes_again():
    replies = [sentence("Dr. Dent wrote it. Then she left."), "She wrote it", "she wrote  it", answer("c")]
    said, path = play("ircot", replies, FOUND, max_steps=9)
    assert [words for _, words in searches(said)] == ["Q?", "Dr. Dent wrote it.", "She wrote it"]
    assert path.stop == "repeated"


def test_iter_retgen_searches_with_what_it_generated_last_and_reads_only_that_round():
    rounds = iter([[piece("text", "1", "about Skien")], [piece("text", "2", "about Telemark")]])
    replies = iter(["<think>Ibsen is from Skien</think><answer>Skien</answer>", answer("Telemark")])
    said, path = drive(
        "iter_retgen",
        lambda ask: Reply(next(replies)),
        lambda s: [next(rounds)],
        "Which county?",
        kb="text",
        max_steps=2,
    )
    assert requests(said) == ["search", "answer", "search", "final"]
    assert searches(said) == [(("text",), "Which county?"), (("text",), "Ibsen is from Skien Skien Which county?")]
    assert "about Skien" in shown(said)[0]
    assert "about Skien" not in shown(said)[1]
    assert [s.answer for s in path.steps] == ["Skien", ""]
    assert (path.stop, path.answer.text) == ("max_steps", "Telemark")


def test_self_ask_asks_follow_up_questions_until_none_is_needed():
    replies = [
        query("Who wrote Hunger?"),
        answer("Hamsun"),
        query("Where was Hamsun born?"),
        answer("Lom"),
        query("None"),
    ]
    said, path = play("self_ask", [*replies, answer("Lom")], FOUND, question="Where was Hunger's author born?")
    assert requests(said) == ["plan", "search", "answer", "plan", "search", "answer", "plan", "final"]
    assert [(s.sub_question, s.routes, s.answer) for s in path.steps] == [
        ("Who wrote Hunger?", ALL, "Hamsun"),
        ("Where was Hamsun born?", ALL, "Lom"),
    ]
    assert (path.stop, path.answer.text) == ("enough", "Lom")
    assert "Follow-up question: Who wrote Hunger?\nIntermediate answer: Hamsun" in shown(said)[2]
    assert all("think" not in [t.name for t in tags] for tags in said[0].shape.alternatives)


def test_self_ask_needs_no_follow_up_question_for_a_simple_one():
    for nothing in ("None", "No.", "none"):
        said, path = play("self_ask", [query(nothing), answer("4")], FOUND)
        assert (requests(said), path.stop, path.steps) == (["plan", "final"], "enough", ())


def test_search_o1_puts_the_condensed_documents_into_the_reasoning_and_not_the_documents():
    replies = ["<think>I need the author</think><sub-question>author of Hunger</sub-question>"]
    replies += [answer("Hamsun wrote it."), query("None"), answer("Hamsun")]
    said, path = play("search_o1", replies, {"text": [piece("text", text="a long document")]}, question="Who?")
    assert requests(said) == ["plan", "search", "answer", "plan", "final"]
    condense, later, final = shown(said)[1:]
    assert "a long document" in condense
    assert condense.endswith("Reasoning: I need the author\nSearch: author of Hunger")
    for after in (later, final):
        assert "Reasoning: I need the author\nSearch: author of Hunger\nFound: Hamsun wrote it." in after
        assert "a long document" not in after
    assert (path.stop, path.answer.text) == ("enough", "Hamsun")


def test_omnisearch_plans_on_thoughts_routes_and_feedback():
    replies = [step("Whose flag?", "image"), answer("The pictures show the flag of Norway."), STOP, answer("Norway")]
    said, path = play("omnisearch", replies, FOUND, image=Image(b"x"))
    assert requests(said) == ["plan", "search", "answer", "plan", "final"]
    assert searches(said) == [(("image",), "Whose flag?")]
    assert "Turn 1: hm\nAsked image: Whose flag?\nFeedback: The pictures show the flag of Norway." in shown(said)[2]
    assert (path.stop, path.answer.text) == ("enough", "Norway")


def test_omnisearch_plans_anew_where_nothing_was_found():
    replies = [step("Whose flag?", "image"), step("Whose flag?", "table"), answer("It is Norway's."), STOP, answer("x")]
    said, path = play("omnisearch", replies, {"table": [piece("table")]})
    assert requests(said) == ["plan", "search", "plan", "search", "answer", "plan", "final"]
    assert "Asked image: Whose flag?\nFeedback: unknown" in shown(said)[1]
    assert (path.stop, [len(s.evidence) for s in path.steps]) == ("enough", [0, 1])


@pytest.mark.parametrize("method", ["self_ask", "search_o1", "omnisearch"])
def test_a_step_that_comes_again_ends_the_loop(method):
    first, again = (
        (step(asked, "text") if method == "omnisearch" else query(asked)) for asked in ("Who is it?", "who  is IT?")
    )
    said, path = play(method, [first, answer("a"), again, answer("c")], FOUND)
    assert (path.stop, len(path.steps), len(searches(said))) == ("repeated", 1, 1)


# ── all alike ──────────────────────────────────────────────────────────────────────────────────


def willing():
    """A policy that never stops by itself: every reply has the asked form, none says the same twice."""
    numbers = itertools.count()

    def reply(ask):
        tags = ask.shape.alternatives[0]
        return Reply(
            "".join(f"<{t.name}>{t.choices[0] if t.choices else f'words {next(numbers)}'}</{t.name}>" for t in tags)
        )

    return reply


def find(request):
    return [FOUND[name][: request.k] for name in request.routes]


@pytest.mark.parametrize("method", SEARCHING)
def test_every_search_is_a_step_with_its_words_routes_and_evidence(method):
    told = " ".join(f"words {n}" for n in range(99))  # whatever the policy says, every piece says too

    def find_told(request):
        return [[replace(item, text=f"{item.text} {told}") for item in ranking] for ranking in find(request)]

    said, path = drive(method, willing(), find_told, k=3)
    assert [(s.routes, s.sub_question) for s in path.steps] == searches(said)
    assert all(s.k == 3 for s in said if isinstance(s, Search))
    assert all(len(s.evidence) == 3 for s in path.steps)
    assert path.sources
    assert set(path.sources) <= {e for s in path.steps for e in s.evidence}


@pytest.mark.parametrize("method", SEARCHING)
def test_the_news_tell_every_step_as_it_is_recorded(method):
    said, path = drive(method, willing(), find)
    for event, finished in ((Planned, "sub_question"), (Retrieved, "evidence"), (Answered, "answer")):
        news = [s for s in said if isinstance(s, event)]
        assert [n.index for n in news] == list(range(len(news)))
        assert [getattr(n.step, finished) for n in news] == [getattr(s, finished) for s in path.steps[: len(news)]]
    assert len([s for s in said if isinstance(s, Retrieved)]) == len(path.steps)


@pytest.mark.parametrize("method", STEPPING)
@pytest.mark.parametrize("max_steps", [0, 1, 2, 4])
def test_the_most_steps_are_the_most_rounds_of_search(method, max_steps):
    said, path = drive(method, willing(), find, max_steps=max_steps)
    assert (len(path.steps), path.stop) == (max_steps, "max_steps")
    assert len(searches(said)) == max_steps
    assert requests(said)[-1] == "final"


CALLS = {"r1_router": 7, "omnisearch": 7, "self_ask": 7, "search_o1": 7, "ircot": 3, "iter_retgen": 3}


@pytest.mark.parametrize("method", STEPPING)
def test_the_calls_of_three_full_steps_are_those_in_the_documentation(method):
    said, _ = drive(method, willing(), find)
    assert len(shown(said)) == CALLS[method]


@pytest.mark.parametrize("method", names())
def test_a_budget_that_is_spent_anywhere_leads_to_the_final_answer_and_loses_no_search(method):
    whole, _ = drive(method, willing(), find)
    for spent_at in range(len(requests(whole)) - 1):
        policy, number, done = willing(), itertools.count(), []

        def served(request, *, policy=policy, number=number, done=done, spent_at=spent_at):
            is_search = isinstance(request, Search)
            if next(number) >= spent_at and (is_search or request.purpose != "final"):
                return BudgetSpent("tokens")
            done.extend([request] if is_search else [])
            return find(request) if is_search else policy(request)

        said, path = drive(method, served, served)
        assert (path.stop, requests(said)[-1]) == ("tokens", "final")
        assert len(path.steps) == len(done)
        assert path.answer.text.startswith("words")


@pytest.mark.parametrize("method", sorted(set(SEARCHING) - {"vanilla_rag", "iter_retgen"}))
def test_a_plan_that_stays_malformed_is_a_format_error(method):
    said, path = drive(method, lambda ask: Reply("<answer>c</answer>" if ask.purpose == "final" else ""), find)
    assert (path.stop, path.answer.text) == ("format", "c")
    assert len([s for s in said if isinstance(s, Malformed)]) == 3


@pytest.mark.parametrize("method", sorted(set(SEARCHING) - {"vanilla_rag", "omnisearch"}))
def test_nothing_found_anywhere_ends_the_loop_and_is_recorded(method):
    _, path = drive(method, willing(), lambda request: [[] for _ in request.routes])
    assert (path.stop, len(path.steps), path.sources) == ("no_evidence", 1, ())


@pytest.mark.parametrize("method", PINNABLE)
def test_a_method_without_routes_searches_all_knowledge_bases_or_the_pinned_one(method):
    said, path = drive(method, willing(), find)
    assert {routes for routes, _ in searches(said)} == {ALL}
    assert {e.kb for e in path.steps[0].evidence} == set(ALL)
    said, _ = drive(f"{method}?kb=table", willing(), find)
    assert {routes for routes, _ in searches(said)} == {("table",)}
    with pytest.raises(UnknownName, match="did you mean 'table'"):
        drive(f"{method}?kb=tables", willing(), find)


@pytest.mark.parametrize("method", names())
def test_the_picture_of_the_question_goes_with_every_request(method):
    image = Image(b"x")
    said, _ = drive(method, willing(), find, image=image)
    assert all(s.messages[-1].images == (image,) for s in said if isinstance(s, Ask))
    assert all(s.query.image == image for s in said if isinstance(s, Search))


@pytest.mark.parametrize("method", names())
def test_methods_offer_the_same_options_with_the_same_defaults(method):
    from r1router.registry import list_options

    offered = list_options(load_method(method).func)
    own = {"look": True, "min_confidence": 0.6, "search_all_below": 0.3, "verify": True, "tables": "query"}
    defaults = {"max_steps": 3, "k": 5, "kb": "", "tables": "read"} | (own if method == "r1_router" else {})
    assert offered == {key: default for key, default in defaults.items() if key in offered}
    assert offered.keys() >= own.keys() or method != "r1_router"
    assert ("max_steps" in offered) == (method in STEPPING)
    assert ("kb" in offered) == (method in PINNABLE)

"""A step that found a table asks it: query, result, answer, and what happens where that does not work."""

import asyncio
from dataclasses import replace

import pytest

import r1router as rr
from r1router.drive.serve import serve_tables
from r1router.errors import InputError, QueryError
from r1router.kb.memory import MemoryKnowledgeBase
from r1router.moves.querying import rank_tables
from r1router.moves.reading import Reading, choose_reading
from r1router.prompts import DEFAULT, Prompts
from r1router.table import TableBlock
from r1router.tables.choosing import weigh_table
from r1router.tables.engine import compute
from r1router.tables.results import make_evidence, read_answer_off
from r1router.tables.view import LikelyQuery, TableView, ViewedColumn
from r1router.types import (
    Answered,
    Card,
    Compute,
    Computed,
    Evidence,
    Inspect,
    Location,
    Malformed,
    Planned,
    Query,
    Reply,
    Retrieved,
)

ORDERS = TableBlock(
    "Orders",
    header=("Order", "Country", "Amount"),
    rows=(("1", "Norway", "120"), ("2", "Ireland", "80"), ("3", "Norway", "1,240"), ("4", "Sweden", "300")),
)
HEAD = replace(ORDERS, rows=ORDERS.rows[:2])
TAIL = replace(ORDERS, rows=ORDERS.rows[2:], first_row=3)
KB = MemoryKnowledgeBase(
    Card("orders", "table", "Orders of a year"),
    [
        Evidence("orders", "o#0", HEAD.text, title="Orders", record="o", table=HEAD),
        Evidence("orders", "o#1", TAIL.text, title="Orders", record="o", table=TAIL),
    ],
)
BASELINES = ("self_ask", "search_o1", "omnisearch", "iter_retgen", "ircot", "one_shot_routing", "vanilla_rag")
SHORT = DEFAULT.with_name("short")
COUNT = "SELECT COUNT(*) FROM t WHERE \"Country\" = 'Norway'"


def policy(*queries: str):
    """Plans one step, replies to table requests with these in turn, and otherwise says what it last read."""
    left = list(queries)

    def reply(ask):
        match ask.purpose:
            case "query":
                return Reply(left.pop(0))
            case "plan" if any(tag.name == "ret" for tag in ask.shape.alternatives[0]):
                asks = "->" not in ask.messages[-1].content and "1. " not in ask.messages[-1].content
                asked = "<sub-question>Orders from Norway?</sub-question>\n" if "sub-question" in str(ask.shape) else ""
                none = "<sub-question>None</sub-question>\n<ret>None</ret>"
                return Reply(f"<think>hm</think>\n{asked}<ret>orders</ret>" if asks else none)
            case "plan":
                return Reply("<think>the answer is 2</think>\n<sub-question>Orders from Norway?</sub-question>")
            case _:
                return Reply("<answer>read</answer>")

    return rr.Scripted(reply)


def run(said, *, method="r1_router?max_steps=1", **options):
    """The events of one question."""
    question = "How many orders came from Norway?"
    kbs = {"orders": KB}
    return list(rr.stream(question, kbs=kbs, policy=policy(*said), method=method, prompts=Prompts(), **options))


def query(sql: str) -> str:
    return f"<think>Count.</think>\n<query>{sql}</query>"


def test_a_query_over_the_whole_table_gives_the_answer_of_the_step():
    events = run([query(COUNT)])
    kinds = [type(event) for event in events[:4]]
    assert kinds == [Planned, Retrieved, Computed, Answered]
    path = events[-1].trajectory
    [step] = path.steps
    assert (step.answer, step.answer_thought, step.note) == ("2", "Count.", "")
    computed = step.evidence[0]
    assert (computed.result.sql, computed.result.rows, computed.result.source_rows) == (COUNT, (("2",),), (1, 3))
    assert computed.location.rows == (1, 3)
    assert computed.record == "o"
    assert computed.id not in {"o#0", "o#1"}
    assert {"query", "compute"} <= path.usage.seconds.keys()
    assert path.usage.calls == 3


def test_the_policy_may_read_the_table_in_the_same_request():
    [step] = run(["<think>Piece 1 says it.</think>\n<answer>two</answer>"])[-1].trajectory.steps
    assert (step.answer, step.evidence[0].result) == ("two", None)


STAFF = TableBlock("Staff", header=("Name", "Room"), rows=(("Ines", "12"), ("Orders: Norway", "14")))
SHELVES = MemoryKnowledgeBase(
    Card("orders", "table", "Orders, staff and what is said of them"),
    [
        Evidence("orders", "s#0", f"Orders from Norway? {STAFF.text}", title="Staff", record="s", table=STAFF),
        Evidence("orders", "o#0", ORDERS.text, title="Orders", record="o", table=ORDERS),
        Evidence(
            "orders",
            "n",
            "A note about what was ordered, and of many other things that are said of orders.",
            title="Note",
        ),
    ],
)


def test_a_table_that_does_not_say_it_is_put_aside_for_the_next_one():
    shelves = {"orders": SHELVES}
    said = policy("<think>No.</think>\n<answer>unknown</answer>", query(COUNT))
    path = rr.ask("Norway?", kbs=shelves, policy=said, method="r1_router?max_steps=1", prompts=Prompts())
    assert (path.steps[0].answer, path.steps[0].evidence[0].result.sql) == ("2", COUNT)
    assert {piece.id for piece in path.steps[0].evidence[1:]} == {"s#0", "o#0", "n"}


def test_where_no_table_says_it_what_is_of_none_is_read():
    asked = []

    def reply(ask):
        asked.append(ask)
        if ask.purpose == "query":
            return Reply("<think>No.</think>\n<answer>unknown</answer>")
        if ask.purpose == "plan":
            return Reply("<think>hm</think>\n<sub-question>Orders from Norway?</sub-question>\n<ret>orders</ret>")
        return Reply("<think>No.</think>\n<answer>unknown</answer>")

    shelves = {"orders": SHELVES}
    path = rr.ask("Norway?", kbs=shelves, policy=rr.Scripted(reply), method="r1_router?max_steps=1", prompts=Prompts())
    assert [ask.purpose for ask in asked] == ["plan", "query", "query", "answer", "final"]
    assert "A note about" in asked[3].messages[-1].content
    assert "Ines" not in asked[3].messages[-1].content
    assert path.steps[0].answer == "unknown"
    assert [piece.id for piece in path.steps[0].evidence][:1] == [asked_first(asked[1])]


def asked_first(ask):
    """The id of the table that this request shows."""
    return "s#0" if "Ines" in ask.messages[-1].content else "o#0"


def rank(supports):
    """The order in which two tables and a note are asked whose likeliest queries have this support."""
    notes, shelves = SHELVES.search([Query("Orders from Norway?")], k=3)[0], {"s": supports[0], "o": supports[1]}
    prompts = Prompts()
    prompts.likely_queries = 1
    flow = rank_tables([(piece,) for piece in notes], "Orders from Norway?", prompts)
    asked = next(flow, None)
    while True:
        try:
            support = shelves[asked.id[0]]
            if support is None:
                asked = flow.throw(QueryError("SELECT", "gone"))
            else:
                asked = flow.send(TableView(rows=(("Orders",),), likely=(LikelyQuery("SELECT", support, support),)))
        except StopIteration as end:
            return [part[0].id for part in end.value[0]]


def test_the_table_that_is_much_likelier_to_say_it_is_asked_first():
    first, second, note = (piece.id for piece in SHELVES.search([Query("Orders from Norway?")], k=3)[0])
    assert (first, note) == ("s#0", "n")
    assert rank((0.3, 0.4)) == [first, second, note]
    assert rank((0.3, 0.8)) == [second, first, note]
    assert rank((None, 0.01)) == [second, first, note]
    assert rank((1.0, 1.0)) == [first, second, note]


def test_a_table_that_says_the_words_asked_for_and_is_found_more_often_is_likelier_meant():
    question, seen = "Orders from Norway?", TableView(likely=(LikelyQuery("SELECT", 0.5, 0.5),))
    piece = Evidence("kb", "s#0", "…", title="Staff")
    views = {
        "title": weigh_table(question, seen, [replace(piece, title="Orders")], first=False),
        "file": weigh_table(question, seen, [replace(piece, location=Location("a/orders.csv"))], first=False),
        "column": weigh_table(question, replace(seen, columns=(ViewedColumn("Order", "text"),)), [piece], first=False),
        "cell": weigh_table(question, replace(seen, rows=(("Norway",),)), [piece], first=False),
        "folder": weigh_table(question, seen, [replace(piece, location=Location("orders/a.csv"))], first=False),
        "nothing": weigh_table(question, seen, [piece], first=False),
    }
    assert {name for name, weight in views.items() if weight > views["nothing"]} == {"title", "file", "column", "cell"}
    assert weigh_table(question, seen, [piece, piece], first=False) > views["nothing"]
    assert weigh_table(question, seen, [piece], first=True) > views["nothing"]
    assert weigh_table(question, TableView(), [piece], first=False) < views["nothing"]


def read_from(of_table, text, confidence):
    return Reading(of_table, rr.Trajectory(rr.Question("q")), rr.Answer("", text, confidence=confidence))


@pytest.mark.parametrize(
    ("readings", "answer"),
    [
        ([(True, "12", 0.27), (False, "18 euros", 0.99)], "18 euros"),
        ([(False, "650", 0.68), (True, "108.8", 0.97)], "108.8"),
        ([(True, "20", 0.41), (False, "unknown", 0.69)], "unknown"),
        ([(True, "unknown", 0.99), (False, "18 euros", 0.2)], "18 euros"),
        ([(False, "first", None), (True, "second", 0.9)], "first"),
        ([(True, "unknown", None), (False, "unknown", None)], "unknown"),
    ],
)
def test_of_two_readings_the_likelier_stands(readings, answer):
    assert choose_reading([read_from(*reading) for reading in readings]).answer.text == answer


def test_a_step_that_was_unsure_reads_tables_and_the_rest():
    notes = MemoryKnowledgeBase(
        Card("notes", "text", "Notes on orders"), [Evidence("notes", "n#0", "Norway ordered 3 times.", title="Norway")]
    )
    asked = []

    def reply(ask):
        asked.append(ask.purpose)
        if ask.purpose == "query":
            return Reply(query(COUNT))
        if ask.purpose == "plan":
            return Reply("<think>hm</think>\n<sub-question>Orders from Norway?</sub-question>\n<ret>orders</ret>")
        return Reply("<answer>3</answer>")

    method = "r1_router?max_steps=1&min_confidence=1"
    kbs = {"orders": KB, "notes": notes}
    path = rr.ask("How many?", kbs=kbs, policy=rr.Scripted(reply), method=method, prompts=Prompts())
    assert sorted(path.steps[0].routes) == ["notes", "orders"]
    assert {"query", "answer"} <= set(asked)
    assert path.steps[0].note.endswith("was read, too, and is less likely")


def test_a_refused_query_is_asked_for_again_with_the_reason():
    events = run([query('SELECT "Town" FROM t'), query(COUNT)])
    [refused] = [event for event in events if isinstance(event, Malformed)]
    assert "Town" in refused.reason
    assert events[-1].trajectory.steps[0].answer == "2"


def test_a_query_that_is_refused_to_the_last_is_followed_by_reading():
    bad = query("DROP TABLE t")
    path = run([bad] * 3)[-1].trajectory
    assert path.steps[0].answer == "read"
    assert path.steps[0].note.startswith("the table was not queried: ")
    assert len(path.format_errors) == 3


def test_an_empty_result_is_followed_by_reading():
    sql = 'SELECT "Order" FROM t WHERE "Country" = \'Chad\''
    [step] = run([query(sql)])[-1].trajectory.steps
    assert (step.answer, step.note) == ("read", f"the query gave nothing: {sql}")


def test_a_long_result_is_evidence_to_be_read():
    [step] = run([query("SELECT * FROM t")])[-1].trajectory.steps
    assert step.answer == "read"
    assert len(step.evidence[0].result.rows) == 4
    assert step.evidence[0].text.startswith("SELECT * FROM t\n1 | Norway | 120")


@pytest.mark.parametrize("method", ["r1_router", *BASELINES])
def test_every_method_that_retrieves_can_be_run_with_and_without_queries(method):
    asked = run([query(COUNT)] * 3, method=f"{method}?tables=query")[-1].trajectory
    assert any(e.result for step in asked.steps for e in step.evidence)
    read = run([], method=f"{method}?tables=read")[-1].trajectory
    assert not any(e.result for step in read.steps for e in step.evidence)


@pytest.mark.parametrize("method", BASELINES)
def test_baselines_read_as_their_papers_do(method):
    assert "query" not in run([], method=method)[-1].trajectory.usage.seconds


def test_another_use_of_tables_is_refused_with_what_there_is():
    with pytest.raises(InputError, match="tables are for query or for read, not for 'both'"):
        run([], method="r1_router?tables=both")


def test_a_prompt_set_without_the_form_only_reads(tmp_path):
    (tmp_path / "set.toml").write_text("[form]\ntable_queries = false\n")
    path = rr.ask("Orders?", kbs={"orders": KB}, policy=policy(), prompts=Prompts(tmp_path))
    assert path.steps[0].answer == "read"


CUSTOMERS = TableBlock("Customers", header=("Country", "Currency"), rows=(("Norway", "NOK"), ("Ireland", "EUR")))
SHOP = MemoryKnowledgeBase(
    KB.card,
    [
        Evidence(
            "orders", f"{name}#0", table.text, title=table.title, location=Location("shop.sqlite"), record=name,
            table=table,
        )
        for name, table in (("o", ORDERS), ("c", CUSTOMERS))
    ],
)  # fmt: skip
JOIN = 'SELECT SUM("Amount") FROM t JOIN "Customers" USING ("Country") WHERE "Currency" = \'NOK\''


def join(prompts: Prompts):
    """The request to query a table beside which another one stands, and the step that came of it."""
    seen = []

    def reply(ask):
        seen.append(ask)
        return Reply(query(JOIN) if ask.purpose == "query" else "<answer>read</answer>")

    said = "What did orders from Norway cost in NOK, order by order, country and amount?"
    path = rr.ask(
        said, kbs={"orders": SHOP}, policy=rr.Scripted(reply), method="vanilla_rag?tables=query", prompts=prompts
    )
    return seen[0], path.steps[0]


def test_a_query_joins_the_tables_of_one_file_where_the_prompt_set_says_so():
    ask, step = join(Prompts())
    assert 'The query may join "Customers", another table of the file: 2 rows' in ask.messages[-1].content
    assert "query-text" in ask.shape.alternatives[1][-1].grammar
    assert step.evidence[0].result.rows == (("1360",),)


def test_elsewhere_a_query_sees_one_table_and_its_prompt_tells_of_no_other():
    ask, step = join(Prompts(SHORT))
    assert "Currency" not in ask.shape.alternatives[1][-1].grammar
    assert "may join" not in ask.messages[-1].content
    assert step.note.startswith('the table was not queried: there is no table "Customers"')


class Unasked:
    """A knowledge base with tables and no engine."""

    card = KB.card

    def search(self, queries, *, k):
        return KB.search(queries, k=k)


def test_a_knowledge_base_that_cannot_be_asked_is_read_and_the_step_says_so():
    path = rr.ask("Orders from Norway?", kbs={"orders": Unasked()}, policy=policy(), prompts=Prompts())
    assert path.steps[0].answer == "read"
    assert path.steps[0].note == "the table was not queried: the tables of orders cannot be queried"


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ('SELECT "Average" FROM t WHERE "Player" = \'Smith\'', "0.305"),
        ('SELECT "Average" FROM t WHERE "Player" = \'Jones\'', "0.2875"),
        ('SELECT avg("Average") FROM t', "0.32"),
        ('SELECT avg("Average") + 100 FROM t WHERE "Player" <> \'Hill\'', "100.29625"),
        ('SELECT avg("Average" * 100) FROM t WHERE "Player" <> \'Hill\'', "29.62"),
        ('SELECT avg("Average" * 1000) FROM t WHERE "Player" = \'Smith\'', "305"),
        ('SELECT min("Average") / 1000 FROM t', "0.0002875"),
        ('SELECT max("Average") / 700 FROM t', "0.00052"),
    ],
)
def test_an_answer_is_a_cell_as_it_stands_and_a_division_without_end_is_rounded(sql, answer):
    table = TableBlock(
        "Batting", header=("Player", "Average"), rows=(("Smith", "0.305"), ("Jones", "0.2875"), ("Hill", "0.362"))
    )
    assert read_answer_off(compute(table, sql)) == answer


def test_a_result_lies_in_the_rows_that_it_rests_on_or_where_those_are_too_many_in_the_whole_table():
    table = TableBlock("Numbers", header=("n", "m"), rows=tuple((str(n), "x") for n in range(500)))
    piece = Evidence("numbers", "n#0", "", location=Location("numbers.csv", rows=(1, 20)), table=table)
    for sql, rows in (('SELECT count(*) FROM t WHERE "n" < 3', (1, 3)), ("SELECT count(*) FROM t", None)):
        made = make_evidence(piece, compute(table, sql))
        assert made.location == Location("numbers.csv", rows=rows)


def test_a_driver_serves_tables_alone_or_with_those_of_the_same_file():
    blocks = {name: TableBlock(name, header=("a", "b"), rows=((name, "1"),)) for name in ("One", "Two")}
    entries = [
        Evidence("t", name, block.text, title=name, table=block, location=Location("book.xlsx"))
        for name, block in blocks.items()
    ]
    serve = serve_tables({"t": MemoryKnowledgeBase(Card("t", "table", "Sheets"), entries), "text": NoTables()})

    async def ask(request):
        return (await serve[type(request)](request)).result

    for joined in (False, True):
        view = asyncio.run(ask(Inspect("t", "One", "Which?", joined=joined)))
        assert [other.name for other in view.others] == ["Two"] * joined
    sql = 'SELECT "Two"."a" FROM t JOIN "Two" USING ("b")'
    assert asyncio.run(ask(Compute("t", "One", sql, joined=True))).rows == (("Two",),)
    for request in (Compute("t", "One", sql), Compute("text", "One", sql), Inspect("text", "One", "Which?")):
        with pytest.raises(QueryError):
            asyncio.run(ask(request))


class NoTables:
    card = Card("text", "text", "Passages")

    def search(self, queries, *, k=5):
        return [[] for _ in queries]

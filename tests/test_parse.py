"""The reply's form: reading is the inverse of writing, and reading raises nothing but `ParseError`."""

import math
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from r1router import parse
from r1router.errors import ParseError
from r1router.types import Answer, Reply, Shape, Step, Tag, Token

ROUTES = {"text": "text", "Image Retriever": "image", "table": "geo-table"}
LABELS = {name: label for label, name in ROUTES.items()}

one_line = (
    st.text(st.characters(blacklist_characters="<>`", blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1)
    .map(lambda s: " ".join(s.split()))
    .filter(lambda s: s and not parse.says_nothing(s))
)
steps = st.builds(
    lambda thought, asked, route: Step(thought=thought, sub_question=asked, routes=(route,)),
    st.just("") | one_line,
    one_line,
    st.sampled_from(list(ROUTES.values())),
)


@settings(deadline=None)
@given(steps)
def test_reading_a_written_step_gives_it_back(step):
    assert parse.read_step(Reply(parse.write_step(step, LABELS[step.routes[0]])), ROUTES) == step


@settings(deadline=None)
@given(st.just("") | one_line)
def test_reading_a_written_stop_gives_it_back(thought):
    step = Step(thought=thought)
    assert parse.read_step(Reply(parse.write_step(step, None)), ROUTES) == step


@settings(deadline=None)
@given(st.just("") | one_line, one_line)
def test_reading_a_written_answer_gives_it_back(thought, text):
    assert parse.read_answer(Reply(parse.write_answer(Answer(thought, text)))) == Answer(thought, text)


@settings(deadline=None)
@given(steps, st.booleans())
def test_reading_a_written_query_or_route_gives_it_back(step, stops):
    query = Step(thought=step.thought, sub_question=None if stops else step.sub_question)
    assert parse.read_query(Reply(parse.write_query(query))) == query
    route = Step(thought=step.thought, routes=() if stops else step.routes)
    label = None if stops else LABELS[step.routes[0]]
    assert parse.read_route(Reply(parse.write_route(route, label)), ROUTES) == route


@settings(deadline=None)
@given(one_line)
def test_reading_a_written_sentence_gives_its_first_one_back(sentence):
    read = parse.read_sentence(Reply(parse.write_sentence(sentence)))
    assert sentence.startswith(read)
    assert parse.read_sentence(Reply(parse.write_sentence(read))) == read


fragments = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<sub-question>", "</sub-question>", "<ret>", "</ret>", "<answer>", "</answer>", "None",
         "text", "table", "```", "\n", "<", ">", "/", "</", "Who?"]
    )
    | st.text(max_size=5),
    max_size=12,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(fragments)
@example("<ret><sub-question>")
def test_the_parser_raises_nothing_but_its_own_error(text):
    routed = (lambda r: parse.read_step(r, ROUTES), lambda r: parse.read_route(r, ROUTES))
    for read in (*routed, parse.read_query, parse.read_sentence, parse.read_answer):
        refused = None
        try:
            read(Reply(text))
        except ParseError as error:
            refused = error
        assert refused is None or (refused.reason and refused.reply == text)


@pytest.mark.parametrize(
    "text",
    [
        "<think>x</think>\n<sub-question>Where is Oslo?</sub-question>\n<ret>table</ret>",
        "<THINK>x</THINK><Sub-Question> Where is Oslo? </Sub-Question><RET>Table</RET>",
        "Sure! A step:\n```xml\n<think>x</think>\n<sub_question>Where is Oslo?</sub_question>\n<ret>TABLE.</ret>\n```",
        "x</think><sub-question>Where is Oslo?</sub-question><ret>`table`</ret> I hope this helps.",
        "<think>x <sub-question>Where is Oslo?</sub-question> <ret>the geo-table knowledge base",
        "<think>x</think>< sub-question >Where is Oslo?<ret>table</ret>",
    ],
)
def test_what_models_really_write_is_read(text):
    step = parse.read_step(Reply(text), ROUTES)
    assert (step.sub_question, step.routes) == ("Where is Oslo?", ("geo-table",))
    assert step.thought == "x"


def test_a_step_without_a_thought_is_read():
    step = parse.read_step(Reply("<sub-question>Where?</sub-question><ret>text</ret>"), ROUTES)
    assert step == Step(sub_question="Where?", routes=("text",))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the reply is empty"),
        ("Oslo is in Norway.", "the tag sub-question is missing"),
        ("<sub-question>Where?</sub-question>", "the tag ret is missing"),
        ("<sub-question>Where?</sub-question><ret>video</ret>", "'video', which is not one of: text, Image Retriever"),
        ("<sub-question>Where?</sub-question><ret>text or table</ret>", "not one of"),
        ("<sub-question>None</sub-question><ret>text</ret>", "sub-question says None but ret does not"),
        ("<sub-question>Where?</sub-question><ret>None</ret>", "ret says None but sub-question does not"),
    ],
)
def test_a_malformed_step_is_refused_with_its_reason(text, reason):
    with pytest.raises(ParseError, match=re.escape(reason)):
        parse.read_step(Reply(text), ROUTES)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("<think>Oslo is in Norway. It is its capital.</think>", "Oslo is in Norway."),
        ("<think>Dr. Dent and J. R. Ewing met. Then she left.", "Dr. Dent and J. R. Ewing met."),
        ("It has 717,710 people, i.e. 13 % of Norway's.", "It has 717,710 people, i.e. 13 % of Norway's."),
        ('He said "Go!" Élise went.', 'He said "Go!"'),
        ("x</think>", "x"),
        ("```\nSo the answer is: Oslo\n```", "So the answer is: Oslo"),
        ("<sentence>Oslo</sentence>", "<sentence>Oslo</sentence>"),
    ],
)
def test_the_first_sentence_is_read_tagged_or_not(text, first):
    assert parse.read_sentence(Reply(text)) == first


@pytest.mark.parametrize(
    ("read", "text", "reason"),
    [
        (parse.read_query, "Where?", "the tag sub-question is missing"),
        (
            lambda reply: parse.read_route(reply, ROUTES),
            "<ret>video</ret>",
            "'video', which is not one of: text, Image",
        ),
        (lambda reply: parse.read_route(reply, ROUTES), "text", "the tag ret is missing"),
        (parse.read_sentence, "<think></think>", "the tag think is missing or empty"),
    ],
)
def test_a_malformed_query_route_or_sentence_is_refused_with_its_reason(read, text, reason):
    with pytest.raises(ParseError, match=re.escape(reason)):
        read(Reply(text))


def test_the_case_of_an_answer_is_kept():
    assert parse.read_answer(Reply("<answer>IBM and iPhone</answer>")).text == "IBM and iPhone"
    assert parse.read_answer(Reply("<answer> ` IBM ` </answer>")).text == "IBM"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Oslo", "the tag answer is missing"),
        ("<answer></answer>", "the tag answer is empty"),
        ("<answer>`` ``</answer>", "the tag answer is empty"),
        ("<think>Oslo</think>", "the tag answer is missing"),
    ],
)
def test_a_missing_answer_is_refused_with_its_reason(text, reason):
    with pytest.raises(ParseError, match=reason):
        parse.read_answer(Reply(text))


def test_what_is_left_of_a_refused_answer_can_be_salvaged():
    assert parse.salvage_answer("<think>hm</think>```\n The city is Oslo. \n```") == Answer("hm", "The city is Oslo.")
    assert parse.salvage_answer("`Malcolm X`") == Answer("", "Malcolm X")


@settings(deadline=None)
@given(steps)
def test_written_steps_match_the_regular_expression_of_their_shape(step):
    shape = parse.make_step_shape(list(ROUTES), think=10_000 if step.thought else 0, sub_question=10_000)
    written = parse.write_step(step, LABELS[step.routes[0]])
    long_enough = len(step.sub_question or "") >= len(parse.STOP) + 2
    assert bool(re.fullmatch(parse.write_regex(shape), written)) == long_enough
    assert re.fullmatch(parse.write_regex(shape), parse.write_step(Step(thought=step.thought), None))


@settings(deadline=None)
@given(steps)
def test_written_queries_routes_and_sentences_match_the_regular_expressions_of_their_shapes(step):
    thought = 10_000 if step.thought else 0
    query = parse.write_regex(parse.make_step_shape(None, think=thought, sub_question=10_000))
    long_enough = len(step.sub_question or "") >= len(parse.STOP) + 2
    assert bool(re.fullmatch(query, parse.write_query(step))) == long_enough
    assert re.fullmatch(query, parse.write_query(Step(thought=step.thought)))
    route = parse.write_regex(parse.make_step_shape(list(ROUTES), think=thought, sub_question=0))
    assert re.fullmatch(route, parse.write_route(step, LABELS[step.routes[0]]))
    assert re.fullmatch(route, parse.write_route(step, None))
    sentence = parse.write_regex(parse.make_sentence_shape(sentence=10_000))
    assert re.fullmatch(sentence, parse.write_sentence(step.sub_question))


@settings(deadline=None)
@given(st.just("") | one_line, one_line)
def test_a_spaced_answer_has_the_form_of_its_shape_and_is_read_without_the_space(thought, text):
    said = parse.write_answer(Answer(thought, text), spaced=True)
    assert f"<answer> {text}</answer>" in said
    assert parse.read_answer(Reply(said)) == Answer(thought, text)
    shape = {
        spaced: parse.make_answer_shape(think=10_000 * bool(thought), answer=10_000, spaced=bool(spaced))
        for spaced in (0, 1)
    }
    assert re.fullmatch(parse.write_regex(shape[1]), said)
    assert not re.fullmatch(parse.write_regex(shape[0]), said)
    assert not re.fullmatch(parse.write_regex(shape[1]), parse.write_answer(Answer(thought, text)))


def test_a_shape_without_knowledge_bases_only_lets_the_policy_stop():
    assert not re.search("ret>x", parse.write_regex(parse.make_step_shape([])))
    assert re.fullmatch(parse.write_regex(parse.make_step_shape([], think=0)), parse.write_step(Step(), None))


def test_a_query_takes_the_place_of_the_answer_behind_the_same_thought():
    shape = parse.add_query(parse.make_answer_shape(), "root ::= .*")
    assert [tuple(tag.name for tag in tags) for tags in shape.alternatives] == [("think", "answer"), ("think", "query")]


def test_labels_are_quoted_in_the_grammar():
    assert r'"say \"hi\""' in parse.write_gbnf(parse.make_step_shape(['say "hi"']))


def test_a_grammar_is_one_rule_for_all_forms_and_two_for_letters():
    said = parse.write_gbnf(parse.make_step_shape(["Text", "a\\b"], think=9, sub_question=8))
    assert said.splitlines() == [
        'root ::= "<think>" first char{0,8} "</think>" "\\n" "<sub-question>" first char{5,7} "</sub-question>" "\\n" '
        '"<ret>" ("Text" | "a\\\\b") "</ret>" | "<think>" first char{0,8} "</think>" "\\n" '
        '"<sub-question>" ("None") "</sub-question>" "\\n" "<ret>" ("None") "</ret>"',
        "first ::= [^<\\n\\r\\t ]",
        "char ::= [^<\\n\\r]",
    ]


def test_a_tag_with_a_grammar_of_its_own_brings_its_rules_into_the_shape():
    tag = Tag("answer", spaced=True, grammar='answer ::= answer-name "." | "none"\nanswer-name ::= "Oslo" | "Bergen"\n')
    both = Shape(((Tag("think"), tag), (tag,)))
    rules = parse.write_gbnf(both)
    assert '"<answer>" " " answer "</answer>"' in rules
    assert rules.count("answer-name ::=") == 1
    assert re.fullmatch(parse.write_regex(both), "<answer> anything at all</answer>")


def test_a_decoder_without_grammars_may_still_write_comparisons():
    shape = Shape(((Tag("query", grammar='query ::= "SELECT 1"'),),))
    assert re.fullmatch(parse.write_regex(shape), '<query>SELECT "a" FROM t WHERE "b" <= 3 AND "c" < 2</query>')
    assert not re.fullmatch(parse.write_regex(shape), "<query>SELECT 1</query><query>SELECT 2</query>")


# ── route probabilities ────────────────────────────────────────────────────────────────────────


def token(text, probability=1.0, **others):
    top = {text: probability, **others}
    return Token(text, math.log(probability), tuple((t, math.log(p)) for t, p in top.items()))


def test_route_probabilities_come_from_the_labels_log_probabilities():
    tokens = (
        token("<sub-question>"),
        token("Who", 0.8, **{"None": 0.2}),
        token("?</sub-question><ret>"),
        token("text", 0.6, ta=0.2, Image=0.1, zebra=0.1),
        token("</ret>"),
    )
    step = parse.read_step(Reply("".join(t.text for t in tokens), tokens), ROUTES)
    assert step.probabilities == pytest.approx(
        {"text": 0.8 * 0.6 / 0.9, "geo-table": 0.8 * 0.2 / 0.9, "image": 0.8 * 0.1 / 0.9, "none": 0.2}
    )


def test_labels_that_begin_alike_are_told_apart_where_they_part():
    routes = {"Text Retriever": "text", "Text Image Retriever": "image", "Table Retriever": "table"}
    tokens = (
        token("<sub-question>Who is it?</sub-question><ret"),
        token(">"),
        token("Text", 0.75, Table=0.25),
        token(" Image", 0.4, **{" Retriever": 0.6}),
        token(" Retriever</ret>"),
    )
    shares = parse.read_route_probabilities(tokens, routes)
    assert shares == pytest.approx({"text": 0.45, "image": 0.3, "table": 0.25, "none": 0.0})


def test_after_a_stop_only_its_own_probability_is_known():
    tokens = (token("<sub-question>"), token("None", 0.9, Who=0.1), token("</sub-question><ret>None</ret>"))
    step = parse.read_step(Reply("".join(t.text for t in tokens), tokens), ROUTES)
    assert step.probabilities == pytest.approx({"none": 0.9})


def test_in_a_reply_without_a_sub_question_none_is_one_of_the_labels():
    tokens = (token("<ret>"), token("table", 0.5, **{"None": 0.2, "Image": 0.1, "zebra": 0.2}), token("</ret>"))
    step = parse.read_route(Reply("<ret>table</ret>", tokens), ROUTES)
    assert step.probabilities == pytest.approx({"geo-table": 0.625, "none": 0.25, "image": 0.125, "text": 0.0})


def test_without_log_probabilities_no_probability_is_made_up():
    text = "<sub-question>Who?</sub-question><ret>text</ret>"
    assert parse.read_step(Reply(text, (Token(text, -0.1),)), ROUTES).probabilities == {}


def test_a_label_that_begins_inside_a_token_is_read_from_there():
    tokens = (
        token("<sub-question>Who?</sub-question><ret"),
        token(">te", 0.6, **{">ima": 0.3, ">ze": 0.1}),
        token("xt</ret>"),
    )
    shares = parse.read_route_probabilities(tokens, ROUTES)
    assert shares == pytest.approx({"text": 0.6 / 0.9, "image": 0.3 / 0.9, "geo-table": 0.0, "none": 0.0})


def test_a_stop_that_begins_inside_a_token_is_read_from_there():
    tokens = (token("<sub-question"), token(">Who", 0.7, **{">None": 0.3}), token("?</sub-question><ret>text</ret>"))
    assert parse.read_route_probabilities(tokens, {"text": "text"}) == pytest.approx({"text": 0.7, "none": 0.3})


def test_how_sure_an_answer_is_begins_with_its_first_letter():
    tokens = (token("<answer>"), token(" ", 0.5), token("18", 0.6, unknown=0.3), token("</answer>"))
    confidence, doubt = parse.read_answer_probabilities(tokens)
    assert doubt == pytest.approx(0.3)
    assert confidence == pytest.approx(0.6)


def test_without_a_label_or_with_one_that_is_none_no_probability_is_made_up():
    asked = token("<sub-question>Who?</sub-question>")
    assert parse.read_route_probabilities((asked,), ROUTES) == {}
    zebra = (asked, token("<ret>"), token("zebra", 0.6, Image=0.4), token("</ret>"))
    assert parse.read_route_probabilities(zebra, ROUTES) == {}
    cut_off = (asked, token("<ret>"), token("zebra", 0.6, Image=0.4))
    assert parse.read_route_probabilities(cut_off, ROUTES) == {}


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=6), st.floats(-20, 0)), max_size=12))
def test_route_probabilities_are_probabilities_whatever_the_tokens(pieces):
    tokens = tuple(Token(text, p, ((text, p), ("text", -1.0), ("None", -1.5))) for text, p in pieces)
    tail = (
        token("<sub-question>"),
        token("Who is", 0.5),
        token("</sub-question><ret>"),
        token("text", 0.5),
        token("<"),
    )
    shares = parse.read_route_probabilities(tokens + tail, ROUTES)
    assert all(-1e-9 <= p <= 1 + 1e-9 for p in shares.values())
    assert sum(shares.values()) <= 1 + 1e-6


def test_labels_that_differ_only_in_punctuation_or_case_are_told_apart() -> None:
    routes = {"my-docs": "my-docs", "my_docs": "my_docs", "My Docs": "third"}
    for label, name in routes.items():
        assert parse._route(label, routes, Reply("")) == name
    with pytest.raises(ParseError):
        parse._route("MY.DOCS", routes, Reply(""))
    assert parse._route("Geo.Tables", {"geo-tables": "geo"}, Reply("")) == "geo"


# ── as a JSON schema ───────────────────────────────────────────────────────────────────────────


def test_the_schema_of_a_step_has_the_labels_and_the_stop_and_nothing_else():
    schema = parse.write_json_schema(parse.make_step_shape(["Text", "Table"]))
    assert list(schema["properties"]) == ["think", "sub-question", "ret"] == schema["required"]
    assert schema["properties"]["ret"] == {"type": "string", "enum": ["Text", "Table", "None"]}
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)


def test_a_reply_under_the_schema_of_an_answer_or_a_query_is_either():
    shape = parse.add_query(parse.make_answer_shape(), "")
    fields = parse.write_json_schema(shape)["properties"]
    assert fields["query"]["type"] == fields["answer"]["type"] == ["string", "null"]
    read = [
        parse.read_table_reply(Reply(text))
        for text in (
            '{"think": "t", "answer": null, "query": "SELECT a FROM t"}',
            '{"think": "t", "answer": "Oslo", "query": null}',
        )
    ]
    assert read[0].sql == "SELECT a FROM t"
    assert read[1].text == "Oslo"

"""Grammars whose texts are spans of the evidence."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from r1router.prompts import Prompts
from r1router.spans import ALONE, write_span_grammar
from r1router.types import Evidence, Question, Step, Trajectory

_RULE = re.compile(r"^(\S+) ::= (.*)$", re.MULTILINE)


def first_sentences(grammar, most=400):
    """The texts that a span grammar allows, read off its rules: every start, followed to the end of its line."""
    rules = dict(_RULE.findall(grammar))
    spans = set()
    for start in rules.get("answer-span", "").split(" | "):
        said, rule = "", start
        while rule and len(spans) < most:
            literals = re.findall(r'"((?:[^"\\]|\\.)*)"', rules[rule])
            said += unquote(literals[0])
            spans.add(said)
            following = re.search(r"(answer-\d+)\)\?$", rules[rule])
            if following:
                said += unquote(literals[1])
            rule = following[1] if following else ""
    return spans


def unquote(text):
    return re.sub(r"\\(.)", r"\1", text)


def test_an_answer_begins_at_any_word_and_ends_after_any():
    spans = first_sentences(write_span_grammar("answer", ["Open until 18:15, daily."]))
    assert {"18:15", "Open", "Open until 18:15", "18:15, daily", "daily"} <= spans
    assert "8:15" not in spans


def test_words_of_scripts_without_spaces_are_their_characters():
    assert "九點" in first_sentences(write_span_grammar("answer", ["早上九點開門"]))


def test_an_answer_may_also_stand_alone_and_nothing_crosses_a_line():
    grammar = write_span_grammar("answer", ["one\ntwo"])
    assert all(f'"{word}"' in grammar.split("\n")[0] for word in ALONE)
    assert not any("one" in span and "two" in span for span in first_sentences(grammar))


def test_without_evidence_only_the_words_that_stand_alone_are_left():
    assert write_span_grammar("answer", []).startswith('answer ::= "yes" | "no" | "unknown"')


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=3))
def test_whatever_is_allowed_stands_in_the_evidence(texts):
    lines = [line for text in texts for line in re.split("[\n\r<]", text)]
    for span in first_sentences(write_span_grammar("answer", texts)):
        assert any(span in line for line in lines)


def test_a_prompt_set_has_answers_copied_and_others_do_not(tmp_path):
    (tmp_path / "set.toml").write_text('[form]\nanswers = "copied"\n')
    step = Step(sub_question="Until when?", evidence=(Evidence("text", "1", "Open until 18:15."),))
    path = Trajectory(Question("Until when?"))
    copied = Prompts(tmp_path).answer_step(path, step).shape.alternatives[0][-1]
    assert "18:15" in copied.grammar
    assert Prompts().answer_step(path, step).shape.alternatives[0][-1].grammar == ""
    assert Prompts(tmp_path).answer_directly(path.question, template="direct").shape.alternatives[0][-1].grammar == ""

"""Trajectories survive the way to JSON and back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1router import from_dict, to_dict
from r1router.codec import to_json
from r1router.errors import InputError
from r1router.types import Answer, Evidence, Image, Location, Question, Step, Trajectory, Usage

text = st.text(max_size=8)
locations = st.builds(
    Location, source=text, page=st.none() | st.integers(1), rows=st.none() | st.tuples(st.integers(1), st.integers(1))
)
evidence = st.builds(Evidence, kb=text, id=text, text=text, score=st.floats(0, 1), location=st.none() | locations)
steps = st.builds(
    Step,
    thought=text,
    sub_question=st.none() | text,
    routes=st.lists(text, max_size=2).map(tuple),
    probabilities=st.dictionaries(text, st.floats(0, 1), max_size=3),
    evidence=st.lists(evidence, max_size=2).map(tuple),
    answer=text,
)
trajectories = st.builds(
    Trajectory,
    question=st.builds(Question, text=text, image=st.none() | st.builds(Image, data=st.binary(max_size=9), name=text)),
    steps=st.lists(steps, max_size=3).map(tuple),
    answer=st.none() | st.builds(Answer, thought=text, text=text, citations=st.lists(evidence, max_size=1).map(tuple)),
    stop=text,
    usage=st.builds(Usage, prompt_tokens=st.integers(0), seconds=st.dictionaries(text, st.floats(0, 9), max_size=2)),
)


@settings(deadline=None)
@given(trajectories)
def test_a_trajectory_comes_back_from_json_as_it_went(trajectory):
    line = json.dumps(to_dict(trajectory))
    assert from_dict(Trajectory, json.loads(line)) == trajectory


def test_defaults_are_left_out():
    assert to_dict(Step(answer="Oslo")) == {"answer": "Oslo"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"question": {"text": "?"}, "stpes": []}, "Trajectory has an unknown field: stpes"),
        ({"question": {"text": "?"}, "steps": [{"evidence": 3}]}, r"Trajectory.steps\[0\].evidence must be a list"),
        ({"question": "?"}, "Trajectory.question must be an object"),
        ({"question": {"text": 3}}, r"Trajectory.question.text is wrong: Input should be a valid string"),
        ({"question": {"text": "?"}, "usage": {"calls": "many"}}, "Trajectory.usage.calls is wrong: .*integer"),
        ({"question": {"text": "?", "image": {"data": "ü"}}}, "Trajectory.question.image.data is wrong"),
        ({}, "Trajectory.question is missing"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value, says):
    with pytest.raises(InputError, match=says):
        from_dict(Trajectory, value)


def test_the_bytes_of_a_noun_are_those_of_its_dict():
    nouns = [
        Trajectory(Question("Où?", Image(b"\x89PNG")), (Step("t", "q", ("text",), {"text": 0.5}),), stop="enough"),
        Evidence("text", "a#1", "Zürich \u2028 </script>", location=Location("a.md", rows=(1, 2))),
        Evidence("text", "a#1", "lone \ud800 surrogate"),
    ]
    for noun in nouns:
        written = json.dumps(to_dict(noun), ensure_ascii=False).encode("utf-8", "replace")
        assert json.loads(to_json(noun)) == json.loads(written)
        assert b"\n" not in to_json(noun)

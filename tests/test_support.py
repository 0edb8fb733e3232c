"""Whether evidence supports an answer, and how an answer ends."""

import math
from dataclasses import replace

import pytest
from rich.console import Console

from flows import KBS, STOP, answer, step
from r1router.cli.render import print_end
from r1router.errors import InputError
from r1router.evidence.support import Support, judge, measure_support, read_support
from r1router.methods import load_method
from r1router.moves.ending import verify_answer
from r1router.onnx_session import ASSETS
from r1router.parse import read_answer, read_answer_probabilities
from r1router.prompts import Prompts
from r1router.table import TableResult
from r1router.types import Answer, Ask, Evidence, Location, Question, Reply, Search, Step, Token, Trajectory

OPEN = Evidence("text", "1", "Desk\nThe desk is open until 18:15.\nDogs stay outside.", title="Desk", similarity=0.7)

ROUTER = ASSETS / "router"


def told(question, said, evidence=(OPEN,), confidence=0.9, doubt=0.01):
    return measure_support(question, said, evidence, confidence=confidence, doubt=doubt)


def test_an_answer_beside_the_words_asked_for_is_told_from_one_elsewhere():
    near, far = told("Until when is the desk open?", "18:15"), told("Until when is the desk open?", "Dogs")
    assert near["held"] == far["held"] == 1.0
    assert near["beside"] > far["beside"]


def test_a_title_is_read_in_the_language_of_the_question():
    post = Evidence("text", "1", "worth 5", title="die Post ist es")
    assert told("What is die worth?", "5", (post,))["beside"] == 1.0


MOTOR = Evidence(
    "table", "1", "Weight | 2.9 kg", title="M2 manual", record="m2", location=Location("motors/HF-2291.pdf")
)
OTHER = Evidence("text", "2", "The M4 fits the new frame.")


def judge_codes(question, *steps):
    """The ending of an answer with these steps, as the shipped weights judge codes and nothing else."""
    shipped = read_support(ROUTER / "prompts")
    path = Trajectory(Question(question), steps)
    return verify_answer(path, Answer("", steps[-1].answer), Support(constant=1.0, strange=shipped.strange)).ending


@pytest.mark.parametrize(
    ("question", "ending"),
    [
        ("What does the M4 weigh?", "not_found"),
        ("What does the M2 weigh?", "supported"),
        ("What does the M-2 of HF 2291 weigh in Q1 2025?", "supported"),
        ("Was wiegt der M2-Motor aus HF-2291?", "supported"),
        ("What does the M22 weigh?", "not_found"),
        ("What does the motor weigh?", "supported"),
        ("公司M2电机2023年的重量是多少？", "supported"),
        ("公司的电机2023年的重量是多少？", "supported"),
    ],
)
def test_a_thing_named_by_a_code_has_to_be_named_where_the_answer_stands(question, ending):
    step = Step(sub_question="What does the motor weigh?", answer="2.9 kg", evidence=(MOTOR, OTHER))
    assert judge_codes(question, step) == ending


def test_a_code_may_stand_where_another_step_found_its_answer():
    maker = Step(sub_question="Who makes the M4?", answer="Acme", evidence=(replace(OTHER, text="Acme makes the M4."),))
    phone = Step(sub_question="Acme: phone?", answer="555 100", evidence=(Evidence("table", "3", "Acme | 555 100"),))
    assert judge_codes("What is the phone number of the maker of the M4?", maker, phone) == "supported"
    assert judge_codes("What is the phone number of the maker of the M5?", maker, phone) == "not_found"


def test_a_code_may_stand_in_another_part_of_the_table_that_was_queried():
    given = TableResult("SELECT weight", ("weight",), (("2.9 kg",),))
    result = Evidence("table", "1?", "SELECT weight\n2.9 kg", record="m", result=given)
    rows = Evidence("table", "1", "M 4 | 2.9 kg", record="m")
    step = Step(sub_question="What does the M4 weigh?", answer="2.9 kg", evidence=(result, rows))
    assert judge_codes("What does the M4 weigh?", step) == "supported"
    assert (
        judge_codes("What does the M4 weigh?", replace(step, evidence=(result, replace(rows, record="n"))))
        == "not_found"
    )
    assert judge_codes("What does the M weigh?", replace(step, evidence=(replace(rows, text="M22"),))) == "supported"
    assert judge_codes("What does the M2 weigh?", replace(step, evidence=(replace(rows, text="M22"),))) == "not_found"


def test_an_answer_that_no_piece_holds_is_known():
    assert told("Who is our CEO?", "Elon Musk")["held"] == 0.0
    assert told("May dogs come in?", "no")["side"] == 1.0


def test_what_is_not_known_counts_for_nothing():
    unknown = told("Who?", "Ida", (), confidence=None, doubt=None)
    assert set(unknown.values()) == {0.0}


def test_a_doubt_and_a_similarity_have_their_bounds():
    assert [round(told("Who?", "Ida", doubt=doubt)["doubt"], 1) for doubt in (0.0, 0.5, 1.0)] == [-6.0, 0.0, 6.0]
    far, unknown = Evidence("text", "1", "Ida", similarity=0.2), Evidence("text", "2", "Ida")
    assert told("Who?", "Ida", (far, OPEN, unknown))["similarity"] == 0.7
    assert told("Who?", "Ida", (unknown,))["similarity"] == 0.0


def test_two_thresholds_make_three_endings():
    support = Support(constant=0.0, doubt=-1.0, sure=0.7, lost=0.3)
    endings = [judge(support, told("Who?", "x", doubt=doubt))[1] for doubt in (0.05, 0.5, 0.95)]
    assert endings == ["supported", "unsure", "not_found"]


def test_a_probability_at_a_threshold_has_reached_it():
    assert judge(Support(constant=0.0, sure=0.5), told("Who?", "x"))[0] == 0.5
    assert judge(Support(constant=0.0, sure=0.5), told("Who?", "x"))[1] == "supported"
    assert judge(Support(constant=0.0, sure=0.9, lost=0.5), told("Who?", "x"))[1] == "unsure"
    assert judge(Support(constant=-1e4), told("Who?", "x"))[1] == "not_found"
    assert judge(Support(constant=1e4), told("Who?", "x"))[1] == "supported"


def test_weights_come_with_the_prompt_set_and_an_unknown_one_is_refused(tmp_path):
    assert read_support(tmp_path) is None
    (tmp_path / "support.toml").write_text("doubt = -1\n")
    assert read_support(tmp_path) == Support(doubt=-1)
    (tmp_path / "support.toml").write_text("doubts = -1\n")
    with pytest.raises(InputError, match="doubts is no weight; known: beside, cited, computed, confidence"):
        read_support(tmp_path)


def test_the_doubt_of_an_answer_is_read_at_its_first_token():
    top = ((" 18", math.log(0.6)), (" unknown", math.log(0.3)))
    tokens = [Token("<answer>", 0.0, (("<answer>", 0.0),)), Token(" 18", math.log(0.6), top), Token("</answer>", 0.0)]
    confidence, doubt = read_answer_probabilities(tokens)
    assert confidence == pytest.approx(0.6)
    assert doubt == pytest.approx(0.3)
    assert read_answer_probabilities([]) == (None, None)
    read = read_answer(Reply("<answer> 18</answer>", tuple(tokens)))
    assert (read.confidence, read.doubt) == (confidence, doubt)


def ask(prompts, replies, found):
    """The trajectory of a question over one knowledge base in which everything finds `found`."""
    replies, brought = iter(replies), None
    flow = load_method("r1_router")(Question("Who is our CEO?"), {"text": KBS["text"]}, prompts=prompts)
    try:
        while True:
            match flow.send(brought):
                case Ask():
                    brought = Reply(next(replies))
                case Search():
                    brought = [found]
                case _:
                    brought = None
    except StopIteration as end:
        return end.value


def test_an_answer_that_the_evidence_does_not_support_is_not_given(tmp_path):
    (tmp_path / "support.toml").write_text("constant = -3\nheld = 6\n")
    replies = [step("Who is our CEO?", "text"), answer("Elon Musk"), STOP, answer("Elon Musk")]
    path = ask(Prompts(tmp_path), replies, [OPEN])
    assert (path.answer.text, path.answer.ending, path.answer.guess) == ("unknown", "not_found", "Elon Musk")
    assert path.sources == ()
    held = [Evidence("text", "2", "Our CEO is Ida Holm.")]
    replies = [step("Who is our CEO?", "text"), answer("Ida Holm"), STOP, answer("Ida Holm")]
    path = ask(Prompts(tmp_path), replies, held)
    assert (path.answer.text, path.answer.ending) == ("Ida Holm", "supported")
    assert path.sources == tuple(held)


def test_what_is_hardly_supported_cites_nothing_and_shows_what_is_nearest(tmp_path):
    replies = [step("When does the desk close?", "text"), answer("18:15"), STOP, answer("18:15")]
    for cited, told in ((0.4, True), (0.6, False)):
        (tmp_path / "support.toml").write_text(f"constant = 0\nsure = 0.9\ncited = {cited}\n")
        path = ask(Prompts(tmp_path), replies, [OPEN])
        assert (path.answer.text, path.answer.ending, bool(path.sources)) == ("18:15", "unsure", told)
        assert path.answer.nearest == (None if told else OPEN)
        shown = Console(record=True, width=100)
        print_end(path, shown)
        assert ("which may not say it" in shown.export_text()) is not told
    asked = Question("When does the desk close?")
    held, other = replace(OPEN, id="2"), Evidence("text", "3", "Bikes")
    found = Trajectory(asked, (Step(sub_question=asked.text, answer="18:15", evidence=(other, held)),))
    for cited in ((held,), ()):
        shy = verify_answer(found, Answer("", "18:15", citations=cited), Support(sure=0.9, cited=0.6))
        assert (shy.citations, shy.nearest) == ((), held if cited else other)
    nothing = verify_answer(found, Answer("", "unknown"), Support())
    assert (nothing.ending, nothing.nearest) == ("not_found", other)
    assert verify_answer(found, Answer("", "18:15", citations=(held,)), Support(sure=0.5, cited=0.9)).nearest is None
    assert ask(Prompts(), replies, []).answer.nearest is None


def test_without_weights_and_without_verifying_answers_are_taken_as_they_are(tmp_path):
    replies = [step("Who is it?", "text"), answer("Elon Musk"), STOP, answer("Elon Musk")]
    assert ask(Prompts(), replies, [OPEN]).answer.ending == ""

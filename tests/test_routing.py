"""What a look sees, and how it makes up a route with what the policy says."""

from dataclasses import replace

import pytest

from flows import KBS, STOP, answer, drive, play, step, with_probabilities
from r1router import parse
from r1router.errors import BudgetSpent, InputError
from r1router.evidence.support import Support
from r1router.moves.ending import find_earlier_answer, finish, repeat_only_answer, verify_answer
from r1router.moves.pictures import ask_of_picture, drop_preface, name_picture
from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.routing.odds import Odds, estimate_probabilities, fuse_odds, read_odds
from r1router.routing.sights import LINE, describe_sights, name_records
from r1router.table import TableResult
from r1router.types import Answer, Ask, Evidence, Image, Question, Reply, Search, Sight, Step, Trajectory

NEAR = Sight("table", "Plants: Vamma | 1915", 0.7, 1.0)
FAR = Sight("text", "Holidays", 0.2, 0.25)
NOTHING = Sight("image")


def piece(kb, text, similarity, title=""):
    return Evidence(kb, "1", text, title=title, similarity=similarity)


def test_a_sight_shows_the_line_with_the_words_asked_for_and_how_many_of_them_are_there():
    found = {
        "text": [piece("text", "Rules\nBring a towel.\nThe sauna opens at nine.", 0.4, title="Rules")],
        "table": [],
    }
    text, table = describe_sights("When does the sauna open on Sunday?", found)
    assert text == Sight("text", "Rules: The sauna opens at nine.", 0.4, text.matched)
    assert 0 < text.matched < 1
    assert table == Sight("table")


def test_a_long_line_is_cut_around_the_words_asked_for():
    line = " ".join(["and so on"] * 100) + " the heron stands there " + " ".join(["and more"] * 100)
    (sight,) = describe_sights("Where is the heron?", {"text": [piece("text", line, 0.5)]})
    assert "heron" in sight.line
    assert len(sight.line) <= LINE + 1


def test_the_nearest_knowledge_base_is_the_most_probable_and_one_without_entries_is_impossible():
    fused = fuse_odds(Odds(), [FAR, NEAR, NOTHING], KBS, {})
    assert list(fused) == ["table", "text", "image"]
    assert fused["table"] > 0.9
    assert fused["image"] == 0
    assert sum(fused.values()) == pytest.approx(1)


def test_the_policy_can_outvote_a_small_difference_and_keeps_its_share_for_stopping():
    close = Sight("text", "Plants", NEAR.similarity - 0.01, 1.0)
    said = {"text": 0.79, "table": 0.01, NO_ROUTE: 0.2}
    fused = fuse_odds(Odds(), [close, NEAR], KBS, said)
    assert fused["text"] > fused["table"]
    assert fused[NO_ROUTE] == 0.2
    assert sum(fused.values()) == pytest.approx(1)


def test_what_an_earlier_step_has_found_speaks_against_its_knowledge_base():
    found = {"table": [piece("table", "Vamma | 1915", 0.7)], "text": [piece("text", "Vamma is a plant.", 0.65)]}
    known = name_records([Step(evidence=(piece("table", "Vamma | 1915", 0.7),))])
    table, text = describe_sights("Where is Vamma?", found, known)
    assert table.again
    assert not text.again
    first = fuse_odds(Odds(), describe_sights("Where is Vamma?", found), KBS, {})
    later = fuse_odds(Odds(), [table, text], KBS, {})
    assert (next(iter(first)), next(iter(later))) == ("table", "text")


def test_words_before_the_whole_question_are_dropped_where_its_picture_says_which():
    asked, pictures = Question("How many live here?", Image(b"x")), {"image": KBS["image"]}
    preface = Step(sub_question="Which one is meant: how many  live here?", routes=("image",))
    told = drop_preface(Trajectory(asked), pictures, preface)
    assert (told.sub_question, told.note.endswith("the question itself is asked")) == (asked.text, True)
    later, plain = Trajectory(asked, (preface,)), Trajectory(Question(asked.text))
    for path, kbs in ((later, pictures), (plain, pictures), (Trajectory(asked), {"text": KBS["text"]})):
        assert drop_preface(path, kbs, preface) is preface
    for words in (asked.text, "How many live here? And where?", "Where is it?", None):
        other = replace(preface, sub_question=words)
        assert drop_preface(Trajectory(asked), pictures, other) is other


def test_the_policy_is_believed_more_after_the_first_step():
    close, odds = Sight("text", "Plants", NEAR.similarity - 0.1, 1.0), Odds(policy=0.2, later=0.6)
    told = {"table": 0.1, "text": 0.9}
    first, later = (fuse_odds(odds, [close, NEAR], KBS, told, later=after) for after in (False, True))
    assert (next(iter(first)), next(iter(later))) == ("table", "text")
    assert fuse_odds(odds, [close, NEAR], KBS, {}, later=True) == fuse_odds(odds, [close, NEAR], KBS, {})


def test_a_route_that_is_only_named_counts_as_one_with_probabilities():
    supposed = estimate_probabilities("text", KBS)
    assert sum(supposed.values()) == pytest.approx(1)
    close = Sight("text", "Plants", NEAR.similarity - 0.05, 1.0)
    assert next(iter(fuse_odds(Odds(), [close, NEAR], KBS, {}))) == "table"
    assert next(iter(fuse_odds(Odds(), [close, NEAR], KBS, supposed))) == "text"
    assert estimate_probabilities("text", {"text": KBS["text"]}) == {"text": 0.85}


def test_where_nothing_is_seen_the_policy_is_believed():
    assert fuse_odds(Odds(), [NOTHING], KBS, {"text": 0.9}) == {"text": 0.9}


def test_weights_come_with_the_prompt_set_and_an_unknown_one_is_refused(tmp_path):
    (tmp_path / "odds.toml").write_text("similarity = 3\n")
    assert read_odds(tmp_path) == Odds(similarity=3)
    assert Prompts(tmp_path).odds == Odds(similarity=3)
    (tmp_path / "odds.toml").write_text("similarty = 3\n")
    with pytest.raises(InputError, match="similarty is no weight; known: again, image"):
        read_odds(tmp_path)
    (tmp_path / "odds.toml").write_text("similarity = three\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_odds(tmp_path)


def test_the_plan_shows_what_was_seen_and_nothing_where_nobody_looked():
    path = Trajectory(Question("Which plant is the oldest?"))
    looked = Prompts().next_step(path, KBS, sights=[NEAR, FAR]).messages[-1].content
    assert "- table (70): Plants: Vamma | 1915" in looked
    blind = Prompts().next_step(path, KBS).messages[-1].content
    assert blind == looked.split("\nWhat each knowledge base")[0]


def overrule(found):
    """The trajectory of a question whose policy names text where table has nearer entries; `found` by name."""

    def look(request):
        assert request.routes == ("text", "image", "table")
        return [[piece("text", "Holidays", 0.1)], [], [piece("table", "Plants: which plant is oldest", 0.8)]]

    replies = iter(
        [with_probabilities("Which plant is oldest?", "text", table=0.3), answer("Vamma"), STOP, answer("Vamma")]
    )

    def reply(_):
        text = next(replies)
        return text if isinstance(text, Reply) else Reply(text)

    _, path = drive("r1_router", reply, lambda s: [found.get(n, []) for n in s.routes], "Oldest plant?", look=look)
    return path


def test_the_route_follows_what_was_seen_and_says_where_the_policy_was_overruled():
    step = overrule({"table": [piece("table", "Vamma", 0.8)]}).steps[0]
    assert step.routes == ("table",)
    assert step.note == "the policy named text; table has nearer entries"
    assert [s.kb for s in step.sights] == ["text", "image", "table"]


def test_a_step_that_was_sent_elsewhere_and_found_nothing_there_says_both():
    path = overrule({"text": [piece("text", "Vamma", 0.8)]})
    assert path.steps[0].note == (
        "the policy named text; table has nearer entries; table had no evidence; searched text instead"
    )


@pytest.mark.parametrize(
    ("nearest", "asked"), [(0.45, "Who speaks?"), (0.35, "How far ahead do I ask for an interpreter?")]
)
def test_a_first_sub_question_that_finds_much_less_than_the_question_is_not_asked(nearest, asked):
    question = "How far ahead do I ask for an interpreter?"

    def look(request):
        return [
            [piece("text", "Interpreters: ask four days before", 0.6 if request.query.text == question else nearest)],
            [],
            [],
        ]

    replies = iter(
        [Reply(step("Who speaks?", "text")), Reply(answer("four days")), Reply(STOP), Reply(answer("four days"))]
    )
    searched = [piece("text", "ask four days before", 0.6)]
    said, path = drive(
        "r1_router", lambda _: next(replies), lambda s: [searched for _ in s.routes], question, look=look
    )
    assert path.steps[0].sub_question == asked
    assert [s.query.text for s in said if isinstance(s, Search) and not s.look] == [asked]
    lost = "the policy asked 'Who speaks?', which finds less than the question itself"
    assert (lost in path.steps[0].note) == (asked == question)


def test_what_an_earlier_step_did_not_find_is_not_asked_by_its_unknown_name():
    question = "Where does the winner of the relay live?"
    replies = iter([
        Reply(step("Who won the relay?", "table")), Reply(answer("unknown")),
        Reply(step("Where does unknown live?", "text")), Reply(answer("Lom")), Reply(STOP), Reply(answer("Lom")),
    ])  # fmt: skip
    searched = [piece("text", "The relay", 0.6)]
    _, path = drive("r1_router", lambda _: next(replies), lambda s: [searched for _ in s.routes], question)
    assert [before.sub_question for before in path.steps] == ["Who won the relay?", question]
    assert path.steps[1].note == "the policy asked 'Where does unknown live?', though that was not found"


def test_a_picture_speaks_for_pictures_until_they_have_been_searched():
    looks, image = [], Image(b"png", name="crest.png")

    def look(request):
        looks.append(request)
        return [[piece(name, "A crest", 0.5)] for name in request.routes]

    replies = iter([
        Reply(step("Whose crest is it?", "text")), Reply(answer("Lom")),
        Reply(step("How many live in Lom?", "text")), Reply(answer("927")), Reply(STOP), Reply(answer("927")),
    ])  # fmt: skip
    question = "How many live where this crest is from?"

    def found(search):
        return [[piece(name, "Lom", 0.5)] for name in search.routes]

    _, path = drive("r1_router?min_confidence=0", lambda _: next(replies), found, question, image, look)
    first, second = (before.probabilities for before in path.steps)
    assert first["image"] / first["text"] > 2 * second["image"] / second["text"]


def test_a_last_step_that_asks_the_question_itself_is_judged_alone():
    question = "Where does the winner of the relay live?"
    found = Evidence("text", "1", "The winner of the relay lives in Lom.", similarity=0.9)
    lost = Step(sub_question="Who won?", answer="unknown", routes=("table",))
    told = Step(sub_question=question, answer="Lom", routes=("text",), evidence=(found,), confidence=0.9)
    for steps, ending in (
        ((lost, told), "supported"),
        ((lost, replace(told, sub_question="Where does Ann live?")), "not_found"),
    ):
        trajectory = Trajectory(Question(question), steps)
        answer = verify_answer(trajectory, Answer("", "Lom"), Support(constant=-3, similarity=6, lost=0.1, sure=0.6))
        assert answer.ending == ending
        said = repeat_only_answer(trajectory)
        assert (said.text if said else None) == ("Lom" if ending == "supported" else None)


def test_what_a_picture_shows_is_asked_for_in_the_other_knowledge_bases():
    prompts, question = Prompts(), "How many live where this crest is from?"
    prompts.copied_answers = True
    crest = Evidence("image", "i", "Crest\nCrest of Lom. Given in 1951.", title="Crest", image="a.png", similarity=0.5)
    other = Evidence("image", "j", "Crest of Vik, 480 people")
    found = {"image": [crest, other], "text": [piece("text", "Lom has 927 people.", 0.5)], "table": []}
    plans = [step("Whose crest is it?", "image"), answer("1951"), STOP, answer("927")]

    looks = []

    def look(request):
        looks.append(request.routes)
        return [found[name] for name in request.routes]

    for said in (answer("unknown"), Reply(answer("1951"), confidence=0.3)):
        plans[1] = said
        told, path = play(
            "r1_router", [*plans, STOP, answer("927")], found, question, Image(b"x"), look, prompts=prompts
        )
        first, second = path.steps
        assert (first.sub_question, first.routes, first.answer) == ("Whose crest is it?", ("image",), "Crest of Lom")
        assert (second.sub_question, second.routes) == (f"Crest of Lom: {question}", ("text",))
        assert next(ask.reading.pieces for ask in told if isinstance(ask, Ask) and ask.reading) == (crest.text,)
        assert path.answer.text == "927"
        assert [routes for routes in looks if "image" not in routes] == [("text", "table")]
        assert parse.NO_ROUTE not in second.probabilities
        looks.clear()
    sure = Reply(answer("1951"), confidence=0.9)
    _, path = play("r1_router", [plans[0], sure, STOP, sure], found, question, Image(b"x"), look, prompts=prompts)
    assert (path.answer.text, len(path.steps)) == ("1951", 1)
    _, path = play("r1_router", [plans[0], answer("1951"), STOP, answer("1951")], found, question, Image(b"x"), look)
    assert len(path.steps) == 1


def test_what_a_picture_shows_is_asked_for_where_there_is_more_than_pictures():
    asked, crest = Question("How many live here?", Image(b"x")), Evidence("image", "i", "Crest of Lom", image="a.png")
    named = Trajectory(asked, (Step(sub_question=asked.text, answer="Crest of Lom", evidence=(crest,)),))
    stop, new, (text, table, image) = Step(), Trajectory(asked), (KBS[name] for name in ("text", "table", "image"))
    for path, cards in ((new, ()), (new, (text, image)), (named, ()), (named, (image,))):
        assert ask_of_picture(path, {card.name: card for card in cards}, stop) is stop
    kbs, words = {"image": image, "text": text, "table": table}, f"Crest of Lom: {asked.text}"
    step = ask_of_picture(named, kbs, stop)
    assert (step.sub_question, list(step.probabilities)) == (words, ["text", "table"])
    assert step.note == "the policy stopped; what the picture shows is asked for"
    step = ask_of_picture(
        named, kbs, replace(stop, sub_question="Whose?", routes=("table",), probabilities={"table": 0.9})
    )
    assert (step.sub_question, step.routes, step.probabilities) == (words, ("table",), {"table": 0.9})


@pytest.mark.parametrize(
    ("kb", "later", "said"),
    [("table", 0.6, "Ann"), ("table", 0.95, "Lom"), ("text", 0.2, "Ann"), ("text", 0.6, "Lom"), ("text", None, "Lom")],
)
def test_a_question_that_is_asked_once_more_keeps_its_likelier_answer(kb, later, said):
    prompts, question = Prompts(), "Which runner won the relay in Vik?"
    prompts.copied_answers = True
    found = {"table": [piece("table", "Ann won", 0.5)], "text": [piece("text", "Ann is from Lom", 0.5)]}
    replies = [
        step(f"Which one is meant: {question}", "table"), Reply(answer("Ann"), confidence=0.9),
        step(f"Ann: {question}", kb), Reply(answer("Lom"), confidence=later), STOP,
        *([answer("Lom")] if said == "Lom" else []),
    ]  # fmt: skip
    _, path = play("r1_router?min_confidence=0", replies, found, question, prompts=prompts)
    assert path.answer.text == said
    assert [before.answer for before in path.steps] == ["Ann", "Lom"]


def test_another_sub_question_goes_on_from_the_first_answer():
    question = Question("Which runner won the relay in Vik?")
    first = Step(sub_question=question.text, answer="Ann", confidence=0.9, evidence=(piece("table", "Ann", 0.5),))
    last = replace(first, sub_question=f"Ann: {question.text}", answer="Lom", confidence=0.3)
    assert find_earlier_answer(Trajectory(question, (first, last))).steps == (first,)
    for other in (
        replace(last, sub_question="Where does Ann live?"), replace(last, answer="unknown"), replace(last, evidence=()),
    ):  # fmt: skip
        assert find_earlier_answer(Trajectory(question, (first, other))) is None
    assert find_earlier_answer(Trajectory(question, (replace(first, sub_question="Who won?"), last))) is None
    assert find_earlier_answer(Trajectory(question, (first,))) is None
    assert find_earlier_answer(Trajectory(question)) is None
    crest = Evidence("image", "i", "Crest of Lom", image="a.png")
    seen, path = (
        replace(question, image=Image(b"x")),
        replace(first, answer="Crest of Lom", confidence=None, evidence=(crest,)),
    )
    given = replace(last.evidence[0], result=TableResult("SELECT 1", ("1",), (("Lom",),)))
    assert find_earlier_answer(Trajectory(seen, (path, last))).steps == (path,)
    short = replace(path, sub_question="Whose crest is it?")
    assert find_earlier_answer(Trajectory(seen, (short, last))).steps == (short,)
    assert find_earlier_answer(Trajectory(seen, (path, replace(last, confidence=0.6)))) is None
    assert find_earlier_answer(Trajectory(seen, (path, replace(last, evidence=(given,))))) is None
    told = replace(first, sub_question="Who is the boss?"), replace(last, sub_question="Where was Ann born?")
    assert find_earlier_answer(Trajectory(Question("Where is it?"), told)) is None


def test_what_stands_in_the_last_answers_place_is_judged_by_what_it_rests_on(tmp_path):
    (tmp_path / "support.toml").write_text("constant = -2\nheld = 4\n")
    prompts, question = Prompts(tmp_path), "Which runner won the relay in Vik?"
    prompts.copied_answers = True
    found = {"table": [piece("table", "Ann won", 0.5)], "text": [piece("text", "nothing", 0.5)]}
    replies = [
        step(question, "table"), Reply(answer("Ann"), confidence=0.9), step(f"Ann: {question}", "text"),
        Reply(answer("Lom"), confidence=0.2), STOP,
    ]  # fmt: skip
    _, path = play("r1_router?min_confidence=0", replies, found, question, prompts=prompts)
    assert (path.answer.text, path.answer.ending) == ("Ann", "supported")
    assert [source.text for source in path.sources] == ["Ann won"]


def test_where_the_last_step_finds_nothing_the_question_is_read_in_all_that_was_found():
    prompts = Prompts()
    prompts.copied_answers = True
    question, plan = "Next to which bench is the eye wash?", piece("text", "The eye wash is beside bench 3.", 0.5)
    chain = [
        step("Which bench is it?", "text"), answer("bench 3"), step("Which plan is bench 3?", "table"),
        answer("unknown"), STOP,
    ]  # fmt: skip
    found = {"text": [plan], "table": [piece("table", "Racks", 0.4)]}
    said, path = play("r1_router", [*chain, answer("bench 3")], found, question, prompts=prompts)
    last = [ask for ask in said if isinstance(ask, Ask)][-1].reading
    assert (last.question, last.pieces) == (question, ("The eye wash is beside bench 3.", "Racks"))
    assert (path.answer.text, len(path.steps)) == ("bench 3", 2)
    assert path.steps[-1].note.endswith("'bench 3' answers the question itself, and stands")
    _, path = play("r1_router?look=false", [*chain, answer("no")], found, question, prompts=prompts)
    assert path.answer.text == "no"
    _, path = play("r1_router", [*chain, answer("unknown"), answer("no")], found, question, prompts=prompts)
    assert path.answer.text == "no"
    _, path = play("r1_router", [*chain, BudgetSpent("tokens"), answer("no")], found, question, prompts=prompts)
    assert path.answer.text == "no"


@pytest.mark.parametrize(
    ("title", "text", "named"),
    [
        ("sign 03", "sign 03\nSign 03, on the door of room 0.14: no entry.", "Sign 03, on the door of room 0.14"),
        ("Wappen Vik", "Wappen Vik\nWappen von Vik.", "Wappen von Vik"),
        ("assembly point by the anchor", "assembly point by the anchor", "assembly point by the anchor"),
    ],
)
def test_a_picture_that_was_found_is_called_by_its_caption_or_title(title, text, named):
    found = Evidence("image", "i", text, title=title, image="a.png")
    note = Evidence("text", "n", "A note.", title="Note")
    asked = Question("What is it?", Image(b"x"))
    assert name_picture(Trajectory(asked, (Step(evidence=(found, note)),))) == named
    assert name_picture(Trajectory(asked, (Step(evidence=(note, found)),))) == ""
    assert name_picture(Trajectory(Question("What is it?"), (Step(evidence=(found,)),))) == ""
    assert name_picture(Trajectory(asked, (Step(), Step(evidence=(found,))))) == ""


def test_where_nothing_more_is_found_the_picture_is_named_and_judged_alone():
    prompts = Prompts()
    prompts.copied_answers, prompts.support = True, Support(constant=1.0, similarity=-2.0, lost=0.5)
    found = Evidence("image", "i", "sign 03\nSign 03, on the door: no entry.", title="sign 03", image="a.png")
    named = Step(sub_question="Which sign?", answer="Sign 03, on the door", evidence=(found,))
    lost = Step(sub_question="Who is behind it?", answer="unknown", evidence=(replace(found, similarity=1.0),))
    path = Trajectory(Question("What is it?", Image(b"x")), (named, lost))
    said = finish(path, Answer("", "unknown"), "enough", prompts, verify=True).answer
    assert (said.text, said.ending) == ("Sign 03, on the door", "supported")
    without = replace(path, question=Question("What is it?"))
    assert finish(without, Answer("", "unknown"), "enough", prompts, verify=True).answer.text == "unknown"

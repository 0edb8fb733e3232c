"""Collections of knowledge bases: how they are opened, and online training over many of them at once."""

import json
from pathlib import Path

import pytest

import r1router as rr
from r1router.errors import InputError
from r1router.evals.datasets import load_examples
from r1router.kb.collections import find_collection, list_collections, open_collections
from r1router.methods import load_method
from r1router.prompts import DEFAULT, Prompts
from r1router.train import rewards
from r1router.train.grpo.rollout_pool import Pool
from r1router.train.sampled.run import run
from r1router.train.sampled.settings import SampleSettings
from r1router.train.steps.question_tasks import read_tasks
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Ask, Card, Query, Reply

SHORT = DEFAULT.parent / "short"
NORWAY, PERU = "How many people live in Oslo?", "What is the capital of Peru?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two collections: `north` has the tables `cities`, `south` the passages `lands`."""
    made = tmp_path_factory.mktemp("collections")
    (made / "cities.csv").write_text("city,people\nOslo,717710\nBergen,291940\n")
    (made / "peru.md").write_text("# Peru\nLima is the capital of Peru.")
    rr.index([made / "cities.csv"], kbs=made / "all" / "north", name="cities")
    rr.index([made / "peru.md"], kbs=made / "all" / "south", name="lands")
    (made / "all" / "empty").mkdir()
    return made / "all"


def write_questions(file: Path, **changes: str) -> Path:
    rows = [
        {"id": "n", "question": NORWAY, "answers": ["717710"], "collection": "north",
         "gold": {"hops": [{"kb": "table", "evidence_ids": ["cities.csv"], "answer": "717710"}]}},
        {"id": "s", "question": PERU, "answers": ["Lima"], "collection": "south",
         "gold": {"hops": [{"kb": "lands", "evidence_ids": ["peru.md"], "answer": "Lima"}]}},
    ]  # fmt: skip
    rows[0] |= changes
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def say(ask: Ask) -> str:
    """Searches the first knowledge base with the question, asks a table in SQL, then stops."""
    said = ask.messages[-1].content
    if ask.purpose == "query":
        return "<think>hm</think>\n<query>SELECT people FROM t WHERE city = 'Oslo'</query>"
    if ask.purpose == "plan":
        wanted = NORWAY if NORWAY in said else PERU
        return f"<think>hm</think>\n<sub-question>{wanted}</sub-question>\n<ret>{ask.labels[0]}</ret>"
    return "<think>hm</think>\n<answer>Lima</answer>"


# ── opening ────────────────────────────────────────────────────────────────────────────────────


def test_each_sub_folder_with_knowledge_bases_is_a_collection_and_a_link_to_one_is_too(folder, tmp_path):
    (tmp_path / "linked").symlink_to(folder / "south")
    assert list(open_collections(tmp_path)) == ["linked"]
    opened = open_collections(folder)
    assert {name: list(opened[name]) for name in opened} == {"north": ["cities"], "south": ["lands"]}


def test_a_folder_with_knowledge_bases_of_its_own_is_one_collection_without_a_name(folder):
    assert list_collections(folder / "north") == {}
    assert {name: list(kbs) for name, kbs in open_collections(folder / "north").items()} == {"": ["cities"]}


def test_a_place_with_neither_is_refused_as_a_place_without_knowledge_bases(folder, tmp_path):
    for place in (folder / "empty", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no knowledge bases"):
            open_collections(place)


def test_only_the_collections_used_last_stay_open(folder):
    opened = open_collections(folder, most=1)
    north = opened["north"]
    assert opened["north"] is north
    assert opened["south"]["lands"].search([Query(PERU)], k=1)[0][0].kb == "lands"
    assert opened["north"] is not north
    assert opened["north"]["cities"].search([Query(NORWAY)], k=1)[0][0].kb == "cities"


def test_a_collection_that_is_not_there_is_told_with_some_that_are():
    many = {f"c{number:03}": {} for number in range(200)}
    with pytest.raises(
        InputError, match=r"'q' names the collection 'c01', .* did you mean 'c\d{3}'\? there are: c000, "
    ):
        find_collection(many, "c01", of="q")
    with pytest.raises(InputError, match=r"'q' names no collection; .* c000, c001, c002, c003, c004 and 195 more$"):
        find_collection(many, "", of="q")
    with pytest.raises(InputError, match="'x', and these knowledge bases are in no collection"):
        find_collection({"": {}}, "x", of="q")


# ── questions ──────────────────────────────────────────────────────────────────────────────────


def test_a_row_of_jsonl_or_csv_names_its_collection(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(f"question,answer,collection\n{NORWAY},717710,north\n{PERU},Lima,\n")
    assert [one.collection for one in load_examples(str(table))] == ["north", ""]
    lines = write_questions(tmp_path / "mine.jsonl")
    assert [one.collection for one in load_examples(str(lines))] == ["north", "south"]


def test_a_task_is_made_with_the_knowledge_bases_of_its_collection(folder, tmp_path):
    tasks = read_tasks([write_questions(tmp_path / "q.jsonl")], open_collections(folder))
    assert {name: (task.collection, task.hops[0].route) for name, task in tasks.items()} == {
        "n": ("north", "cities"),
        "s": ("south", "lands"),
    }
    with pytest.raises(InputError, match=r"the question 'n' names the collection 'nort', .* did you mean 'north'"):
        read_tasks([write_questions(tmp_path / "wrong.jsonl", collection="nort")], open_collections(folder))


def test_an_answer_that_says_unknown_does_not_tell_which_evidence_is_needed(folder, tmp_path):
    file = tmp_path / "unknown.jsonl"
    file.write_text(json.dumps({"id": "u", "question": "Who is king?", "answers": ["unknown"], "collection": "south"}))
    (task,) = read_tasks([file], open_collections(folder)).values()
    assert task.hops == ()


# ── training ───────────────────────────────────────────────────────────────────────────────────


def explore(file, collections, **options):
    """The pool of these questions, and a function that gives the next groups of all of them."""
    pool = Pool(
        read_tasks([file], collections),
        collections,
        method=load_method("r1_router"),
        prompts=Prompts(SHORT),
        rewards=rewards.load_rewards({"evidence_rank": 1.0}),
        best=1.0,
        **options,
    )
    return pool, lambda: pool.next_groups(list(pool.tasks), lambda asks, _: [[Reply(say(ask))] * 2 for ask in asks])


@pytest.mark.parametrize("most", [1, 48])
def test_a_question_sees_and_searches_the_knowledge_bases_of_its_own_collection_only(folder, tmp_path, most):
    pool, next_groups = explore(
        write_questions(tmp_path / "q.jsonl"), open_collections(folder, most=most), decisions=["plan"], all_labels=True
    )
    north, south = next_groups()
    assert (north.ask.labels[0], south.ask.labels[0]) == ("cities", "lands")
    for group, own, other in ((north, "cities", "lands"), (south, "lands", "cities")):
        assert [card.name for card in group.outcomes[0].step.kbs] == [own]
        assert {sight.kb for sight in group.outcomes[0].step.sights} == {own}
        assert {piece.kb for piece in group.outcomes[0].evidence} == {own}
        assert group.by_label[0].labels == (own,)
        assert group.values == [1.0, 1.0]
        assert other not in group.ask.messages[-1].content
    pool.close()


def test_cards_are_varied_from_those_of_the_collection_and_searches_still_find_its_evidence(folder, tmp_path):
    seen = set()
    for seed in range(6):
        pool, next_groups = explore(
            write_questions(tmp_path / "q.jsonl"), open_collections(folder), vary_cards=True, seed=seed
        )
        for group, text in zip(next_groups(), ("Oslo", "Lima"), strict=True):
            seen |= set(group.walk.offered.true)
            assert len(group.walk.offered.true) == 1
            if group.ask.labels[0] in group.walk.offered.true:
                assert text in group.outcomes[0].evidence[0].text
        pool.close()
    assert len(seen) > 2


def test_a_table_of_the_collection_is_queried(folder, tmp_path):
    settings = SampleSettings(samples=1, greedy=False, vary_cards=False, rewards=(("query", 1.0),), kbs=str(folder))
    file = write_questions(tmp_path / "q.jsonl")
    groups, _, _ = run([file], tmp_path / "out", settings, policy=rr.Scripted(say), prompts=Prompts(SHORT))
    (asked,) = [group for group in groups if group.step.kind == "query"]
    assert (asked.task, asked.values) == ("n", (pytest.approx(1.0, abs=0.1),))
    assert json.loads((tmp_path / "out" / "run.json").read_text())["settings"]["kbs"] == ["north", "south"]


def test_steps_and_questions_that_name_no_collection_are_refused_where_there_are_several(folder, tmp_path):
    steps = tmp_path / "steps.jsonl"
    plan = TrainingStep("n/0/plan", "plan", NORWAY, kbs=(Card("cities", "table", "Cities"),), gold=Gold("", NORWAY))
    write_steps([plan], steps)
    settings = SampleSettings(samples=1, rewards=(("evidence_rank", 1.0),), kbs=str(folder))
    for file in (write_questions(tmp_path / "q.jsonl", collection=""), steps):
        with pytest.raises(InputError, match=r"the question 'n' names no collection; .* there are: north, south"):
            run([file], tmp_path / file.stem, settings, policy=rr.Scripted(say), prompts=Prompts(SHORT))

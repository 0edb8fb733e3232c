"""The recipes that make training data: what they write are steps that can be trained on."""

import gzip
import json
import os
import random
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import r1router
from r1router import parse
from r1router.kb.collections import open_collections
from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.routing.odds import read_odds
from r1router.table import TableBlock
from r1router.tables.grammar import can_write, write_query_grammar
from r1router.train.rewards import load_reward
from r1router.train.rewards._outcomes import read_outcome as outcome
from r1router.train.steps.question_tasks import read_tasks
from r1router.train.steps.render import find_view, render
from r1router.train.steps.step_file import Gold, TrainingStep, read_steps, write_steps
from r1router.types import Card, Evidence, Query

CARDS = (Card("text", "text", "Passages of text."), Card("image", "image", "Pictures with captions."))
RECIPES = Path(__file__).parents[1] / "recipes" / "router"


@pytest.fixture
def recipe(monkeypatch):
    def run(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        monkeypatch.syspath_prepend(RECIPES)
        runpy.run_path(str(RECIPES / name), run_name="__main__")

    return run


@pytest.fixture(scope="module")
def domains():
    return tomllib.loads((RECIPES / "domains.toml").read_text(encoding="utf-8"))["domain"]


def test_made_questions_go_to_a_knowledge_base_that_is_there(recipe, tmp_path: Path):
    recipe("write_router_steps.py", tmp_path / "made.jsonl", "--rows", 150, "--chains", 60)
    rows = read_steps(tmp_path / "made.jsonl")
    for row in rows:
        names = [card.name for card in row.kbs]
        assert len(set(names)) == len(names)
        assert row.gold.route == NO_ROUTE or row.gold.route in names
        assert not {"{", "}"} & set(row.question + (row.gold.sub_question or ""))
    chains = [row for row in rows if "chain" in row.id]
    assert len({row.id.split("/")[0] for row in chains}) == 60
    assert {len(row.history) for row in chains if row.stops} >= {1, 2, 4}
    for row in chains:  # a later step asks about what an earlier one found out
        assert all(past.sub_question != row.gold.sub_question for past in row.history)


def test_held_out_knowledge_bases_are_never_shown_in_training(recipe, tmp_path: Path, domains):
    recipe("write_router_steps.py", tmp_path / "made.jsonl", "--rows", 300, "--chains", 60)
    recipe("write_router_steps.py", tmp_path / "held.jsonl", "--rows", 40, "--held-out")
    hidden = {domain["name"] for domain in domains if domain.get("held_out")}
    shown = {card.name for row in read_steps(tmp_path / "made.jsonl") for card in row.kbs}
    assert len(hidden) == 4
    assert not hidden & shown
    routes = {row.gold.route for row in read_steps(tmp_path / "held.jsonl")}
    assert routes == {*hidden, NO_ROUTE}


def test_a_question_goes_to_the_tables_only_where_one_of_them_has_a_column_for_it(recipe, tmp_path: Path):
    recipe("write_small_kb_steps.py", tmp_path / "made.jsonl", "--rows", 400)
    asked = dict.fromkeys(("table", "text"), 0)
    for row in read_steps(tmp_path / "made.jsonl"):
        cards = {card.name: card for card in row.kbs}
        assert len(cards) == len(row.kbs)
        assert row.gold.route == NO_ROUTE or row.gold.route in cards
        assert not {"{", "}"} & set(row.question + (row.gold.sub_question or ""))
        if (row.gold.sub_question or "").startswith("What is the currency of"):
            kind = cards[row.gold.route].kind
            assert (kind == "table") == any("Currency" in card.holds for card in row.kbs)
            asked[kind] += 1
    assert min(asked.values()) > 1


@pytest.mark.parametrize(
    ("name", "options"),
    [("write_router_steps.py", ["--rows", "30", "--chains", "124"]), ("write_small_kb_steps.py", ["--rows", "60"])],
)
def test_the_same_seed_makes_the_same_steps_in_every_process(name: str, options: list[str], tmp_path: Path):
    for hashes in ("1", "2"):
        command = [sys.executable, RECIPES / name, tmp_path / hashes, *options, "--seed", "5"]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": hashes}, check=True, capture_output=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_made_readings_have_their_answer_in_the_piece_that_the_thought_names(recipe, tmp_path: Path):
    recipe("write_reading_steps.py", tmp_path / "read.jsonl", "--rows", 200, "--seed", 7)
    rows = read_steps(tmp_path / "read.jsonl")
    assert len({row.sub_question for row in rows}) > 190
    assert {row.evidence[0].kb for row in rows} == {"text", "table"}
    places = set()
    for row in rows:
        (answer,), (id_,) = row.gold.answers, row.gold.evidence_ids
        place = [item.id for item in row.evidence].index(id_)
        assert answer in row.evidence[place].text
        assert row.gold.thought == f"Piece {place + 1} says it."
        places.add(place)
    assert places == {0, 1, 2, 3}


def test_an_invented_name_stays_the_same_through_its_chain(recipe, tmp_path: Path):
    recipe("write_router_steps.py", tmp_path / "made.jsonl", "--rows", 0, "--chains", 300)
    told = tomllib.loads((RECIPES / "chains.toml").read_text(encoding="utf-8"))["fill"]
    rows = [row for row in read_steps(tmp_path / "made.jsonl") if row.question.startswith("Who is older, ")]
    names = {name for row in rows for name in row.question[len("Who is older, ") : -1].split(" or ")}
    assert any(name not in told["person"] for name in names)
    for row in rows:
        if row.gold.sub_question:
            assert any(name in row.gold.sub_question for name in row.question[14:-1].split(" or "))


def test_steps_are_mixed_by_kind_route_and_knowledge_base(recipe, tmp_path: Path):
    told = Evidence("table", "1", "Peru | 33 million")
    rows = [
        *(
            TrainingStep(f"t{n}/0/plan", "plan", "q", kbs=CARDS, gold=Gold(sub_question="q", route="text"))
            for n in range(9)
        ),
        *(
            TrainingStep(f"i{n}/0/plan", "plan", "q", kbs=CARDS, gold=Gold(sub_question="q", route="image"))
            for n in range(2)
        ),
        TrainingStep("said", "answer", "q", sub_question="q", evidence=(told,), gold=Gold(answers=("33 million",))),
        TrainingStep("counted", "answer", "q", sub_question="q", evidence=(told,), gold=Gold(answers=("7",))),
        TrainingStep("q/1/final", "final", "q", gold=Gold(answers=("7",))),
    ]
    write_steps(rows, tmp_path / "all.jsonl")

    def mixed(part: str) -> list[str]:
        recipe("mix_steps.py", tmp_path / "mix.jsonl", *(f"{tmp_path / 'all.jsonl'}:{p}" for p in part.split()))
        return sorted(row.id[0] for row in read_steps(tmp_path / "mix.jsonl"))

    assert mixed("plan=6") == ["i", "i", "t", "t", "t", "t"]
    assert mixed("plan@text=3") == ["t"] * 3
    assert mixed("answer=5") == ["c", "s"]
    assert mixed("stated@table=5") == ["s"]
    assert mixed("plan@image=2 plan@image=2") == ["i"] * 4
    assert len(mixed("final=1 final=1")) == 2
    ids = [row.id for row in read_steps(tmp_path / "mix.jsonl")]
    assert sorted(ids) == ["q/1/final", "q~2/1/final"]
    with pytest.raises(SystemExit, match="stated@text"):
        mixed("stated@text=5")


def test_an_average_of_adapters_lies_between_them_and_other_forms_are_refused(recipe, tmp_path: Path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    for name, value, width in (("a", 0.0, 3), ("b", 1.0, 3), ("wide", 1.0, 4)):
        (tmp_path / name).mkdir()
        save_file({"w": torch.full((2, width), value)}, tmp_path / name / "adapter_model.safetensors")
        (tmp_path / name / "adapter_config.json").write_text(name)
    recipe("average_adapters.py", tmp_path / "a", tmp_path / "b", tmp_path / "out", "--share", 0.75)
    assert load_file(tmp_path / "out" / "adapter_model.safetensors")["w"].tolist() == [[0.75] * 3] * 2
    assert (tmp_path / "out" / "adapter_config.json").read_text() == "b"
    with pytest.raises(SystemExit, match="not adapters of the same form"):
        recipe("average_adapters.py", tmp_path / "a", tmp_path / "wide", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_queries_over_made_tables_can_be_written_under_the_grammar_and_give_their_answers(recipe, tmp_path: Path):
    recipe("write_query_steps.py", tmp_path / "query.jsonl", "--made", 24)
    rows = read_steps(tmp_path / "query.jsonl")
    prompts = Prompts(Path(r1router.__file__).parent / "prompt_sets" / "short")
    for row in rows:
        rendered = render(row, prompts)
        assert re.fullmatch(parse.write_regex(rendered.ask.shape), rendered.reply)
        assert can_write(write_query_grammar(find_view(row)), row.gold.query)
    read = [outcome(row, render(row, prompts).reply, routes={}) for row in rows]
    assert all(value > 0.5 for value in load_reward("query")(read))


def test_a_query_is_rewarded_for_what_it_gives():
    table = TableBlock("Wins", header=("Club", "Wins"), rows=(("Aal", "3"), ("Brix", "5"), ("Cor", "5")))
    evidence = (Evidence("table", "w#0", table.text, record="w", table=table),)
    row = TrainingStep(
        "q/0/query", "query", "Which clubs won most?", sub_question="Which clubs won most?", evidence=evidence,
        gold=Gold(answers=("Cor, Brix",)),
    )  # fmt: skip

    def reward(reply: str) -> float | None:
        [value] = load_reward("query")([outcome(row, reply, routes={})])
        return value

    right = reward('<query>SELECT "Club" FROM t WHERE "Wins" = 5</query>')
    longer = reward('<query>SELECT "Club" FROM t WHERE "Wins" = 5 AND "Wins" = 5</query>')
    wrong = reward('<query>SELECT "Club" FROM t</query>')
    assert 0.9 < longer < right < 1
    assert 0 < wrong < 0.2
    assert reward('<query>SELECT "Towns" FROM t</query>') == 0
    assert reward("<answer>Cor, Brix</answer>") == 1
    assert reward("<answer>Aal</answer>") == 0
    assert reward("well") == 0


def test_made_conversations_are_steps_whose_question_in_full_is_known(recipe, tmp_path: Path):
    recipe("write_conversations.py", tmp_path / "talk.jsonl", "--folders", 6)
    rows = read_steps(tmp_path / "talk.jsonl")
    assert {row.kind for row in rows} == {"rewrite"}
    assert all(row.turns[-1].role == "assistant" for row in rows)
    unchanged = [row for row in rows if row.gold.sub_question == row.question]
    assert 0 < len(unchanged) < len(rows)
    for row in rows:  # what the follow-up leaves out was said before
        told = " ".join(turn.text for turn in row.turns).casefold()
        assert row in unchanged or set(row.gold.sub_question.casefold().split()) & set(told.split())
        assert render(row, Prompts()).reply == f"<sub-question>{row.gold.sub_question}</sub-question>"


def test_readings_written_by_hand_have_their_answers_in_their_documents(monkeypatch):
    monkeypatch.syspath_prepend(RECIPES)
    made_folders = runpy.run_path(str(RECIPES / "made_folders.py"))
    folders = [
        made_folders["fill"](lines, random.Random(0)) for lines in made_folders["read_folders"](RECIPES / "readings")
    ]
    hops = [(folder, hop) for folder in folders for asked in folder.asked for hop in asked.hops]
    told = [(folder, hop) for folder, hop in hops if hop.kind == "text" and hop.answer not in ("yes", "no")]
    assert len(folders) > 50
    assert len(told) > 2000
    for folder, hop in told:
        held = " ".join(folder.texts[hop.path].split()) if hop.path else ""
        assert " ".join(hop.answer.split()) in held, (folder.name, hop)
    assert sum(len(asked.hops) > 1 for folder in folders for asked in folder.asked) > 400


# ── collections ────────────────────────────────────────────────────────────────────────────────

MILL = """= Mill {n} | en
# notes/wheel.txt | The wheel
The wheel of mill {n} turns on Fridays. Ann{n} Reed has the key, and lives in Street {n}.
? When does the wheel turn? // which day | Fridays
? Is there a key? | yes
? What does flour cost? | unknown
+ table staff/phones.csv | Phones
cols: name:pick(Ann{n} Reed) | phone:phone
rows: 6
& Phone of the key? => Who has the key? | text | Ann{n} Reed => Her number? | table | cell(name=Ann{n} Reed,phone)
& Where does the miller sleep? => Who has the key? | text | Nobody => Where? | text | Street {n}
"""


def test_written_folders_are_indexed_as_collections_with_questions_that_can_be_trained_on(recipe, tmp_path: Path):
    (tmp_path / "written").mkdir()
    mills = "".join(MILL.replace("{n}", str(n)) for n in range(20, 31))
    (tmp_path / "written" / "mills.txt").write_text(mills, encoding="utf-8")
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written")
    collections = open_collections(tmp_path / "kbs")
    tasks = read_tasks([tmp_path / "questions.jsonl"], collections)
    assert {task.collection for task in tasks.values()} == {f"mill-{n}" for n in range(20, 31) if n != 29}
    assert {task.collection for task in read_tasks([tmp_path / "questions.dev.jsonl"], collections).values()} == {
        "mill-29"
    }
    when, key, chain = (tasks[f"mill-20/{number}"] for number in (0, 1, 3))
    assert len(tasks) == 30  # a chain with a link that nothing tells is left out
    assert (when.answers, [hop.route for hop in chain.hops]) == (("Fridays",), ["text", "table"])
    assert key.hops[0].evidence_ids == ("mill-20/notes/wheel.txt",)
    for hop in (*when.hops, *chain.hops):
        (found,) = collections["mill-20"][hop.route].search([Query(hop.sub_question)], k=1)
        assert found[0].id in hop.evidence_ids or found[0].record in hop.evidence_ids
        assert hop.answers[0] in found[0].text
    assert len((tmp_path / "unknown.jsonl").read_text().splitlines()) == 10
    made, questions = tmp_path / "kbs" / "mill-20" / "text" / "kb.json", (tmp_path / "questions.jsonl").read_bytes()
    stamp = made.stat().st_mtime_ns
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written")
    assert (made.stat().st_mtime_ns, (tmp_path / "questions.jsonl").read_bytes()) == (stamp, questions)


REGISTER = """= Ferry office | en
# mail/ferry.txt | The ferry
Ona Birk takes the ferry Lark out on Fridays. Tickets of the Lark are sold by Per Holm.
? Which ferry goes out on Fridays? // friday boat // The one of Fridays? | Lark
? What does a ticket cost? // price | unknown
+ table trips.csv | Trips
cols: trip:id(T) | ferry:pick(Lark,Tern) | guests:int(1-90)
rows: 30
?? How many trips? | SELECT COUNT(*) FROM t
?? How many guests had [[trip]]? | SELECT "guests" FROM t WHERE "trip" = [[trip]]
& How often did Ona's boat sail? => Which ferry has Ona? | text | Lark => Trips of the Lark? | table | query(SELECT COUNT(*) FROM t WHERE "ferry" = 'Lark')
& Who sold tickets of trip [[trip]]? => Which ferry made trip [[trip]]? | table | row(ferry=Lark) => Who sells tickets of the Lark? | text | Per Holm
& Who sold tickets for [[guests]]? => Which ferry had guests? | table | row(ferry=Lark) => Who sells tickets of the Lark? | text | Per Holm
"""  # noqa: E501


def test_a_written_question_may_ask_a_table_for_a_number_or_for_a_row_by_another_cell(recipe, tmp_path: Path):
    (tmp_path / "written").mkdir()
    (tmp_path / "written" / "ferry.txt").write_text(REGISTER, encoding="utf-8")
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written")
    rows = [json.loads(line) for line in (tmp_path / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 5  # the last chain names no cell of a row in its sub-question
    _, count, guests, sailed, sold = rows
    (table,) = (tmp_path / "files").glob("**/trips.*")
    trips = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    ferries = {trip: ferry for trip, ferry, _ in trips}
    assert count["answers"] == [str(len(trips))]
    (asked,) = [trip for trip, _, _ in trips if trip in guests["question"]]
    assert guests["answers"] == [next(number for trip, _, number in trips if trip == asked)]
    assert sailed["answers"] == [str(list(ferries.values()).count("Lark"))]
    first, second = sold["gold"]["steps"]
    (named,) = [trip for trip in ferries if trip in first["sub_question"]]
    assert named in sold["question"]
    assert (ferries[named], first["answer"], second["answer"]) == ("Lark", "Lark", "Per Holm")
    assert [step["kb"] for step in sold["gold"]["steps"]] == ["table", "text"]


def test_each_wording_of_a_written_question_is_a_reading_of_what_is_found(recipe, tmp_path: Path):
    (tmp_path / "written").mkdir()
    (tmp_path / "written" / "ferry.txt").write_text(REGISTER, encoding="utf-8")
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written")
    out = tmp_path / "readings.jsonl"
    recipe("write_collection_readings.py", tmp_path, out)
    steps = list(read_steps(out))
    told = {step.sub_question: (step.gold.answers, step.gold.thought) for step in steps}
    fridays = ("Which ferry goes out on Fridays?", "friday boat", "The one of Fridays?")
    assert {question for question, (answers, _) in told.items() if answers == ("Lark",)} == set(fridays)
    assert {question for question, (answers, _) in told.items() if answers == ("unknown",)} == {
        "What does a ticket cost?", "price",
    }  # fmt: skip
    for step in steps:
        assert step.kind == "answer"
        if (number := re.search(r"Piece (\d)", step.gold.thought)) is not None:
            assert "Lark" in step.evidence[int(number[1]) - 1].text


def test_several_folders_make_one_collection_and_every_question_has_its_own_folder_s_gold(recipe, tmp_path: Path):
    (tmp_path / "written").mkdir()
    mills = "".join(MILL.replace("{n}", str(n)) for n in range(20, 23))
    (tmp_path / "written" / "mills.txt").write_text(mills, encoding="utf-8")
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written", "--together", 3)
    collections = open_collections(tmp_path / "kbs")
    assert list(collections) == ["mill-20"]
    tasks = read_tasks([tmp_path / "questions.jsonl"], collections)
    golds = [{name.split("/")[0] for hop in task.hops for name in hop.evidence_ids} for task in tasks.values()]
    assert golds == [{f"mill-{n}"} for n in (20, 21, 22) for _ in range(3)]


def test_steps_of_collections_are_looked_into_and_a_chatty_question_is_its_own_sub_question(recipe, tmp_path: Path):
    (tmp_path / "written").mkdir()
    mills = "".join(MILL.replace("{n}", str(n)) for n in range(20, 23))
    (tmp_path / "written" / "mills.txt").write_text(mills, encoding="utf-8")
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written")
    out = tmp_path / "steps.jsonl"
    recipe("write_collection_steps.py", tmp_path, out, "--chains", 2, "--texts", 4, "--tables", 0, "--chatty", 1)
    plans = [step for step in read_steps(out) if step.kind == "plan"]
    assert all({sight.kb for sight in step.sights} == {"table", "text"} for step in plans)
    firsts = [step for step in plans if not step.history]
    chains = [step for step in firsts if step.question == "Phone of the key?"]
    singles = [step for step in firsts if step not in chains]
    assert (len(chains), len(singles)) == (2, 4)
    assert {step.gold.sub_question for step in chains} == {"Who has the key?"}
    for step in singles:
        assert step.gold.sub_question == step.question
        assert step.question not in ("When does the wheel turn?", "Is there a key?")
    none = ("--chains", 0, "--texts", 0, "--tables", 0, "--chatty", 0)
    recipe("write_collection_steps.py", tmp_path, out, *none, "--hops", 2)
    asked = [step for step in read_steps(out) if step.kind == "plan" and not step.history]
    assert [step.gold.route for step in asked] == ["table", "table"]  # the last hops alone
    assert all(step.gold.sub_question == step.question != "Phone of the key?" for step in asked)


def test_written_sub_questions_become_the_gold_steps_of_their_question(recipe, tmp_path: Path):
    hops = [{"kb": kb, "evidence_ids": [kb], "answer": kb.upper()} for kb in ("table", "text")]
    rows = [{"id": name, "question": "Q?", "gold": {"steps": None, "hops": hops}} for name in ("one", "two")]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "written.txt").write_text("two | Who won? | Where does TABLE live?\n", encoding="utf-8")
    recipe("add_sub_questions.py", tmp_path / "in.jsonl", tmp_path / "out.jsonl", "--written", tmp_path / "written.txt")
    (told,) = map(json.loads, (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert [step["sub_question"] for step in told["gold"]["steps"]] == ["Who won?", "Where does TABLE live?"]
    assert [(step["kb"], step["answer"]) for step in told["gold"]["steps"]] == [("table", "TABLE"), ("text", "TEXT")]


def test_the_sub_questions_that_come_along_are_two_to_a_question_and_no_other_question_set_s():
    lines = (RECIPES / "hops" / "ottqa.txt").read_text(encoding="utf-8").splitlines()
    assert len({line.split(" | ")[0] for line in lines}) == len(lines)
    for line in lines:
        name, *asked = line.split(" | ")
        assert name.startswith("ottqa-")
        assert len(asked) == 2
        assert all(map(str.strip, asked))


def test_odds_are_fitted_to_what_is_seen_for_gold_plans_and_the_same_command_goes_on(recipe, tmp_path: Path, capsys):
    (tmp_path / "written").mkdir()
    mills = "".join(MILL.replace("{n}", str(n)) for n in range(20, 23))
    (tmp_path / "written" / "mills.txt").write_text(mills, encoding="utf-8")
    recipe("index_written_folders.py", tmp_path, "--written", tmp_path / "written")
    steps, said = tmp_path / "steps.jsonl", tmp_path / "said.jsonl"
    recipe("write_collection_steps.py", tmp_path, steps, "--chains", 3, "--texts", 5, "--tables", 5)
    asked = ("fit_odds.py", "collect", f"{steps}={tmp_path / 'kbs'}", "--out", said)
    recipe(*asked)
    cases = said.read_text(encoding="utf-8").splitlines()
    goes_on = [step for step in read_steps(steps) if step.kind == "plan" and step.gold.route != NO_ROUTE]
    assert {json.loads(line)["id"] for line in cases} == {step.id for step in goes_on}
    recipe(*asked)
    assert said.read_text(encoding="utf-8").splitlines() == cases
    capsys.readouterr()
    recipe("fit_odds.py", "fit", said, "--out", tmp_path / "odds.toml")
    odds = read_odds(tmp_path)
    assert odds.similarity > 0
    assert (odds.policy, odds.pictured) == (0, 1)  # nobody was asked, and no question has a picture
    assert f"fitted on all: n={len(cases)} right" in capsys.readouterr().out


# ── clozes ─────────────────────────────────────────────────────────────────────────────────────

PASSAGES = (
    ("Ann Reed", "Ann Reed (born 4 May 1950) is a Norwegian painter. She moved to the town of Bergen in 1978."),
    ("Mill Bridge", "Mill Bridge is a bridge in Bergen. It was built by Ann Reed in 1931 and has 14 arches."),
    ("Old Mill", "Old Mill is a museum in Trieste. It was closed on 7 June 1965 because the roof had fallen in."),
)


def test_a_cloze_asks_for_words_of_its_first_piece_and_has_nothing_of_dev_evidence(recipe, tmp_path: Path):
    (tmp_path / "kb" / "text").mkdir(parents=True)
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "set.dev.jsonl").write_text('{"gold": {"evidence_ids": ["text-w2"]}}\n', encoding="utf-8")
    with gzip.open(tmp_path / "kb" / "text" / "passages.jsonl.gz", "wt", encoding="utf-8") as lines:
        for number, (title, text) in enumerate([*PASSAGES] * 20):
            row = {"id": f"text-w{number % 3}", "title": title, "text": text, "source": "ott-qa/wikipedia"}
            lines.write(json.dumps(row) + "\n")
    recipe("write_cloze_readings.py", tmp_path, tmp_path / "out.jsonl", "--steps", 60)
    steps = read_steps(tmp_path / "out.jsonl")
    assert len(steps) == 60
    assert not any("Old Mill" in item.text for step in steps for item in step.evidence)
    answers = {step.gold.answers[0] for step in steps}
    assert {"4 May 1950", "Ann Reed", "14", "14 arches"} & answers
    for step in steps:
        (answer,) = step.gold.answers
        assert answer == parse.UNKNOWN or answer in step.evidence[0].text
        assert answer.casefold() not in step.sub_question.casefold()

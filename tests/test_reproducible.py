"""The same questions give the same trajectories, whatever is asked before or beside them."""

import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest

import r1router as rr
from r1router.embedders import open_text_embedder
from r1router.kb.products import multiply
from r1router.types import Query, Reply, Usage

PLACES = ("harbour", "mill", "school", "station", "chapel", "quarry", "bridge", "museum", "market", "tower")
QUESTIONS = [f"How old is the {place} of {town}?" for town in ("Ask", "Bo", "Dal", "Eid", "Fet") for place in PLACES]


@pytest.fixture(scope="module")
def kbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    chance = random.Random(0)
    lines = [f"The {p} of {t} is {chance.randrange(20, 400)} years old." for t in ("Ask", "Bo", "Dal") for p in PLACES]
    (folder / "notes.jsonl").write_text("\n".join(f'{{"id": "{n}", "text": "{line}"}}' for n, line in enumerate(lines)))
    (folder / "towns.csv").write_text("town,place,age\n" + "\n".join(f"Eid,{place},{len(place)}" for place in PLACES))
    rr.index([folder], kbs=folder / "kbs")
    return rr.open_kbs(folder / "kbs")


def reply(ask):
    """A policy whose every word depends on every word of its prompt, evidence and its order included."""
    digest = hashlib.sha256("".join(message.content for message in ask.messages).encode()).hexdigest()
    if ask.purpose == "plan":
        label = ask.labels[int(digest, 16) % len(ask.labels)]
        return Reply(
            f"<sub-question>How old is {digest[:6]} {PLACES[int(digest, 16) % 10]}?</sub-question><ret>{label}</ret>"
        )
    return Reply(f"<answer>{digest}</answer>")


def asked(questions, kbs, in_flight):
    found = rr.ask_many(questions, kbs=kbs, policy=rr.Scripted(reply), max_steps=2, in_flight=in_flight)
    return {path.question.text: replace(path, usage=Usage()) for _, path in found}


def test_fifty_questions_give_the_same_trajectories_twice_in_other_orders_and_at_any_concurrency(kbs):
    first = asked(QUESTIONS, kbs, 1)
    assert len({path.answer.text for path in first.values()}) == len(QUESTIONS) == 50
    assert asked(QUESTIONS, kbs, 64) == first
    assert asked(random.Random(1).sample(QUESTIONS, 50), kbs, 7) == first
    assert asked(QUESTIONS[::-1], kbs, 1) == first


def test_a_search_finds_the_same_to_the_last_digit_alone_and_among_others(kbs):
    queries = [Query(question) for question in QUESTIONS]
    for kb in kbs.values():
        together = kb.search(queries, k=20)
        assert [kb.search([query], k=20)[0] for query in queries] == together


def test_the_vector_of_a_query_does_not_depend_on_what_is_embedded_beside_it():
    embedder = open_text_embedder("minilm:")
    texts = [f"{question} {'and why ' * (n % 7)}" for n, question in enumerate(QUESTIONS)]
    together = embedder.embed_texts(texts, query=True)
    alone = np.vstack([embedder.embed_texts([text], query=True) for text in texts])
    assert (alone == together).all()


def test_a_product_of_one_query_equals_its_row_among_others():
    random_ = np.random.default_rng(0)
    queries, vectors = (random_.normal(size=(n, 384)).astype(np.float32) for n in (9, 1000))
    together = multiply(queries, vectors)
    assert together.shape == (9, 1000)
    assert np.allclose(together, queries @ vectors.T, atol=1e-3)
    for at in range(9):
        assert (multiply(queries[at : at + 1], vectors)[0] == together[at]).all()


def test_multiplying_leaves_the_threads_of_the_process_as_they_were():
    import threadpoolctl

    before = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
    multiply(np.ones((2, 4), np.float32), np.ones((3, 4), np.float32))
    assert [library["num_threads"] for library in threadpoolctl.threadpool_info()] == before

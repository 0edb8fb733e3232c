"""What every knowledge base does, whatever it is made of and wherever it is; then what only a folder can do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from r1router.errors import EmbedderMismatch, InputError, KnowledgeBaseError
from r1router.filters.narrow import NarrowKnowledgeBase
from r1router.filters.parse import parse
from r1router.ingest.run import index
from r1router.kb import find_store, open_kb, open_kbs
from r1router.kb.memory import MemoryKnowledgeBase
from r1router.kb.products import multiply
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores.folder import vectors as folder_vectors
from r1router.kb.stores.folder.catalog import FolderCatalog
from r1router.kb.stores.folder.store import FolderStore
from r1router.kb.stores.folder.vectors import VectorsInMemory
from r1router.types import Card, Evidence, Image, KnowledgeBase, Location, PictureKnowledgeBase, Query
from small_embedders import HashedWords, NamedColours, Thumbnails, Vectors, plain_picture

ROWS = [
    ("oslo", "Norway", "Oslo is the capital of Norway and its largest city."),
    ("bergen", "Norway", "Bergen is a city on the west coast; it rains there on most days."),
    ("lima", "Peru", "Lima is the capital of Peru, on the coast of the Pacific."),
    ("cusco", "Peru", "Cusco was the capital of the Inca."),
    ("shannon", "Ireland", "The Shannon is the longest river of Ireland."),
    ("danube", "Europe", "The Danube passes four capitals: Vienna, Bratislava, Budapest and Belgrade."),
    ("coins", "", "Thaler, gulden and kroner were coins."),
]
ABOUT: dict[str, dict[str, Any]] = {
    "oslo": {"index": 1},
    "bergen": {"index": 2},
    "lima": {"index": 1},
    "cusco": {"index": "old"},
}


def in_memory(folder: Path) -> KnowledgeBase:
    return MemoryKnowledgeBase(Card("text", "text", "places"), evidence(), about=ABOUT)


def in_memory_with_vectors(folder: Path) -> KnowledgeBase:
    return MemoryKnowledgeBase(Card("text", "text", "places"), evidence(), embedder=HashedWords(), about=ABOUT)


def on_disk(folder: Path) -> KnowledgeBase:
    write_rows(folder / "places.jsonl", ROWS)
    index([folder / "places.jsonl"], folder / "kbs", embedder=HashedWords(), holds="places")
    return open_kb(folder / "kbs" / "text", text_embedder=HashedWords())


def on_disk_without_memory(folder: Path) -> KnowledgeBase:
    """Its vectors stay on disk, and are compared there one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("R1ROUTER_KB_MEMORY", "0")
        return on_disk(folder)


def on_a_server(folder: Path, location: str) -> KnowledgeBase:
    write_rows(folder / "places.jsonl", ROWS)
    index([folder / "places.jsonl"], location, embedder=HashedWords(), holds="places")
    return open_kbs(location, text_embedder=HashedWords())["text"]


SERVERS = {"s3": "contract", "postgres": "&schema=contract", "milvus": "?prefix=contract"}
"""Places of their own on the servers that the tests share."""


def evidence() -> list[Evidence]:
    return [
        Evidence("", f"{id}#0", f"{title}\n{text}".strip(), 0.0, title, None, Location("places.jsonl"), id)
        for id, title, text in ROWS
    ]


def write_rows(path: Path, rows: list[tuple[str, str, str]]) -> None:
    lines = [json.dumps({"id": id, "title": title, "text": text, **ABOUT.get(id, {})}) for id, title, text in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(
    params=[in_memory, in_memory_with_vectors, on_disk, on_disk_without_memory, "s3", "postgres", "milvus"],
    scope="module",
)
def kb(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("kb")
    if isinstance(request.param, str):
        location = request.getfixturevalue(request.param)
        return on_a_server(folder, f"{location}{SERVERS[request.param]}")
    make: Callable[[Path], KnowledgeBase] = request.param
    return make(folder)


# ── every knowledge base ───────────────────────────────────────────────────────────────────────


def test_it_is_a_knowledge_base_and_introduces_itself(kb: KnowledgeBase) -> None:
    assert isinstance(kb, KnowledgeBase)
    assert replace(kb.card, details="") == Card("text", "text", "places")


def test_it_finds_the_entry_that_says_it(kb: KnowledgeBase) -> None:
    for words, id in [("longest river of Ireland", "shannon"), ("capital of Peru", "lima")]:
        assert kb.search([Query(words)], k=1)[0][0].record == id


def test_there_is_one_ranking_a_query_in_the_order_asked(kb: KnowledgeBase) -> None:
    rankings = kb.search([Query("Danube Vienna"), Query("rains west coast"), Query("Danube Vienna")], k=2)
    assert [ranking[0].record for ranking in rankings] == ["danube", "bergen", "danube"]
    assert rankings[0] == rankings[2]


def test_a_ranking_is_best_first_without_repeats_and_no_longer_than_k(kb: KnowledgeBase) -> None:
    for k in (1, 3, 100):
        [ranking] = kb.search([Query("the capital of Norway")], k=k)
        assert 0 < len(ranking) <= min(k, len(ROWS))
        assert [e.score for e in ranking] == sorted((e.score for e in ranking), reverse=True)
        assert len({e.id for e in ranking}) == len(ranking)


def test_evidence_says_where_it_is_from(kb: KnowledgeBase) -> None:
    [[found]] = kb.search([Query("Shannon river Ireland")], k=1)
    assert (found.kb, found.id, found.record, found.title) == ("text", "shannon#0", "shannon", "Ireland")
    assert found.text == "Ireland\nThe Shannon is the longest river of Ireland."
    assert found.location == Location("places.jsonl") or found.location.source.endswith("/places.jsonl")
    assert found.image is None


def test_a_picture_asked_of_text_is_ignored(kb: KnowledgeBase) -> None:
    red = plain_picture("red")
    with_words, alone = kb.search([Query("Shannon river", red), Query("", red)], k=3)
    assert with_words == kb.search([Query("Shannon river")], k=3)[0]
    assert alone == []


def test_a_query_without_words_finds_nothing(kb: KnowledgeBase) -> None:
    assert kb.search([Query(""), Query(" \n\t")], k=5) == [[], []]
    assert kb.search([], k=5) == []


FILTERS = [
    ("index = 1", {"oslo", "lima"}),
    ("index >= 1", {"oslo", "bergen", "lima"}),
    ('index = "old" or index = 2', {"bergen", "cusco"}),
    ('title = "Peru" and not index = 1', {"cusco"}),
    ("index = none and title != none", {"shannon", "danube"}),
    ('title like "%re%"', {"shannon"}),
    ('type = "jsonl" and path like "%places.jsonl"', {id for id, _, _ in ROWS}),
    ('folder = "elsewhere"', set()),
]


@pytest.mark.parametrize(("where", "fitting"), FILTERS)
def test_a_part_of_it_finds_all_that_fits_and_nothing_else(
    kb: NarrowKnowledgeBase, where: str, fitting: set[str]
) -> None:
    part = kb.narrow(parse(where))
    words = " ".join(text for _, _, text in ROWS)
    assert {found.record for found in part.search([Query(words)], k=len(ROWS))[0]} == fitting


def test_a_part_of_it_finds_as_many_as_it_is_asked_for(kb: NarrowKnowledgeBase) -> None:
    part = kb.narrow(parse('index = "old" or index = 2'))
    [[best]] = part.search([Query("Bergen, a city where it rains on most days")], k=1)
    assert best.record == "bergen"


def test_a_part_of_a_part_fits_both(kb: NarrowKnowledgeBase) -> None:
    part = kb.narrow(parse("index = 1")).narrow(parse('title = "Peru" or title = "Ireland"'))
    assert [found.record for found in part.search([Query("Lima, capital of Peru, coast")], k=5)[0]] == ["lima"]
    assert len(kb.search([Query("Shannon capital river")], k=7)[0]) > 2  # the whole is as it was


def test_a_part_of_it_has_no_record_that_does_not_fit(kb: NarrowKnowledgeBase) -> None:
    part: Any = kb.narrow(parse("index = 1"))
    assert [entry.id for entry in part.record("oslo#0")] == ["oslo#0"]
    assert part.record("cusco#0") == part.record("cusco") == []
    assert len(part) == 2


def test_a_part_of_it_compares_as_the_whole_does(kb: NarrowKnowledgeBase) -> None:
    [[whole]], [[part]] = (base.search([Query("Oslo")], k=1) for base in (kb, kb.narrow(parse("index = 1"))))
    assert (part.record, part.similarity) == (whole.record, whole.similarity)


def test_it_knows_the_names_of_its_fields(kb: NarrowKnowledgeBase) -> None:
    assert {"index", "title", "path"} <= set(kb.list_fields())
    assert "index" not in kb.narrow(parse('title = "Ireland"')).list_fields()


@pytest.mark.parametrize(
    "words", ['"', "a AND (b OR", "id:x^2 ~", "\x00", "'; drop table", "東京 🗼 é", "x" * 9000, "???"]
)
def test_no_words_are_an_error(kb: KnowledgeBase, words: str) -> None:
    assert len(kb.search([Query(words), Query("Oslo")], k=2)) == 2


def test_many_threads_find_what_one_finds(kb: KnowledgeBase) -> None:
    queries = [Query(text) for _, _, text in ROWS] * 5
    alone = [kb.search([query], k=3)[0] for query in queries]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda query: kb.search([query], k=3)[0], queries))
    assert [[e.id for e in r] for r in together] == [[e.id for e in r] for r in alone]


# ── in memory ──────────────────────────────────────────────────────────────────────────────────


def test_without_an_embedder_an_entry_that_shares_no_word_is_not_found() -> None:
    kb = MemoryKnowledgeBase(Card("text", "text", "places"), evidence())
    assert kb.search([Query("zebra")], k=5) == [[]]
    assert MemoryKnowledgeBase(Card("none", "text", ""), []).search([Query("Oslo")], k=5) == [[]]


# ── on disk ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of one colour, their captions without the colour's name, as `kbs/image`."""
    folder = tmp_path_factory.mktemp("pictures")
    captions = {"red": "a field of poppies", "green": "a wide meadow", "blue": "the deep sea"}
    for colour in captions:
        (folder / f"{colour[0]}.png").write_bytes(plain_picture(colour).data)
    rows = [{"id": colour, "file": f"{colour[0]}.png", "title": c, "caption": c} for colour, c in captions.items()]
    (folder / "images.jsonl").write_text("\n".join(map(json.dumps, rows)))
    index([folder], folder / "kbs", embedder=HashedWords(), image_embedder=NamedColours(), ocr=False)
    return folder / "kbs" / "image"


def open_pictures(folder: Path) -> StoredKnowledgeBase:
    return open_kb(folder, text_embedder=HashedWords(), image_embedder=NamedColours())


def test_pictures_are_found_by_a_picture_by_their_caption_and_by_what_words_look_like(pictures: Path) -> None:
    kb = open_pictures(pictures)
    by_picture, by_caption, by_look = kb.search(
        [Query(image=plain_picture("blue", size=50)), Query("meadow"), Query("red")], k=1
    )
    assert [r[0].record for r in (by_picture, by_caption, by_look)] == ["blue", "green", "red"]


def test_a_picture_says_more_than_the_words_beside_it_and_both_are_heard(pictures: Path) -> None:
    [ranking] = open_pictures(pictures).search([Query("a wide meadow", plain_picture("red"))], k=3)
    assert [e.record for e in ranking[:2]] == ["red", "green"]


def test_evidence_that_is_a_picture_has_a_copy_of_it(pictures: Path) -> None:
    [[found]] = open_pictures(pictures).search([Query("poppies")], k=1)
    assert found.image is not None
    assert "/" not in found.image


def test_a_picture_is_opened_by_its_name_wherever_the_knowledge_base_lies(pictures: Path, tmp_path: Path) -> None:
    [[found]] = open_pictures(pictures).search([Query("poppies")], k=1)
    moved = open_pictures(shutil.copytree(pictures, tmp_path / "moved"))
    assert isinstance(moved, PictureKnowledgeBase)
    assert moved.open_picture(found.image).data == plain_picture("red").data
    for name in ("nothing.png", f"../pictures/{found.image}", "..", ""):
        with pytest.raises(KnowledgeBaseError, match="has no picture"):
            moved.open_picture(name)


def test_modes_choose_the_rankings(tmp_path: Path) -> None:
    kb = on_disk(tmp_path)
    assert isinstance(kb, StoredKnowledgeBase)
    assert kb.search([Query("zebra Oslo")], k=5, mode="text")[0][0].record == "oslo"
    assert len(kb.search([Query("zebra Oslo")], k=5, mode="text")[0]) == 1
    assert len(kb.search([Query("zebra Oslo")], k=5, mode="vector")[0]) == 5
    by_both, by_vector = (kb.search([Query("Oslo")], k=1, mode=mode)[0][0].score for mode in ("fused", "vector"))
    assert by_both > by_vector
    with pytest.raises(InputError, match="at least 1"):
        kb.search([Query("Oslo")], k=0)


def test_another_embedder_than_the_builder_is_refused_by_name(tmp_path: Path) -> None:
    on_disk(tmp_path)
    with pytest.raises(EmbedderMismatch, match=r"'hashed-words:'.*'other:'"):
        open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords("other:"))
    with pytest.raises(EmbedderMismatch, match=r"'hashed-words:'.*'other:'"):
        open_kbs(tmp_path / "kbs", text_embedder=HashedWords("other:"))


def test_another_picture_embedder_is_refused_too(pictures: Path) -> None:
    with pytest.raises(EmbedderMismatch, match="thumbnails"):
        open_kb(pictures, image_embedder=Thumbnails("larger-thumbnails:"))


def test_a_later_version_of_the_builder_with_longer_vectors_is_told(tmp_path: Path) -> None:
    class Longer(HashedWords):
        def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
            return np.pad(super().embed_texts(texts, query=query), ((0, 0), (0, 44)))

    on_disk(tmp_path)
    kb = open_kb(tmp_path / "kbs" / "text", text_embedder=Longer())
    with pytest.raises(EmbedderMismatch, match=r"'hashed-words: \(256 numbers.*\(300 numbers.*index the files again"):
        kb.search([Query("capital")])


def test_a_later_version_of_the_picture_embedder_with_longer_vectors_is_told_by_its_name(pictures: Path) -> None:
    class Longer(Thumbnails):
        def embed_images(self, images: Sequence[Image]) -> Vectors:
            return np.pad(super().embed_images(images), ((0, 0), (0, 2)))

    kb = open_kb(pictures, text_embedder=HashedWords(), image_embedder=Longer())
    with pytest.raises(EmbedderMismatch, match=r"'thumbnails: \(48 numbers.*thumbnails: as it is now \(50 numbers"):
        kb.search([Query(image=plain_picture("red"))])


def test_a_record_in_memory_is_all_of_its_entries_by_the_id_of_any_or_its_own() -> None:
    entries = [Evidence("t", "a#0", "x", record="a"), Evidence("t", "b", "y"), Evidence("t", "a#1", "z", record="a")]
    kb = MemoryKnowledgeBase(Card("t", "text", "letters"), entries)
    found = {id: [entry.id for entry in kb.record(id)] for id in ("a", "a#1", "b", "c")}
    assert found == {"a": ["a#0", "a#1"], "a#1": ["a#0", "a#1"], "b": ["b"], "c": []}


def test_many_queries_are_compared_in_parts_and_answered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb, queries = on_disk(tmp_path), [Query(text) for _, _, text in ROWS]
    at_once = kb.search(queries, k=3)
    monkeypatch.setattr(folder_vectors, "AT_ONCE", 2 * len(ROWS))  # scores of two queries
    assert kb.search(queries, k=3) == at_once


def test_every_folder_with_a_card_is_a_knowledge_base(tmp_path: Path) -> None:
    on_disk(tmp_path)
    (tmp_path / "kbs" / "notes").mkdir()
    assert list(FolderCatalog(tmp_path / "kbs").list_stores()) == ["text"]
    assert list(open_kbs(tmp_path / "kbs")) == ["text"]
    assert find_store(tmp_path / "kbs", "text").place == str(tmp_path / "kbs" / "text")
    with pytest.raises(InputError, match="did you mean 'text'"):
        find_store(tmp_path / "kbs", "texts")


def test_no_knowledge_bases_tells_how_to_make_some(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match="r1router index"):
            open_kbs(folder)
    with pytest.raises(KnowledgeBaseError, match=r"no kb\.json"):
        open_kb(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99}', '{"format": 1, "name": "x"}'])
def test_a_damaged_or_later_card_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "kb.json").write_text(content)
    with pytest.raises(KnowledgeBaseError, match=r"kb\.json"):
        open_kb(tmp_path)


def test_a_knowledge_base_that_is_deleted_while_open_is_an_error_and_made_anew_it_is_found(tmp_path: Path) -> None:
    kb = on_disk(tmp_path)
    kb.search([Query("Oslo")], k=1)
    FolderStore(tmp_path / "kbs" / "text").remove()
    with pytest.raises(KnowledgeBaseError, match=r"no kb\.json"):
        kb.search([Query("Oslo")], k=1)
    write_rows(tmp_path / "places.jsonl", [("rome", "Italy", "Rome is the capital of Italy.")])
    index([tmp_path / "places.jsonl"], tmp_path / "kbs", embedder=HashedWords())
    assert [e.record for e in kb.search([Query("Oslo or Rome")], k=3)[0]] == ["rome"]


def test_products_use_one_thread_until_the_last_of_them_is_made() -> None:
    class Watched(np.ndarray):
        """Tells how many threads multiply it, and that other products have come and gone meanwhile."""

        def __matmul__(self, other: object) -> object:
            multiply(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
            threads.extend(count_threads())
            return np.asarray(self) @ other

    def count_threads() -> list[int]:
        blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
        return [
            library["num_threads"] for library in blas if "numpy" in library["filepath"]
        ]  # others multiply nothing here

    threads: list[int] = []
    before = count_threads()
    multiply(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32).view(Watched))
    assert threads == [1] * len(before)
    assert count_threads() == before


def test_vectors_are_ranked_as_their_exact_products_are_also_among_copies_and_whatever_is_searched_beside() -> None:
    import numpy as np

    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(1_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[300:500] = vectors[300]
    queries = np.concatenate([vectors[[300, 7]], chance.normal(size=(30, 384)).astype(np.float32) / 19.6])
    stored = VectorsInMemory("vector", np.arange(1_000, dtype=np.uint64), vectors)
    alone = [stored.find_nearest(query[np.newaxis], 50, None)[0] for query in queries]
    for together in (2, 3, 9, 17, 32):
        assert stored.find_nearest(queries[:together], 50, None) == alone[:together]
    exact = vectors.astype(np.float64) @ queries.T.astype(np.float64)
    assert alone[0] == [*range(300, 350)]
    for best, products in zip(alone[1:], exact.T[1:], strict=True):
        assert products[best] == pytest.approx(np.sort(products)[:-51:-1], abs=1e-6)
    assert len(stored.find_nearest(queries[:1], 2_000, None)[0]) == 1_000

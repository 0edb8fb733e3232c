"""The vectors of queries: made together, once, and kept apart by what made them."""

import numpy as np
import pytest

from r1router.kb.embedding import REMEMBERED, Embedders
from small_embedders import HashedWords, NamedColours, Thumbnails, plain_picture


class Watched(HashedWords):
    """Remembers each call, and tells queries from passages in the last number."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def embed_texts(self, texts, *, query=False):
        self.calls.append((list(texts), query))
        return np.pad(super().embed_texts(texts, query=query), ((0, 0), (0, 1)), constant_values=query)


def test_a_query_is_embedded_as_one_and_once_whatever_the_order():
    watched = Watched()
    embedders = Embedders(text=watched)
    first = embedders.embed_texts("s", ["b", "a", "b"])
    assert watched.calls == [(["b", "a"], True)]
    again = embedders.embed_texts("s", ["c", "a", "b"])
    assert watched.calls[1:] == [(["c"], True)]
    assert first.dtype == np.float32
    assert np.array_equal(first, again[[2, 1, 2]])
    assert not np.array_equal(again[0], again[1])


def test_vectors_of_another_spec_or_space_are_not_taken():
    watched = Watched()
    embedders = Embedders(text=watched, image=NamedColours())
    for spec in ("one", "two", "one"):
        embedders.embed_texts(spec, ["red"])
    assert len(watched.calls) == 2
    across = embedders.embed_texts_as_images("one", ["red"])
    assert across is not None
    assert across.shape == (1, NamedColours.dim)
    assert embedders.embed_texts("one", ["red"]).shape == (1, HashedWords.dim + 1)
    red = embedders.embed_images("one", [plain_picture("red")])
    assert np.allclose(red @ across.T, 1, atol=0.05)


def test_words_are_compared_with_pictures_as_queries_and_only_where_the_embedder_knows_words():
    class Both(Watched, Thumbnails):
        pass

    both = Both()
    embedders = Embedders(image=both)
    embedders.embed_texts_as_images("s", ["red"])
    assert both.calls == [(["red"], True)]
    assert Embedders(image=Thumbnails()).embed_texts_as_images("s", ["red"]) is None


def test_of_equal_pictures_one_is_embedded():
    class Counted(Thumbnails):
        pictures = 0

        def embed_images(self, images):
            Counted.pictures += len(images)
            return super().embed_images(images)

    vectors = Embedders(image=Counted()).embed_images("s", [plain_picture(c) for c in ("red", "blue", "red")])
    assert Counted.pictures == 2
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize(("more", "asked"), [(0, 0), (1, 1)])
def test_the_vectors_of_the_last_queries_are_kept_and_those_longest_unused_forgotten(more, asked):
    watched = Watched()
    embedders = Embedders(text=watched)
    embedders.embed_texts("s", ["old", *map(str, range(REMEMBERED - 2)), "used"])
    embedders.embed_texts("s", ["used"])
    if more:
        embedders.embed_texts("s", ["more"])
    watched.calls.clear()
    embedders.embed_texts("s", ["used", "old"])
    assert watched.calls == [(["old"], True)] * asked

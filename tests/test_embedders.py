"""One contract for every embedder, then what is particular to each."""

from __future__ import annotations

import importlib
import io
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

import embedder_backends as backends
from embedder_backends import KEY, KEY_ENV, MODEL
from r1router.embedders import _pictures, names, open_image_embedder, open_text_embedder
from r1router.embedders._onnx import map_in_turns
from r1router.errors import InputError, KnowledgeBaseError, MissingExtra, UnknownName
from r1router.types import Image, ImageEmbedder, TextEmbedder

TEXTS = [
    "Vienna is the capital of Austria.",
    "",
    "The parliament of Hungary sits in Budapest, on the Danube.",
    "   \n\t ",
    "日本の首都は東京です。🗼 naïve café",
    "a" * 5_000,
    "and so on " * 3_000,
    "half a pair \ud800 of surrogates",
    "Rice",
]


@pytest.fixture(scope="module", params=["minilm", "openai", "sentence-transformers", "clip"])
def text(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextEmbedder]:
    with backends.text_embedder(request.param, tmp_path_factory.mktemp("text")) as embedder:
        yield embedder


@pytest.fixture(scope="module", params=["efficientnet", "clip"])
def images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageEmbedder]:
    with backends.image_embedder(request.param, tmp_path_factory.mktemp("image")) as embedder:
        yield embedder


def saved(picture: Pillow.Image, format: str = "PNG", **options: object) -> Image:
    data = io.BytesIO()
    picture.save(data, format, **options)
    return Image(data.getvalue(), f"image/{format.lower()}", "drawn")


def drawing(mode: str = "RGB") -> Pillow.Image:
    """A red cross on blue, wider than high, the lower right corner yellow."""
    picture = Pillow.new("RGB", (96, 64), "navy")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 0, 52, 64), "red")
    draw.rectangle((0, 26, 96, 38), "red")
    draw.rectangle((70, 44, 96, 64), "yellow")
    return picture.quantize() if mode == "P" else picture.convert(mode)


def sole(embedder: ImageEmbedder, image: Image) -> np.ndarray:
    return embedder.embed_images([image])[0]


# ── text ───────────────────────────────────────────────────────────────────────────────────────


def test_every_text_gets_a_float32_row_of_norm_one(text: TextEmbedder) -> None:
    vectors = text.embed_texts(TEXTS)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(TEXTS), text.dim))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_no_texts_get_no_rows(text: TextEmbedder) -> None:
    assert text.embed_texts([]).shape == (0, text.dim)


def test_a_text_has_the_same_vector_alone_and_in_a_batch_in_any_order(text: TextEmbedder) -> None:
    together = text.embed_texts(TEXTS)
    alone = np.concatenate([text.embed_texts([t]) for t in TEXTS])
    assert together == pytest.approx(alone, abs=1e-5)
    assert text.embed_texts(TEXTS[::-1])[::-1] == pytest.approx(together, abs=1e-5)


def test_different_texts_have_different_vectors(text: TextEmbedder) -> None:
    vectors = text.embed_texts([TEXTS[0], TEXTS[2], TEXTS[8]])
    assert (vectors @ vectors.T)[~np.eye(3, dtype=bool)].max() < 0.9999


def test_threads_share_a_text_embedder(text: TextEmbedder) -> None:
    expected = text.embed_texts(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(text.embed_texts, [TEXTS] * 4):
            assert vectors == pytest.approx(expected, abs=1e-5)


def test_the_spec_of_a_text_embedder_opens_it_again(text: TextEmbedder) -> None:
    assert open_text_embedder(text.spec).spec == text.spec


# ── pictures ───────────────────────────────────────────────────────────────────────────────────


def test_every_picture_gets_a_float32_row_of_norm_one(images: ImageEmbedder) -> None:
    given = [
        *(saved(drawing(mode)) for mode in ("RGB", "RGBA", "L", "LA", "1", "P", "I;16")),
        *(saved(drawing(mode), "JPEG") for mode in ("RGB", "L", "CMYK")),
        saved(drawing(), "WEBP"),
        saved(drawing("P"), "GIF"),
        saved(drawing("P"), transparency=0),
        saved(Pillow.new("RGB", (1, 1), "red")),
        saved(Pillow.new("RGBA", (1, 1))),
        saved(Pillow.new("RGB", (2_000, 1), "red")),
        saved(Pillow.new("RGB", (3, 500), "black")),
    ]
    vectors = images.embed_images(given)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(given), images.dim))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_no_pictures_get_no_rows(images: ImageEmbedder) -> None:
    assert images.embed_images([]).shape == (0, images.dim)


def test_a_picture_has_the_same_vector_alone_and_in_a_batch_in_any_order(images: ImageEmbedder) -> None:
    given = [saved(drawing().rotate(turn, expand=True)) for turn in range(0, 360, 18)]
    together = images.embed_images(given)
    assert together == pytest.approx(np.stack([sole(images, image) for image in given]), abs=1e-4)
    assert images.embed_images(given[::-1])[::-1] == pytest.approx(together, abs=1e-4)


def test_how_a_picture_is_stored_makes_little_difference(images: ImageEmbedder) -> None:
    expected = sole(images, saved(drawing()))
    for same in (saved(drawing("RGBA")), saved(drawing("P")), saved(drawing("P"), "GIF"), saved(drawing(), "BMP")):
        assert sole(images, same) @ expected > 0.999
    assert sole(images, saved(drawing(), "JPEG", quality=90)) @ expected > 0.95


def test_a_picture_is_turned_as_its_exif_says(images: ImageEmbedder) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was held so that the picture needs a quarter turn clockwise
    lying = drawing().transpose(Pillow.Transpose.ROTATE_90)
    turned = saved(lying, "PNG", exif=exif)
    assert sole(images, turned) == pytest.approx(sole(images, saved(drawing())), abs=1e-5)
    assert sole(images, saved(lying)) != pytest.approx(sole(images, turned), abs=1e-3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16"])
def test_a_very_large_picture_is_seen_as_a_smaller_copy_of_it(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bands of rows: each way of writing it in RGB at once would take gigabytes."""
    monkeypatch.setattr(_pictures, "_BAND", 7)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    large = drawing().resize((1900, 1300), Pillow.Resampling.NEAREST).transpose(Pillow.Transpose.ROTATE_90)
    if mode == "RGBA":
        large.putalpha(Pillow.linear_gradient("L").resize(large.size))
    given = saved(large.convert(mode) if mode != "I;16" else large.convert("L").convert("I;16"), "PNG", exif=exif)
    whole = _pictures.convert_to_rgb(given, around=64)
    monkeypatch.setattr(_pictures, "LARGE", 100_000)
    small = _pictures.convert_to_rgb(given, around=64)
    assert (whole.size, small.size) == ((1900, 1300), (380, 260))
    expected = np.asarray(whole.reduce(5), np.float32)
    assert np.abs(np.asarray(small, np.float32) - expected).max() <= 2


def test_what_is_transparent_counts_as_white(images: ImageEmbedder) -> None:
    clear, white = Pillow.new("RGBA", (40, 40), (255, 0, 0, 0)), Pillow.new("RGB", (40, 40), "white")
    for picture in (clear, white):
        picture.paste(Pillow.new("RGB", (20, 10), "green"), (5, 5))
    assert sole(images, saved(clear)) == pytest.approx(sole(images, saved(white)), abs=1e-5)


def test_of_an_animation_the_first_frame_counts(images: ImageEmbedder) -> None:
    later = [Pillow.new("RGB", (96, 64), colour) for colour in ("white", "green")]
    animated = saved(drawing(), "GIF", save_all=True, append_images=later)
    assert sole(images, animated) == pytest.approx(sole(images, saved(drawing(), "GIF")), abs=1e-5)


@pytest.mark.parametrize("data", [b"", b"no picture", saved(drawing()).data[:60], saved(drawing(), "JPEG").data[:300]])
def test_bytes_that_are_no_picture_are_an_error_that_names_it(images: ImageEmbedder, data: bytes) -> None:
    with pytest.raises(InputError, match=r"flag\.png"):
        images.embed_images([Image(data, "image/png", "flag.png")])


def test_threads_share_a_picture_embedder(images: ImageEmbedder) -> None:
    given = [saved(drawing())] * 3
    expected = images.embed_images(given)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(images.embed_images, [given] * 4):
            assert vectors == pytest.approx(expected, abs=1e-4)


def test_the_spec_of_a_picture_embedder_opens_it_again(images: ImageEmbedder) -> None:
    assert open_image_embedder(images.spec).spec == images.spec


# ── what each knows ────────────────────────────────────────────────────────────────────────────


def test_minilm_finds_the_passage_that_answers() -> None:
    embedder = open_text_embedder("minilm:")
    passages = [
        "Rice is the main food of half of the people of the world.",
        "The Danube rises in the Black Forest and flows into the Black Sea.",
        "Marie Curie was given the Nobel Prize in physics and in chemistry.",
    ]
    questions = ["Where does that river end?", "Which scientist won two Nobel Prizes?", "What do most Asians eat?"]
    best = embedder.embed_texts(questions, query=True) @ embedder.embed_texts(passages).T
    assert best.argmax(axis=1).tolist() == [1, 2, 0]


def test_minilm_gives_what_the_published_model_gives() -> None:
    vector = open_text_embedder("minilm:").embed_texts(["Vienna is the capital of Austria."])[0]
    # The first eight in float32, computed by sentence-transformers 6.2 from the published weights.
    assert vector[:8] == pytest.approx([0.0788, 0.0513, -0.0171, 0.1248, 0.0236, 0.0677, -0.0516, 0.0288], abs=0.006)


def test_efficientnet_finds_a_damaged_picture_again() -> None:
    embedder = open_image_embedder("efficientnet:")
    flags = Path(__file__).parent.parent / "src/r1router/demo_data/images"
    pictures = [Pillow.open(path).convert("RGB") for path in sorted(flags.glob("flag-*.png"))]
    known = embedder.embed_images([saved(picture) for picture in pictures])
    small = [p.resize((120, 90)).rotate(4, fillcolor="grey").crop((4, 4, 114, 84)) for p in pictures]
    seen = embedder.embed_images([saved(picture, "JPEG", quality=40) for picture in small])
    assert np.mean((seen @ known.T).argmax(axis=1) == np.arange(len(pictures))) >= 0.9


def test_sentence_transformers_uses_the_prompts_of_the_model(tmp_path: Path) -> None:
    embedder = open_text_embedder(backends.tiny_sentence_transformer(tmp_path))
    asked, told = embedder.embed_texts(["rice"], query=True), embedder.embed_texts(["rice"])
    assert asked != pytest.approx(told, abs=1e-3)
    written_out = embedder._model.encode(["what is asked: rice"], normalize_embeddings=True)  # type: ignore[attr-defined]
    assert asked == pytest.approx(written_out, abs=1e-5)


def test_clip_puts_words_and_pictures_in_one_space(tmp_path: Path) -> None:
    spec = backends.tiny_clip(tmp_path)
    assert open_text_embedder(spec) is open_image_embedder(spec)


@pytest.mark.parametrize(
    ("package", "spec"), [("sentence_transformers", "sentence-transformers:x/y"), ("transformers", "clip:x/y")]
)
def test_without_its_extra_an_embedder_says_what_to_install(
    package: str, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtra, match="pip install"):
        open_text_embedder(spec)


# ── a server ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)


def test_openai_asks_for_many_texts_at_once_and_in_parts() -> None:
    with backends.embeddings_server() as served:
        embedder = open_text_embedder(f"openai:{MODEL}@{served.url}?key_env={KEY_ENV}&batch=4&concurrency=2")
        texts = [f"text {i}" for i in range(10)]
        vectors = embedder.embed_texts(texts)
        assert sorted(len(request["input"]) for request in served.requests[1:]) == [2, 4, 4]
        assert vectors == pytest.approx(open_text_embedder("minilm:").embed_texts(texts), abs=1e-5)


def test_openai_asks_for_shorter_vectors() -> None:
    with backends.embeddings_server() as served:
        spec = f"openai:{MODEL}@{served.url}?dimensions=16&key_env={KEY_ENV}"
        embedder = open_text_embedder(spec)
        assert (embedder.spec, embedder.dim, embedder.embed_texts(["x"]).shape) == (spec, 16, (1, 16))


def test_openai_tells_what_went_wrong_and_never_the_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    with backends.embeddings_server() as served:
        for model, key in (("another", KEY), (MODEL, KEY + " at all")):
            monkeypatch.setenv(KEY_ENV, key)
            with pytest.raises(KnowledgeBaseError) as raised:
                open_text_embedder(f"openai:{model}@{served.url}?key_env={KEY_ENV}")
            errors.append(str(raised.value))
    assert served.url in errors[0]
    assert "no another here" in errors[0]
    assert "lists the models" in errors[0]
    assert "?key_env=" in errors[1]
    assert KEY not in "".join(errors) + caplog.text


def test_openai_says_when_there_is_no_server() -> None:
    with backends.embeddings_server() as served:
        url = served.url
    with pytest.raises(KnowledgeBaseError, match="is the server running"):
        open_text_embedder(f"openai:{MODEL}@{url}?key_env={KEY_ENV}")


def test_openai_says_when_the_server_gives_something_else() -> None:
    with (
        backends.embeddings_server() as served,
        pytest.raises(KnowledgeBaseError, match="is this an embeddings server"),
    ):
        open_text_embedder(f"openai:{MODEL}@{served.url.removesuffix('v1')}page?key_env={KEY_ENV}")


def test_openai_asks_for_a_key_before_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        open_text_embedder("openai:text-embedding-3-small")


# ── specs ──────────────────────────────────────────────────────────────────────────────────────


def test_the_files_of_the_folder_are_the_embedders() -> None:
    assert names() == ["clip", "efficientnet", "minilm", "openai", "sentence-transformers"]


def test_one_spec_is_one_embedder() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(map(id, pool.map(open_text_embedder, ["minilm:"] * 8)))) == 1


def test_a_question_waits_for_some_batches_of_what_is_indexed_and_not_for_all() -> None:
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def embed(batch: str) -> str:
        begun.set()
        assert go_on.wait(60)
        done.append(batch)
        return batch

    with ThreadPoolExecutor(1) as workers:
        batches = [f"batch {number}" for number in range(50)]
        found: list[str] = []
        indexing = threading.Thread(target=lambda: found.extend(map_in_turns(workers, embed, batches, ahead=3)))
        indexing.start()
        assert begun.wait(60)
        question = workers.submit(embed, "question")
        go_on.set()
        question.result()
        indexing.join()
    assert found == batches
    assert done.index("question") <= 3


def test_an_embedder_that_takes_long_to_open_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "__init__.py").touch()
    (tmp_path / "slow" / "embedder.py").write_text(
        "import threading\nfrom small_embedders import HashedWords\n"
        "begun, free = threading.Event(), threading.Event()\n"
        "def open_():\n    begun.set()\n    assert free.wait(300)\n    return HashedWords()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    slow = importlib.import_module("slow.embedder")
    thread = threading.Thread(target=open_text_embedder, args=("slow.embedder:open_",))
    thread.start()
    try:
        assert slow.begun.wait(300)
        assert open_text_embedder("minilm:").dim == 384  # while the other one is being opened
    finally:
        slow.free.set()
        thread.join()


def test_anybody_can_bring_an_embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "theirs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "words.py").write_text(
        "import small_embedders\n\n"
        "def counted(*, buckets: int = 256):\n"
        "    embedder = small_embedders.HashedWords()\n"
        "    embedder.dim = buckets\n"
        "    return embedder\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    embedder = open_text_embedder("theirs.words:counted?buckets=64")
    assert (embedder.spec, embedder.dim) == ("theirs.words:counted?buckets=64", 64)
    assert open_text_embedder(embedder.spec) is embedder
    with pytest.raises(UnknownName, match="buckets"):
        open_text_embedder("theirs.words:counted?bucket=64")


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("minilmm:", UnknownName, "did you mean 'minilm'"),
        ("sentence-transformer:x", UnknownName, "did you mean 'sentence-transformers'"),
        ("minilm", InputError, "minilm:"),
        ("minilm:large", InputError, "takes no name"),
        ("minilm:?batch=3", UnknownName, "batch"),
        ("efficientnet:b7", InputError, "takes no name"),
        ("clip:", InputError, "takes the name"),
        ("sentence-transformers:", InputError, "takes the name"),
        ("openai:", InputError, "takes MODEL"),
        ("openai:model@host:8000", InputError, "is no URL"),
        ("openai:model@http://127.0.0.1:1/v1?batch=many", InputError, "batch"),
        ("no.such.module:factory", InputError, "no.such.module"),
        ("os.path:no_such_name", InputError, "no_such_name"),
    ],
)
def test_a_spec_that_cannot_be_opened_says_why(spec: str, error: type[InputError], words: str) -> None:
    with pytest.raises(error) as raised:
        open_text_embedder(spec)
    assert words in str(raised.value)


def test_a_text_embedder_is_not_taken_for_one_of_pictures() -> None:
    with pytest.raises(InputError, match="for text"):
        open_image_embedder("minilm:")
    with pytest.raises(InputError, match="for pictures"):
        open_text_embedder("efficientnet:")

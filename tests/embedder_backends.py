"""The embedders under test: those inside the package, a real server of vectors, and tiny models with random weights."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import r1router
from r1router.embedders import open_image_embedder, open_text_embedder
from r1router.types import ImageEmbedder, TextEmbedder

KEY_ENV = "R1ROUTER_TEST_EMBEDDINGS_KEY"
KEY = "not to be told"
MODEL = "all-MiniLM-L6-v2"


# ── a server that speaks the embeddings protocol ───────────────────────────────────────────────


@dataclass
class Served:
    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in the order they came."""


@contextmanager
def embeddings_server(*, key: str = KEY) -> Iterator[Served]:
    """POST /v1/embeddings with the vectors of `minilm:`, in the order of the request reversed."""
    embedder = open_text_embedder("minilm:")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.requests.append(body)
            if self.path.startswith("/page/"):
                self.answer(200, "<html>Welcome</html>", "text/html")
            elif self.headers["Authorization"] != f"Bearer {key}":
                self.answer(401, {"error": {"message": "wrong key"}})
            elif self.path != "/v1/embeddings" or body["model"] != MODEL:
                self.answer(404, {"error": {"message": f"no {body['model']} here"}})
            elif "" in body["input"]:
                self.answer(400, {"error": {"message": "a text is empty"}})
            else:
                vectors = 3 * embedder.embed_texts(body["input"])[:, : body.get("dimensions")]
                data = [{"object": "embedding", "index": i, "embedding": v.tolist()} for i, v in enumerate(vectors)]
                self.answer(200, {"object": "list", "model": MODEL, "data": data[::-1]})

        def answer(self, status: int, body: Any, kind: str = "application/json") -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ── models made on the spot ────────────────────────────────────────────────────────────────────


def _tokenizer(transformers: Any) -> Any:
    file = Path(r1router.__file__).parent / "assets/minilm/tokenizer.json"
    special = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_file=str(file), model_max_length=64, **special)


def tiny_sentence_transformer(folder: Path) -> str:
    """A BERT of two layers with prompts for queries and documents, saved in `folder`."""
    transformers = pytest.importorskip("transformers")
    library = pytest.importorskip("sentence_transformers")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    tokenizer = _tokenizer(transformers)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    parts = [modules.Transformer(str(folder / "bert")), modules.Pooling(32)]
    prompts = {"query": "what is asked: ", "document": "what is told: "}
    library.SentenceTransformer(modules=parts, prompts=prompts).save(str(folder / "sentence"))
    return f"sentence-transformers:{folder / 'sentence'}"


def tiny_clip(folder: Path) -> str:
    """A CLIP with two towers of two layers, saved in `folder`."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = _tokenizer(transformers)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    words = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.sep_token_id, "max_position_embeddings": 64}
    config = transformers.CLIPConfig(
        text_config=size | words, vision_config=size | {"image_size": 32, "patch_size": 8}, projection_dim=24
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    pixels = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPProcessor(transformers.CLIPImageProcessor(**pixels), tokenizer).save_pretrained(folder)
    return f"clip:{folder}"


# ── all of them, by name ───────────────────────────────────────────────────────────────────────


@contextmanager
def text_embedder(name: str, folder: Path) -> Iterator[TextEmbedder]:
    match name:
        case "openai":
            os.environ[KEY_ENV] = KEY
            with embeddings_server() as served:
                yield open_text_embedder(f"openai:{MODEL}@{served.url}?key_env={KEY_ENV}&batch=3")
        case "sentence-transformers":
            yield open_text_embedder(tiny_sentence_transformer(folder))
        case "clip":
            yield open_text_embedder(tiny_clip(folder))
        case _:
            yield open_text_embedder(f"{name}:")


@contextmanager
def image_embedder(name: str, folder: Path) -> Iterator[ImageEmbedder]:
    yield open_image_embedder(tiny_clip(folder) if name == "clip" else f"{name}:")

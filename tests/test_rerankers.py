"""Rerankers: what they are asked, how they fail, and where their order is used."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import r1router as rr
from r1router.drive.rerank import rerank
from r1router.embedders import open_text_embedder
from r1router.errors import InputError, KnowledgeBaseError, UnknownName
from r1router.kb.products import multiply
from r1router.types import Card, Evidence, Query, Search

TEXTS = ("Penguins cannot fly.", "The harbour crane lifts 45 tonnes.", "Whales are large animals.")
QUESTION = "How much does the crane of the harbour lift?"


def score_by_meaning(question, texts):
    """Cosines by the encoder that comes along: a real score, higher for what is nearer."""
    embedder = open_text_embedder("minilm:")
    [scores] = multiply(embedder.embed_texts([question], query=True), embedder.embed_texts(texts))
    return [float(score) for score in scores]


class Server(BaseHTTPRequestHandler):
    """Both forms of a rerank endpoint; best first, as servers send them."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked, self.headers.get("Authorization")))
        if self.path == "/gone":
            self.send_error(404)
            return
        scores = enumerate(score_by_meaning(asked["query"], asked.get("documents") or asked["texts"]))
        best_first = sorted(scores, key=lambda pair: -pair[1])
        if self.path == "/rerank":
            body = [{"index": place, "score": score} for place, score in best_first]
        else:
            body = {"results": [{"index": place, "relevance_score": score} for place, score in best_first]}
        body = body if self.path != "/short" else {"results": body["results"][:1]}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        running.asked = []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def spec(server, path, options=""):
    return f"http:http://127.0.0.1:{server.server_port}{path}{options}"


@pytest.mark.parametrize(("path", "options"), [("/v1/rerank", "?model=m"), ("/rerank", "?form=tei")])
def test_a_server_of_each_form_scores_texts_in_their_order(server, path, options):
    reranker = rr.open_reranker(spec(server, path, options))
    assert reranker.score(QUESTION, TEXTS) == pytest.approx(score_by_meaning(QUESTION, TEXTS), abs=1e-6)
    assert reranker.score(QUESTION, []) == []
    [(_, asked, _)] = server.asked
    assert asked.get("model") == ("m" if "model" in options else None)


def test_the_key_comes_from_the_environment_and_is_in_no_error(server, monkeypatch):
    monkeypatch.setenv("MINE", "sk-secret-1")
    reranker = rr.open_reranker(spec(server, "/gone", "?key_env=MINE"))
    with pytest.raises(KnowledgeBaseError, match="status 404") as told:
        reranker.score(QUESTION, TEXTS)
    assert server.asked[0][2] == "Bearer sk-secret-1"
    assert "sk-secret" not in f"{told.value}{reranker.spec}"
    with pytest.raises(InputError, match="NOT_THERE holds no key"):
        rr.open_reranker(spec(server, "/gone", "?key_env=NOT_THERE"))


def test_what_is_no_list_of_scores_is_told(server):
    with pytest.raises(KnowledgeBaseError, match="scores came for 1 of 3 texts"):
        rr.open_reranker(spec(server, "/short")).score(QUESTION, TEXTS)
    with pytest.raises(KnowledgeBaseError, match="other is \\?form=tei"):
        rr.open_reranker(spec(server, "/rerank", "?timeout=29")).score(QUESTION, TEXTS)


def test_a_server_that_is_not_there_and_a_spec_that_is_none_are_told():
    with pytest.raises(KnowledgeBaseError, match="is the server running"):
        rr.open_reranker("http:http://127.0.0.1:9/rerank").score(QUESTION, TEXTS)
    for wrong in ("http:", "http:ftp://x", "http:http://x?form=other"):
        with pytest.raises(InputError):
            rr.open_reranker(wrong)
    with pytest.raises(UnknownName, match="cross-encoder"):
        rr.open_reranker("cohere:x")


def test_steps_get_the_best_of_many_and_looks_are_left_alone(server):
    card = Card("text", "text", "Notes on a harbour")
    entries = [
        Evidence("text", str(n), f"A cat of the harbour, {n}: how much does the crane bother her?") for n in range(20)
    ]
    kbs = {"text": rr.MemoryKnowledgeBase(card, [*entries, Evidence("text", "right", TEXTS[1])])}
    replies = ["<sub-question>How much does the crane of the harbour lift?</sub-question><ret>text</ret>"]
    replies += ["<answer>45 tonnes</answer>", "<sub-question>None</sub-question><ret>None</ret>"]
    replies += ["<answer>45 tonnes</answer>"]
    path = rr.ask(QUESTION, kbs=kbs, policy=rr.Scripted(replies), k=2, reranker=spec(server, "/v1/rerank"))
    assert path.steps[0].evidence[0].id == "right"
    assert len(path.steps[0].evidence) == 2
    assert all(item.reranked for item in path.steps[0].evidence)
    assert (path.usage.reranks, path.usage.retrievals, len(server.asked)) == (1, 1, 1)
    assert path.usage.looks >= 1
    assert len(server.asked[0][1]["documents"]) == 21


def test_equal_scores_keep_the_order_of_the_search():
    class Blind:
        spec = "blind"

        def score(self, question, texts):
            return [0.0 for _ in texts]

    ranking = [Evidence("text", str(n), "") for n in range(4)]
    best = rerank(Blind(), Search(("text",), Query("x"), 3), ranking)
    assert [item.id for item in best] == ["0", "1", "2"]


@pytest.mark.slow
def test_a_cross_encoder_scores_inside_this_process(tmp_path):
    pytest.importorskip("sentence_transformers")
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    from r1router import embedders

    file = f"{embedders.__path__[0]}/../assets/minilm/tokenizer.json"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(file), pad_token="[PAD]", sep_token="[SEP]", cls_token="[CLS]"
    )
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=1,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    scores = rr.open_reranker(f"cross-encoder:{tmp_path}").score(QUESTION, TEXTS)
    assert len(scores) == 3
    assert len(set(scores)) == 3
    with pytest.raises(KnowledgeBaseError, match="cannot be loaded"):
        rr.open_reranker(f"cross-encoder:{tmp_path / 'none'}")

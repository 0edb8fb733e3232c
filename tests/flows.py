"""A method as the generator that it is: sends it replies and evidence, gives what it yielded and its trajectory."""

import math

from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.types import Ask, Card, Evidence, Image, Question, Reply, Search, Token

KBS = {
    "text": Card("text", "text", "Passages"),
    "image": Card("image", "image", "Pictures"),
    "table": Card("table", "table", "Tables"),
}
PROMPTS = Prompts()


def step(asked, route):
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>\n<ret>{route}</ret>"


def query(asked):
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>"


def sentence(text):
    return f"<think>{text}</think>"


def answer(text):
    return f"<answer>{text}</answer>"


STOP = step("None", "None")


def with_probabilities(asked, chosen, **others):
    """A step whose label has log-probabilities; only a route where `asked` is None."""
    head = "<ret>" if asked is None else f"<sub-question>{asked}</sub-question><ret>"
    top = tuple((name, math.log(p)) for name, p in {chosen: 1 - sum(others.values()), **others}.items())
    tokens = (Token(head, 0.0, ((head, 0.0),)), Token(chosen, top[0][1], top), Token("</ret>", 0.0))
    return Reply("".join(t.text for t in tokens), tokens)


def piece(kb, name="1", text="some text"):
    return Evidence(kb, name, text)


def drive(method, reply, found, question="Q?", image=None, look=None, prompts=PROMPTS, **options):
    """Run a method; `reply(ask)`, `found(search)` and `look(look)`, which sees nothing where it is not given, give
    what it receives, or the exception thrown into it."""
    flow = load_method(method, **options)(Question(question, image), KBS, prompts=prompts)
    said, result = [], None
    try:
        while True:
            said.append(flow.throw(result) if isinstance(result, Exception) else flow.send(result))
            match said[-1]:
                case Ask():
                    result = reply(said[-1])
                case Search(look=True):
                    result = look(said[-1]) if look else [[] for _ in said[-1].routes]
                case Search():
                    result = found(said[-1])
                case _:
                    result = None
    except StopIteration as end:
        return said, end.value


def play(method, replies, found, question="Q?", image: Image | None = None, look=None, **options):
    """Run a method on replies in order and on evidence (by KB name)."""
    replies = iter(replies)

    def reply(_):
        text = next(replies)
        return text if isinstance(text, Exception | Reply) else Reply(text)

    def search(request):
        return [list(found.get(name, ()))[: request.k] for name in request.routes]

    played = drive(method, reply, search, question, image, look, **options)
    assert next(replies, None) is None, "the method made fewer requests than expected"
    return played


def requests(said):
    return [s.purpose if isinstance(s, Ask) else "search" for s in said if isinstance(s, Ask) or _searches(s)]


def searches(said):
    """(knowledge bases, words) of every search."""
    return [(s.routes, s.query.text) for s in said if _searches(s)]


def _searches(said):
    return isinstance(said, Search) and not said.look

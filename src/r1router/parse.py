"""Reads replies as steps and answers, and writes them: the one definition of their form.

    <think>why</think>                       <think>why</think>
    <sub-question>…</sub-question>           <answer>…</answer>
    <ret>label of a knowledge base</ret>

A step that stops has None in both of its last tags (paper, section 3.1). Methods that do not route leave out the
label (a query), routing alone leaves out the sub-question (a route), a sentence of reasoning is a thought alone.
Where the evidence is a table, `<query>SELECT …</query>` may stand in place of the answer.
`write_*` and `read_*` are inverses for everything whose texts are one line without tags; `read_*` also accepts
what models really write (other case, missing thought, code fences, prose around, a missing last closing tag) and
raises nothing but `ParseError`. `gbnf` and `regex` turn the same form into what constrained decoders take.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping, Sequence

from r1router.errors import ParseError
from r1router.types import Answer, Reply, Shape, Step, TableQuery, Tag, Token

STOP = "None"
"""What the policy writes in place of a sub-question and a label when it knows enough."""

NO_ROUTE = "none"
"""The key of `STOP` in `Step.probabilities`; no knowledge base may have this name."""

UNKNOWN = "unknown"
"""The answer of whoever does not know: nothing was found, or nothing says it."""

# ── the form ───────────────────────────────────────────────────────────────────────────────────


def make_step_shape(labels: Sequence[str] | None, *, think: int = 200, sub_question: int = 200) -> Shape:
    """The form of a step over these labels. Bounds in characters.

    `labels=None` leaves the label out (a query), `sub_question=0` the sub-question (a route), `think=0` the thought.
    """
    thought = (Tag("think", think),) if think else ()
    asked = (Tag("sub-question", sub_question, min_chars=len(STOP) + 2),) if sub_question else ()
    label = (Tag("ret", choices=tuple(labels)),) if labels is not None else ()
    stops = (*thought, *(Tag(tag.name, choices=(STOP,)) for tag in (*asked, *label)))
    return Shape((stops,) if labels is not None and not labels else ((*thought, *asked, *label), stops))


def make_answer_shape(*, think: int = 200, answer: int = 300, spaced: bool = False, grammar: str = "") -> Shape:
    """The form of an answer; `think=0` leaves the thought out. Bounds in characters. `spaced`, `grammar`: see
    `types.Tag`."""
    return Shape(((*((Tag("think", think),) if think else ()), Tag("answer", answer, spaced=spaced, grammar=grammar)),))


def add_query(answer: Shape, grammar: str, *, query: int = 600) -> Shape:
    """The form of an answer, or of a query over a table in its place, of up to `query` characters.

    `grammar`: see `types.Tag`.
    """
    sql = Tag("query", query, grammar=grammar)
    return Shape((*answer.alternatives, (*answer.alternatives[0][:-1], sql)))


def make_sentence_shape(*, sentence: int = 200) -> Shape:
    """The form of one sentence of reasoning. Bound in characters."""
    return Shape(((Tag("think", sentence),),))


def write_gbnf(shape: Shape) -> str:
    """The shape as a llama.cpp grammar (GBNF); vLLM's and SGLang's EBNF read the same notation.

    The rules of a tag's own grammar come after ours.
    """
    roots = [' "\\n" '.join(f'"<{t.name}>" {_gbnf_body(t)} "</{t.name}>"' for t in tags) for tags in shape.alternatives]
    rules = "root ::= " + " | ".join(roots) + "\nfirst ::= [^<\\n\\r\\t ]\nchar ::= [^<\\n\\r]\n"
    grammars = dict.fromkeys(tag.grammar.strip() for tags in shape.alternatives for tag in tags if tag.grammar)
    return rules + "".join(f"{grammar}\n" for grammar in grammars)


def write_gbnf_literal(text: str) -> str:
    """The text as a literal of a grammar, for whoever writes the rules of `Tag.grammar`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _gbnf_body(tag: Tag) -> str:
    if tag.choices:
        return "(" + " | ".join(map(write_gbnf_literal, tag.choices)) + ")"
    space = '" " ' if tag.spaced else ""
    if tag.grammar:
        return space + tag.name
    return f"{space}first char{{{tag.min_chars - 1},{tag.max_chars - 1}}}"


def write_regex(shape: Shape) -> str:
    """The shape as a regular expression without look-around, for decoders that take one."""
    roots = [r"\n".join(f"<{t.name}>{_regex_body(t)}</{t.name}>" for t in tags) for tags in shape.alternatives]
    return "(" + "|".join(roots) + ")"


def _regex_body(tag: Tag) -> str:
    if tag.choices:
        return "(" + "|".join(re.escape(c) for c in tag.choices) + ")"
    space = " " if tag.spaced else ""
    char = r"([^<\n\r]|<[ =0-9])" if tag.grammar else r"[^<\n\r]"  # queries compare
    return rf"{space}[^<\n\r\t ]{char}{{{tag.min_chars - 1},{tag.max_chars - 1}}}"


def write_json_schema(shape: Shape) -> dict[str, object]:
    """The shape as a JSON schema of one object, for decoders that take nothing else: a field for each tag.

    Alternatives are folded into one: a field takes what any of them has there, and null where one of them lacks it.
    All fields are required and no other is allowed, as OpenAI's strict mode asks.
    """
    names = list(dict.fromkeys(tag.name for tags in shape.alternatives for tag in tags))
    fields: dict[str, object] = {}
    for name in names:
        tags = [tag for tags in shape.alternatives for tag in tags if tag.name == name]
        missing = len(tags) < len(shape.alternatives)
        field: dict[str, object] = {"type": ["string", "null"] if missing else "string"}
        if all(tag.choices for tag in tags):
            field["enum"] = list(dict.fromkeys(choice for tag in tags for choice in tag.choices))
        fields[name] = field
    return {"type": "object", "properties": fields, "required": names, "additionalProperties": False}


# ── writing ────────────────────────────────────────────────────────────────────────────────────


def write_step(step: Step, label: str | None) -> str:
    """The reply that says this step; `label` is its route's, None (or no sub-question) for a stop."""
    stops = step.sub_question is None or label is None
    asked = STOP if stops else step.sub_question
    return _write(("think", step.thought), ("sub-question", asked), ("ret", STOP if stops else label))


def write_query(step: Step) -> str:
    """The reply that says this step without a label."""
    return _write(("think", step.thought), ("sub-question", step.sub_question or STOP))


def write_route(step: Step, label: str | None) -> str:
    """The reply that says this step without a sub-question; `label` is its route's, None for no route."""
    return _write(("think", step.thought), ("ret", label or STOP))


def write_sentence(sentence: str) -> str:
    """The reply that is this sentence of reasoning."""
    return _write(("think", sentence))


def write_answer(answer: Answer, *, spaced: bool = False) -> str:
    """The reply that gives this answer. `spaced`: see `types.Tag`."""
    return _write(("think", answer.thought), ("answer", f" {answer.text}" if spaced else answer.text))


def write_table_query(query: TableQuery) -> str:
    """The reply that asks a table this."""
    return _write(("think", query.thought), ("query", query.sql))


def _write(*fields: tuple[str, str | None]) -> str:
    """One tagged field a line; an empty thought is left out."""
    return "\n".join(f"<{name}>{text}</{name}>" for name, text in fields if text or name != "think")


# ── reading ────────────────────────────────────────────────────────────────────────────────────

# Linear in the text, whatever it is: a run of blanks is taken whole or not at all (possessive `*+`).

_NAMES = {
    "think": "think",
    "sub-question": r"sub[-_ ]?question",
    "ret": r"ret(?:riever|rieve)?|route",
    "answer": "answer",
    "query": "query|sql",
}
_ANY_TAG = re.compile(r"<\s*+/?+\s*+(?:" + "|".join(_NAMES.values()) + r")\s*+>", re.IGNORECASE)
_TAGS = {
    # A field ends at its closing tag, at the next tag of ours, or at the end of the reply.
    name: re.compile(rf"<\s*+(?:{pattern})\s*+>(.*?)(?={_ANY_TAG.pattern}|\Z)", re.IGNORECASE | re.DOTALL)
    for name, pattern in _NAMES.items()
}
_END_OF_THOUGHT = re.compile(r"<\s*+/\s*+think\s*+>", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\b(?:Dr|Mr|Ms|St|Mt|Jr))[.!?][\"')\]]*+(?=\s++[\"'(\[]?[^\Wa-z\d_])")
_FENCE = re.compile(r"^[^\S\n]*+```\w*+[^\S\n]*+$", re.MULTILINE)
_ESCAPE = re.compile(r"\\u003([ce])|\\([<>/_-])", re.IGNORECASE)
_NOTHING = {"", "no", "none", "null", "n/a", "na"}


def read_step(reply: Reply, routes: Mapping[str, str]) -> Step:
    """The step that a reply says. `routes` maps each label to the name of its knowledge base.

    Raises `ParseError` where the sub-question or a known label is missing, or only one of them says None.
    """
    thought, rest = _split_thought(reply.text)
    asked, label = _required(rest, "sub-question", reply), _required(rest, "ret", reply)
    nothing_asked, nothing_named = says_nothing(asked), says_nothing(label)
    if nothing_asked != nothing_named:
        says, other = ("sub-question", "ret") if nothing_asked else ("ret", "sub-question")
        raise ParseError(f"{says} says {STOP} but {other} does not; {STOP} belongs in both or in neither", reply.text)
    probabilities = read_route_probabilities(reply.tokens, routes)
    if nothing_asked:
        return Step(thought=thought, probabilities=probabilities)
    route = _route(label, routes, reply)
    return Step(thought=thought, sub_question=asked, routes=(route,), probabilities=probabilities)


def read_query(reply: Reply) -> Step:
    """The step that a reply says without a label, its routes left open. Raises `ParseError` without a sub-question."""
    thought, rest = _split_thought(reply.text)
    asked = _required(rest, "sub-question", reply)
    return Step(thought=thought, sub_question=None if says_nothing(asked) else asked)


def read_route(reply: Reply, routes: Mapping[str, str]) -> Step:
    """The step that a reply says without a sub-question; no routes where it says None.

    Raises `ParseError` where a known label is missing.
    """
    thought, rest = _split_thought(reply.text)
    label = _required(rest, "ret", reply)
    names = () if says_nothing(label) else (_route(label, routes, reply),)
    return Step(thought=thought, routes=names, probabilities=read_route_probabilities(reply.tokens, routes))


def read_sentence(reply: Reply) -> str:
    """The first sentence that a reply says, tagged or not. Raises `ParseError` where there is none."""
    thought, rest = _split_thought(reply.text)
    said = " ".join((thought or salvage_answer(rest).text).split())
    if not said:
        raise ParseError("the tag think is missing or empty", reply.text)
    end = _SENTENCE_END.search(said)
    return said[: end.end()] if end else said


def read_answer(reply: Reply) -> Answer:
    """The answer that a reply gives, its case kept. Raises `ParseError` where there is none."""
    thought, rest = _split_thought(reply.text)
    text = _field(rest, "answer")
    if not text:
        raise ParseError("the tag answer is missing" if text is None else "the tag answer is empty", reply.text)
    if reply.confidence is not None:
        return Answer(thought, text, confidence=reply.confidence, doubt=reply.doubt)
    confidence, doubt = read_answer_probabilities(reply.tokens)
    return Answer(thought, text, confidence=confidence, doubt=doubt)


def read_table_reply(reply: Reply) -> Answer | TableQuery:
    """The query that a reply asks a table, else its answer. Raises `ParseError` where there is neither."""
    thought, rest = _split_thought(reply.text)
    sql = _field(rest, "query")
    if sql:
        confidence, _ = read_answer_probabilities(reply.tokens, "query")
        return TableQuery(thought, " ".join(sql.split()).rstrip("; "), confidence)
    if sql is not None and _field(rest, "answer") is None:
        raise ParseError("the tag query is empty", reply.text)
    return read_answer(reply)


def salvage_answer(text: str) -> Answer:
    """The best answer in a reply that `read_answer` refused: what is left without thought, tags and fences."""
    thought, rest = _split_thought(text)
    left = _ANY_TAG.sub(" ", rest)
    return Answer(thought, " ".join(left.split()).strip("` "))


def drop_thought(text: str) -> str:
    """What a reply says after its thought; "" where it ends before its thought does."""
    return _split_thought(text)[1].strip()


def _split_thought(text: str) -> tuple[str, str]:
    """(thought, everything after it); a thought that was never closed ends at the next tag."""
    text = _as_tagged(_FENCE.sub("", text) if "```" in text else text)
    opened, closed = _TAGS["think"].search(text), _END_OF_THOUGHT.search(text)
    if closed:  # a chat template may have written the opening tag already
        begin = opened.start(1) if opened and opened.start(1) <= closed.start() else 0
        return text[begin : closed.start()].strip(), text[closed.end() :]
    return (opened.group(1).strip(), text[opened.end() :]) if opened else ("", text)


def _as_tagged(text: str) -> str:
    """A reply in tags: one that has none of ours may have escaped them, or say the same as a JSON object."""
    if _ANY_TAG.search(text):
        return text
    for read in (_from_json, html.unescape, lambda t: _ESCAPE.sub(_unescaped, t)):
        if _ANY_TAG.search(tagged := read(text)):
            return tagged
    return text


def _from_json(text: str) -> str:
    """The first JSON object in a text with its fields as tags, or the JSON string that it is; else the text."""
    text = text.strip()
    begin = 0 if text.startswith('"') else text.find("{")
    try:
        said, _ = json.JSONDecoder(strict=False).raw_decode(text, begin) if begin >= 0 else (text, 0)
    except (ValueError, RecursionError):
        return text
    if isinstance(said, str):
        return said
    named = {name: value for name in _NAMES for key, value in said.items() if re.fullmatch(_NAMES[name], key, re.I)}
    if named.get("query", "") is None:  # an object that could have held a query
        named.pop("query")
    fields = ((n, STOP if v is None else v) for n, v in named.items() if v is None or isinstance(v, str | int | float))
    return _write(*((name, str(value)) for name, value in fields))


def _unescaped(escape: re.Match[str]) -> str:
    return "<>"[escape[1] in "eE"] if escape[1] else escape[2]


def _field(text: str, name: str) -> str | None:
    found = _TAGS[name].search(text)
    return found.group(1).strip().strip("`").strip() if found else None


def _required(text: str, name: str, reply: Reply) -> str:
    field = _field(text, name)
    if field is None:
        said = f"the tag {name} is missing" if reply.text.strip() else "the reply is empty"
        raise ParseError(said, reply.text)
    return field


def says_nothing(text: str) -> bool:
    """Whether a policy says with this that there is nothing to ask, or nowhere to."""
    return text.strip(" .\"'").casefold() in _NOTHING


def normalise_label(label: str) -> str:
    """The label without case and punctuation; two that are then equal are not told apart in a reply."""
    return re.sub(r"[\W_]+", " ", label).strip().casefold()


def _route(label: str, routes: Mapping[str, str], reply: Reply) -> str:
    """The knowledge base meant: the same label or name, the only one but for case and punctuation, or the only one that
    is mentioned.
    """
    exact = {word: name for label, name in routes.items() for word in (name, label)}
    if label.strip() in exact:
        return exact[label.strip()]
    plain: dict[str, set[str]] = {}
    for word, name in exact.items():
        plain.setdefault(normalise_label(word), set()).add(name)
    known = {word: names.pop() for word, names in plain.items() if len(names) == 1}
    said = normalise_label(label)
    if said in known:
        return known[said]
    mentioned = {name for word, name in known.items() if re.search(rf"\b{re.escape(word)}\b", said)}
    if len(mentioned) != 1:
        raise ParseError(f"ret says {label!r}, which is not one of: {', '.join([*routes, STOP])}", reply.text)
    return mentioned.pop()


# ── how sure the policy was ────────────────────────────────────────────────────────────────────


def read_route_probabilities(tokens: Sequence[Token], routes: Mapping[str, str]) -> dict[str, float]:
    """Probability of each route by the label's log-probabilities; {} where the backend gave none.

    P(none) is read at the first token of the sub-question, the others at the tokens of the label, renormalised
    over the labels: P(route) = (1 - P(none)) · P(label). After a stop only P(none) is known. In a reply without
    a sub-question None is one of the labels.
    """
    if not tokens or not any(t.top for t in tokens):
        return {}
    text = "".join(t.text for t in tokens)
    asked, label = _TAGS["sub-question"].search(text), _TAGS["ret"].search(text)
    if not label:
        return {}
    if not asked:
        shares = _shares(tokens, label.start(1), [*routes, STOP])
        return {routes.get(option, NO_ROUTE): share for option, share in shares.items()}
    none = _share(tokens, asked.start(1), STOP)
    if says_nothing(asked.group(1)):
        return {NO_ROUTE: none}
    shares = _shares(tokens, label.start(1), list(routes))
    if not shares:
        return {}
    return {routes[name]: (1 - none) * share for name, share in shares.items()} | {NO_ROUTE: none}


def read_answer_probabilities(tokens: Sequence[Token], tag: str = "answer") -> tuple[float | None, float | None]:
    """(geometric mean of the probabilities of the tag's tokens, probability of "unknown" at its first one).

    None for both where the backend gave no log-probabilities.
    """
    if not tokens or not any(t.top for t in tokens):
        return None, None
    text = "".join(t.text for t in tokens)
    found = _TAGS[tag].search(text)
    if not found or not found.group(1).strip():
        return None, None
    start = found.start(1) + len(found.group(1)) - len(found.group(1).lstrip())
    said = [token.logprob for token, begin, _ in _from(tokens, start) if begin < found.end(1)]
    return math.exp(sum(said) / len(said)), _share(tokens, start, UNKNOWN)


def _alternatives(token: Token) -> dict[str, float]:
    found = {text: math.exp(logprob) for text, logprob in token.top}
    return found | {token.text: math.exp(token.logprob)}


def _share(tokens: Sequence[Token], start: int, option: str) -> float:
    """Probability that the text at `start` begins with `option`, by the first token there alone."""
    token, _, head = _from(tokens, start)[0]
    return min(1.0, sum(p for alt, p in _alternatives(token).items() if _begins(alt[head:], option)))


def _shares(tokens: Sequence[Token], start: int, options: list[str]) -> dict[str, float]:
    """Probability of each option at `start`, renormalised over the options.

    Follows the tokens that were generated. At each of them the mass of an alternative token goes to the options
    that it could begin; where it could begin several, and was not followed, they share it equally.
    """
    shares = dict.fromkeys(options, 0.0)
    alive, reach, done = options, 1.0, ""
    for token, _, head in _from(tokens, start):
        if len(alive) == 1:
            break
        could = {
            alt: ([o for o in alive if _begins(done + alt[head:], o + "</")], p)
            for alt, p in _alternatives(token).items()
        }
        followed, p_followed = could[token.text]
        total = sum(p for begun, p in could.values() if begun)
        if not followed or total <= 0.0:
            return {}
        for alt, (begun, p) in could.items():
            if alt != token.text:
                for option in begun:
                    shares[option] += reach * p / total / len(begun)
        alive, reach, done = followed, reach * p_followed / total, done + token.text[head:]
    for option in alive:
        shares[option] += reach / len(alive)
    return shares


def _from(tokens: Sequence[Token], start: int) -> list[tuple[Token, int, int]]:
    """(token, where it begins, how many of its characters lie before `start`) from character `start` on."""
    found, begin = [], 0
    for token in tokens:
        end = begin + len(token.text)
        if end > start:
            found.append((token, begin, max(0, start - begin)))
        begin = end
    return found


def _begins(written: str, option: str) -> bool:
    """Whether this text is the beginning of the option, or goes on after it; case and leading space aside."""
    written, option = written.lstrip().casefold(), option.casefold()
    return bool(written) and (option.startswith(written) or written.startswith(option))

"""Describes a knowledge base in a line that a policy writes, because routers choose by that line.

The line that is made of titles tells what there is; a large model can say what it is about. What a person wrote stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from r1router import parse
from r1router.errors import InputError, ParseError, PolicyError
from r1router.kb.naming import LONGEST_LINE, tidy_line
from r1router.kb.stores import open_catalog
from r1router.kb.stores.store import Store
from r1router.kb.writer import open_writer
from r1router.policies import open_policy
from r1router.prompts import choose_prompts
from r1router.types import Policy, Reply

SAMPLES = 12
"""Entries that the policy is shown, spread over all."""
SHOWN = 300
"""Characters of each."""


def open_describer(spec: str) -> Policy:
    """The policy that `spec` names. Raises `InputError` for one whose weights can only route."""
    policy = open_policy(spec)
    if policy.prompts and not (policy.prompts / "describe.j2").is_file():
        raise InputError(
            f"{spec} was trained for other prompts and would describe nothing well; name a general model, such as "
            "openai:MODEL@URL (r1router models lists some), or write the line yourself: r1router kb describe"
        )
    return policy


async def describe_kbs(kbs: str | Path, policy: Policy, *, changed: Collection[str]) -> dict[str, str]:
    """The names of those that `changed` or were never described, each with its new line.

    What a person described stays, and so does what holds nothing. Raises `PolicyError` where the policy does not
    answer in the form that it is asked for, `Busy`.
    """
    written = {}
    for name, store in open_catalog(kbs).list_stores().items():
        manifest = store.read_manifest()
        if not manifest.holds_given and (name in changed or not manifest.holds_by) and store.count():
            written[name] = await describe_kb(store, policy)
    return written


async def describe_kb(store: Store, policy: Policy) -> str:
    """The line that the policy writes of the content; it is on the card from then on."""
    manifest = store.read_manifest()
    with open_writer(store, manifest) as writer:
        holds, samples = writer.say_what_it_holds(), writer.sample_texts(SAMPLES, SHOWN)
    line = await _ask(policy, [holds, *manifest.details.splitlines()], samples)
    with open_writer(store, store.read_manifest()) as writer:
        writer.finish(holds=line, holds_by=policy.spec)
    return line


async def _ask(policy: Policy, counted: Sequence[str], samples: Sequence[str]) -> str:
    """Once more where the form is wrong."""
    prompts = choose_prompts(None, policy)
    ask = prompts.describe(counted, samples, longest=LONGEST_LINE)
    reply = await policy.reply(ask)
    try:
        return _read(reply)
    except ParseError as error:
        again = await policy.reply(prompts.ask_again(ask, reply.text, str(error)))
    try:
        return _read(again)
    except ParseError as error:
        raise PolicyError(f"{policy.spec} did not say what the knowledge base holds: {error}") from error


def _read(reply: Reply) -> str:
    return tidy_line(parse.read_answer(reply).text[:LONGEST_LINE])

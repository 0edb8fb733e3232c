"""Declares the settings of sampling groups once: the command line makes its options from these fields."""

from __future__ import annotations

from dataclasses import dataclass

from r1router.train.settings import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """Offline where `kbs` is empty."""

    policy: str = setting("llamacpp:", "Who is sampled: llamacpp:[GGUF], openai:MODEL@URL, transformers:NAME, …")
    prompts: str = setting("", "Folder of prompt templates. [the policy's own, else ours]")
    rewards: tuple[tuple[str, float], ...] = setting((("published", 1.0),), "NAME=WEIGHT, as in training.")
    samples: int = setting(8, "Replies of a group.", min=2)
    greedy: bool = setting(True, "Begin each group with the greedy reply, beside the samples.")
    temperature: float = setting(1.0, "Temperature of the samples.", min=0.01)
    limit: int = setting(0, "Only so many questions or steps, drawn at random; 0 for all.", min=0)
    together: int = setting(8, "Questions or steps that are worked on at once.", min=1)
    vary_cards: bool = setting(True, "Rename, redescribe and shuffle the knowledge bases, as training does.")
    seed: int = setting(0, "Seed of everything that is drawn.")
    kbs: str = setting("", "Folder of the knowledge bases that --online searches, or of collections of them.")
    best: float = setting(0.0, "--online: how often a group's best reply goes on, instead of any.", min=0.0, max=1.0)
    steps_per_question: int = setting(3, "--online: most steps before the final answer.", min=1)
    k: int = setting(5, "--online: pieces of evidence for each search.", min=1)
    reach: int = setting(10, "--online: pieces that a search is judged by; those after --k earn less.", min=1)
    anywhere: bool = setting(False, "--online: begin questions between and after their gold hops too.")


DEFAULTS = SampleSettings()

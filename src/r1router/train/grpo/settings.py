"""Declares the settings of a run of Step-GRPO, with the paper's values or ours as defaults."""

from __future__ import annotations

from dataclasses import dataclass

from r1router.train.settings import TrainSettings, setting

LOSSES = ("dr_grpo", "grpo", "dapo", "bnpo", "cispo", "sapo", "vespo")
"""Those of TRL's that need no other setting. `grpo` is the paper's, a mean over each reply; others weigh by tokens."""
SCALES = ("none", "group", "batch")
"""The paper divides by the deviation of the group, which gives groups that nearly tie the most weight."""

LABELS = ("sampled", "expected")
"""How a plan's label is trained: by the one that was drawn, or by what each would have earned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpoSettings(TrainSettings):
    """Offline where `kbs` is empty."""

    rewards: tuple[tuple[str, float], ...] = setting(
        (("published", 1.0),),
        "NAME=WEIGHT: published, format, sub_question, route, evidence, answer, cost; repeat for more. [published=1]",
    )
    curriculum: str = setting(
        "", "File that `train profile` wrote: train on steps that earn 20 to 80 % of their reward; not with --online."
    )
    rehearse: tuple[tuple[str, float], ...] = setting(
        (), "FILE=SHARE: steps that each optimizer step imitates as well, SHARE for each reply; repeat for more."
    )
    watch: tuple[tuple[str, float], ...] = setting(
        (), "FILE=WEIGHT: dev steps of something else that must not be forgotten; repeat for more."
    )
    kbs: str = setting("", "Folder of the knowledge bases that --online searches, or of collections of them.")
    best: float = setting(
        0.0, "--online: how often the best reply of a group carries the question on, instead of any.", min=0.0, max=1.0
    )
    steps_per_question: int = setting(3, "--online: most steps before the final answer.", min=1)
    k: int = setting(5, "--online: pieces of evidence for each search.", min=1)
    reach: int = setting(
        10, "--online: pieces of evidence that a search is judged by; those after --k earn less.", min=1
    )
    decisions: tuple[str, ...] = setting(
        (), "--online: train on these decisions only: plan, answer, query or final. [all]"
    )
    others: str = setting(
        "",
        "--online: policy that makes the decisions that are not trained on, as it would be served, and gold only those "
        "of the hops that --anywhere gives. [gold, or the weights in training]",
    )
    anywhere: bool = setting(False, "--online: also begin questions between their gold hops and after them.")
    labels: str = setting(
        "sampled", "--online: sampled; or expected, which searches all knowledge bases and takes the exact gradient."
    )
    samples: int = setting(8, "Replies in a group.", min=2)
    groups: int = setting(4, "Groups in an optimizer step, over all processes.", min=1)
    batch: int = setting(0, "Replies in one pass of a process; 0 for those of one group.", min=0)
    temperature: float = setting(1.0, "Temperature of the samples.", min=0.01)
    learning_rate: float = setting(1e-4, "Learning rate, constant over the run.", min=0.0)
    beta: float = setting(
        0.0, "Weight of the KL divergence from the weights at the start; 0 saves its forward pass.", min=0.0
    )
    loss: str = setting(
        "dr_grpo", f"dr_grpo, a sum over tokens; grpo, as in the paper; or another of TRL's: {', '.join(LOSSES[2:])}."
    )
    scale: str = setting(
        "none", "Divide a reward's distance from the mean of its group by the deviation of: none, group, batch."
    )
    redraws: int = setting(2, "How often to draw a batch anew when all of its groups tie.", min=0)
    optimizer_steps: int = setting(200, "Updates of the weights.", min=1)
    max_tokens: int = setting(96, "Most tokens of a reply; longer ones are cut, which makes them malformed.", min=1)
    max_prompt: int = setting(
        1024, "Leave out steps with longer prompts, and count them; not with --online. Pictures do not count.", min=1
    )
    format_valid: float = setting(
        0.5, "Stop when fewer replies than this share can be read, over 10 optimizer steps.", min=0.0, max=1.0
    )
    processes: int = setting(0, "Fail unless this many processes train together.", min=0)
    sharding: str = setting("", "Fail unless the sharding is this: none, ddp, fsdp, deepspeed.")
    vllm: bool = setting(False, "Sample with vLLM, on the same GPU.")


DEFAULTS = GrpoSettings()

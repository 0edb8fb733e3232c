"""Names the settings of a run of Step-GRPO, with the paper's values or ours as defaults."""

from __future__ import annotations

from dataclasses import dataclass

from r1router.train.sft import SHORT

LOSSES = ("grpo", "dapo", "dr_grpo", "bnpo", "cispo", "sapo", "vespo")
"""Those of TRL's that need no other setting."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is asked for; kept in `run.json`."""

    base: str = ""
    """Hugging Face id, folder or GGUF file; the default model where empty."""
    adapter: str = ""
    """The adapter that training goes on from, as SFT leaves it; a new LoRA where empty."""
    prompts: str = str(SHORT)
    rewards: str = "published=1"
    """NAME=WEIGHT, separated by spaces; see `train.rewards`."""
    samples: int = 8
    """Replies of a group."""
    groups: int = 4
    """Groups of an optimizer step, over all processes."""
    batch: int = 0
    """Replies in one forward and backward pass of a process; a group's where 0."""
    temperature: float = 1.0
    learning_rate: float = 2e-5
    beta: float = 0.01
    """Weight of the KL to the weights at the start; 0 leaves it out, and with it the forward pass that it takes."""
    loss: str = "grpo"
    """The paper's, a mean over each reply; `dapo` and others of `LOSSES` weigh by tokens."""
    max_steps: int = 200
    """Optimizer steps."""
    max_tokens: int = 96
    """Of a reply; longer ones are cut, and so malformed."""
    max_prompt: int = 1024
    """Offline, steps with longer prompts are left out, and counted. In tokens, without those of pictures."""
    lora: int = 32
    """Rank of a new LoRA; 0 trains all weights."""
    layers: int = 0
    """A new LoRA on the upper layers only, so many; 0 for all."""
    vary_cards: bool = True
    """Knowledge bases are renamed, described otherwise, shuffled and joined (see `train.steps.cards`); evidence is now
    and then cut shorter than the prompt set does."""
    kbs: str = ""
    """Folder of the knowledge bases to search online; empty for offline."""
    best: float = 0.0
    """Online: how often a group's best reply goes on, instead of any of them."""
    path: int = 3
    """Online: most steps of a question."""
    k: int = 5
    """Online: pieces of evidence for each search."""
    save_every: int = 50
    """Optimizer steps between checkpoints, each with an evaluation where there are dev steps."""
    format_valid: float = 0.5
    """Training stops where fewer replies than this can be read, over 10 steps; see `train.grpo.collapse`."""
    processes: int = 0
    """How many are to train together; not checked where 0."""
    sharding: str = ""
    """none, ddp, fsdp or deepspeed; not checked where empty."""
    vllm: bool = False
    """Sample with vLLM, on the same GPU."""
    seed: int = 0
    report_to: str = "none"
    """tensorboard, wandb, trackio or none."""


DEFAULTS = Settings()

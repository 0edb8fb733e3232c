"""Implements `r1router models`: lists models and how each is started, because the default is a small one.

Sizes of files are those that the servers name; memory is the file and a context of 16,384 tokens, by arithmetic.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import typer
from rich.console import Console
from rich.text import Text

from r1router.cli import options


@dataclass(frozen=True, slots=True)
class Model:
    """A recipe: start the server, name the policy."""

    where: str
    start: str
    """Commands that bring it up; "" where nothing has to be started."""
    policy: str
    file_gb: float
    """Size of the weights; 0 where they lie elsewhere."""
    memory_gb: float
    form: str
    """How the form of steps is enforced there."""
    pictures: bool = False
    ran_here: bool = False
    """Whether the authors of this package ran it; the others follow the servers' own documentation."""


MODELS = (
    Model("built in", "", "llamacpp:", 0.15, 0.5, "grammar", ran_here=True),
    Model("a GGUF file", "", "llamacpp:Qwen3-4B-Instruct-2507-Q4_K_M.gguf?ctx=16384", 2.5, 5, "grammar"),
    Model(
        "Ollama", "ollama pull qwen3:4b-instruct", "openai:qwen3:4b-instruct@http://localhost:11434/v1", 2.5, 5, "JSON"
    ),
    Model(
        "llama.cpp", "llama-server -hf unsloth/Qwen3-4B-Instruct-2507-GGUF:Q4_K_M -c 16384 -np 2",
        "openai:qwen3@http://localhost:8080/v1", 2.5, 5, "grammar",
    ),
    Model("LM Studio", "lms get qwen/qwen3-4b-2507 && lms server start", "openai:qwen/qwen3-4b-2507@http://localhost:1234/v1",
          2.5, 5, "JSON"),
    Model("vLLM", "vllm serve Qwen/Qwen3-8B --max-model-len 16384", "openai:Qwen/Qwen3-8B@http://localhost:8000/v1",
          16.4, 20, "regex"),
    Model("SGLang", "python -m sglang.launch_server --model-path Qwen/Qwen3-8B --context-length 16384",
          "openai:Qwen/Qwen3-8B@http://localhost:30000/v1", 16.4, 20, "regex"),
    Model("vLLM, sees pictures", "vllm serve Qwen/Qwen2.5-VL-7B-Instruct --max-model-len 16384",
          "openai:Qwen/Qwen2.5-VL-7B-Instruct@http://localhost:8000/v1", 16.6, 20, "regex", pictures=True),
    Model("Ollama, sees pictures", "ollama pull qwen2.5vl:7b", "openai:qwen2.5vl:7b@http://localhost:11434/v1",
          6.0, 9, "JSON", pictures=True),
    Model("OpenAI", "export OPENAI_API_KEY=…", "openai:gpt-4o-mini", 0, 0, "JSON", pictures=True),
    Model("OpenRouter", "export OPENROUTER_API_KEY=…",
          "openai:qwen/qwen3-32b@https://openrouter.ai/api/v1?key_env=OPENROUTER_API_KEY", 0, 0, "JSON"),
)  # fmt: skip


def models(as_json: options.AsJson = False) -> None:
    """List models to ask, and how each is started.

    Sizes are told, and which of them were run by us.
    """
    if as_json:
        typer.echo(json.dumps([asdict(model) for model in MODELS], ensure_ascii=False, indent=2))
        return
    console = Console()
    for model in MODELS:
        size = f"{model.file_gb:g} GB, about {model.memory_gb:g} GB of memory" if model.file_gb else "nothing to fetch"
        told = [size, f"form by {model.form}", *(["sees pictures"] if model.pictures else [])]
        told.append("run by us" if model.ran_here else "not run by us")
        console.print(
            Text(model.where, style="bold").append(f"  {', '.join(told)}", style="not bold dim"), soft_wrap=True
        )
        for line in filter(None, (model.start, f'r1router ask "…" --policy "{model.policy}"')):
            console.print(Text(f"    {line}"), soft_wrap=True)  # a command that is cut can be copied by nobody
    console.print(Text("what to expect, memory and prices: docs/models.md", style="dim"))

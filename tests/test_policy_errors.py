"""What goes wrong with a policy is said with what it was, where, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policy_backends import KEY_ENV, llama_server, model_file
from r1router.drive.threads import wait_for
from r1router.errors import InputError, MissingExtra, PolicyError, UnknownName
from r1router.policies import names, open_policy
from r1router.policies.scripted import Scripted
from r1router.types import Ask, Message

ASK = Ask((Message("user", "How high is the Zugspitze?"),), "final", max_tokens=4)


# ── specs ──────────────────────────────────────────────────────────────────────────────────────


def test_every_file_of_the_folder_is_a_policy() -> None:
    assert names() == ["llamacpp", "openai", "scripted", "transformers"]


def test_an_unknown_policy_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'llamacpp'"):
        open_policy("lamacpp:/models/x.gguf")


def test_an_unknown_option_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'slots'"):
        open_policy("llamacpp:?slot=3")


def test_an_option_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(InputError, match="ctx='many' is not of type int"):
        open_policy("llamacpp:?ctx=many")


def test_anybodys_factory_is_a_policy_and_gets_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebody").mkdir()
    (tmp_path / "somebody" / "own.py").write_text(
        "from r1router.policies.scripted import Scripted\n"
        "def greeter(*, greeting='hello', times=1):\n"
        "    return Scripted([' '.join([greeting] * times)])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    policy = open_policy("somebody.own:greeter?greeting=hi&times=2")
    assert wait_for(policy.reply(ASK)).text == "hi hi"
    with pytest.raises(InputError, match="waver"):
        open_policy("somebody.own:waver")


# ── llamacpp ───────────────────────────────────────────────────────────────────────────────────


def test_a_missing_model_file_is_named() -> None:
    with pytest.raises(InputError, match="no model at /nowhere/x"):
        open_policy("llamacpp:/nowhere/x.gguf")


def test_a_file_that_is_no_gguf_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_text("PK, this is not a model")
    with pytest.raises(InputError, match="not a GGUF file"):
        open_policy(f"llamacpp:{tmp_path}/x.gguf")


def test_a_damaged_model_is_an_error_with_its_path(tmp_path: Path) -> None:
    with model_file().open("rb") as whole:
        (tmp_path / "half.gguf").write_bytes(whole.read(3_000_000))
    with pytest.raises(PolicyError, match=r"could not load .*half\.gguf"):
        open_policy(f"llamacpp:{tmp_path}/half.gguf")


def test_an_adapter_that_is_missing_or_none_is_named() -> None:
    model = model_file()
    with pytest.raises(InputError, match="no LoRA adapter at /nowhere/a"):
        open_policy(f"llamacpp:{model}?lora=/nowhere/a.gguf")
    with pytest.raises(PolicyError, match="adapter"):
        open_policy(f"llamacpp:{model}?lora={model}&ctx=256&slots=1")


def test_a_closed_policy_says_so() -> None:
    policy = open_policy(f"llamacpp:{model_file()}?ctx=256&slots=1")
    wait_for(policy.close())
    with pytest.raises(PolicyError, match="is closed"):
        wait_for(policy.reply(ASK))


# ── openai ─────────────────────────────────────────────────────────────────────────────────────


def test_an_unreachable_server_is_named_with_its_url() -> None:
    with pytest.raises(PolicyError, match=r"http://127\.0\.0\.1:9/v1(.|\n)*is the server running"):
        wait_for(open_policy("openai:smol@http://127.0.0.1:9/v1").reply(ASK))


def test_a_refused_key_is_an_error_that_does_not_tell_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, "sk-wrong-and-secret")
    with llama_server(key="right") as url:
        policy = open_policy(f"openai:smol@{url}?key_env={KEY_ENV}")
        with pytest.raises(PolicyError, match="401") as caught:
            wait_for(policy.reply(ASK))
        wait_for(policy.close())
    for told in (str(caught.value), repr(caught.value), policy.spec, repr(policy), repr(vars(policy))):
        assert "secret" not in told


def test_a_missing_key_is_asked_for_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        open_policy("openai:gpt-5")
    monkeypatch.delenv(KEY_ENV, raising=False)  # another test's server may have one
    with pytest.raises(InputError, match=KEY_ENV):
        open_policy(f"openai:smol@http://127.0.0.1:9/v1?key_env={KEY_ENV}")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("openai:", "takes MODEL"),
        ("openai:smol@localhost:8000", "is no URL"),
        ("openai:smol@http://127.0.0.1:9/v1?constrain=vlm", "did you mean 'vllm'"),
    ],
)
def test_a_spec_that_cannot_work_is_refused_at_once(spec: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_policy(spec)


# ── scripted ───────────────────────────────────────────────────────────────────────────────────


def test_a_script_that_has_run_out_says_how_many_replies_it_had() -> None:
    policy = Scripted(["one", {"when": "Eiger", "reply": "3,967 m"}])
    assert wait_for(policy.reply(ASK)).text == "one"
    with pytest.raises(PolicyError, match=r"1 in order(.|\n)*the Zugspitze\?"):
        wait_for(policy.reply(ASK))
    assert [ask.purpose for ask in policy.asks] == ["final", "final"]


def test_rows_for_certain_words_are_used_again_and_before_those_in_order() -> None:
    policy = Scripted(["in order", {"when": "Zugspitze", "reply": "2,962 m"}])
    assert [wait_for(policy.reply(ASK)).text for _ in range(3)] == ["2,962 m"] * 3


def test_a_script_in_a_file_says_which_line_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "replies.jsonl"
    rows = ["plain", {"reply": "ab", "tokens": [{"text": "a", "logprob": -0.1, "top": [["a", -0.1]]}]}]
    file.write_text("\n\n".join(json.dumps(row) for row in rows))
    with pytest.raises(InputError, match="line 3: the tokens' texts do not add up"):
        open_policy(f"scripted:{file}")
    file.write_text('"plain"\n{"said": "x"}\n')
    with pytest.raises(InputError, match="line 2"):
        open_policy(f"scripted:{file}")
    file.write_text("plain\n")
    with pytest.raises(InputError, match="line 1"):
        open_policy(f"scripted:{file}")
    with pytest.raises(InputError, match="replies"):
        open_policy("scripted:/nowhere.jsonl")


# ── transformers ───────────────────────────────────────────────────────────────────────────────


def test_without_torch_the_install_command_is_given() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match="r1router\\[transformers\\]"):
            open_policy("transformers:some/model")
    else:
        with pytest.raises(InputError, match="cannot load the model '/nowhere/model'"):
            open_policy("transformers:/nowhere/model")

"""The language of the source: a module opens with a verb and a full stop, a function is called by a verb."""

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "r1router"

_VERBS = """
add admit advance answer apply ask audit average bind bring build call center change charge check choose cite clean
close collect combine compare compile compute conclude convert copy correct count create cut declare decode define
describe draw drive drop embed encode escape estimate evaluate expect explain explore export fetch fill find fine-tune
finish fit focus format fuse gather generate give group guess handle hide hold implement import index inspect iterate
join judge keep link list load locate look make map mark measure merge move multiply name neutralise normalise open
order pack parse permute pick pin place plan plot predict prepare print profile put query quote read reason receive
record refuse reinforce remember remove rename render repeat replace report rerank retrieve return reward rewrite run
salvage sample save say scale score search see send serve set settle show silence solve sort speed spell split spread
start stop store stream sum sweep synthesize take tell think tidy trace train translate turn unpack unpermute use vary
verify view wait walk warn watch weigh widen work write
"""
_VERBS_OF_METHODS = """
allow attend begin cancel claim emit end flush forget get insist meet note prune rate recall reply reset select submit
wrap
"""
VERBS = {*_VERBS.split(), *_VERBS_OF_METHODS.split(), "limit", "narrow", "hash", "rank", "round"}
PREDICATES = {"abstains", "can", "has", "is", "matches", "meets", "recognises", "says", "sees", "shows", "takes", "was"}
"""What a function that answers yes or no begins with."""
NAMED_OTHERWISE = {
    "from_dict": "the way back of `to_dict`",
    "names": "the entries of a registry folder, read as `methods.names()`",
    "main": "as in every program",
    "rm": "a command",
    "setting": "stands where a field's default stands",
    "dpo": "a command",
    "sft": "a command",
    "sources": "a command",
    "grpo": "a command",
    "to_dict": "as in the standard library",
    "to_json": "as `to_dict`, as text",
}
METHODS_NAMED_OTHERWISE = {
    "Layer": ("update", "lazy_initialization"),  # transformers' names for a layer of a cache
    "TableKnowledgeBase": {"columns"}, "MemoryKnowledgeBase": {"columns"}, "StoredTables": {"columns"},
    "StoredKnowledgeBase": {"columns", "entry"},
    "Prompts": {"labels", "sources", "next_step", "final_answer", "next_query", "next_sentence"},
    "Store": {"exists"}, "FolderStore": {"exists"}, "PostgresStore": {"exists"}, "MilvusStore": {"exists"},
    "BucketStore": {"exists"},
    "Catalog": {"exists"}, "FolderCatalog": {"exists"}, "PostgresCatalog": {"exists"}, "MilvusCatalog": {"exists"},
    "BucketCatalog": {"exists"},
    "Ids": {"unique"}, "Sections": {"heading"}, "Meter": {"seconds_left"}, "Prices": {"cost"},
    "TableArrays": {"mask", "equal"}, "Mentions": {"first", "last", "token", "repeats", "comes_first"},
    "TextLines": {"formatMessage", "formatException"}, "Watch": {"last_sound"}, "Pool": {"next_groups"},
    "Episode": {"step"}, "StepScores": {"to_dict"},
}  # fmt: skip
"""What reads like a field, a template, a thing of a list, or is called so by a library that calls it."""
FOLDERS_OF_NAMED_FUNCTIONS = ("cli/", "evals/metrics/", "train/rewards/")
"""Where a file's function has the file's name or a command's, since it is found by that."""
NAMES_OF_A_SEAM = {"evals/datasets/": {"recognises", "rows", "example"}, "serve/routes/": {"router"}}
"""What every file of a folder has under the same name."""


@cache
def trees():
    """Path inside the package → syntax tree of each module."""
    found = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in found.items()}


def badly_opened(modules):
    """Modules whose first line is no sentence that begins with a verb, such as "Checks that …."."""
    lines = {name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree in modules.items()}
    return [f"{name}: {line}" for name, line in lines.items() if not (line.endswith(".") and says_what_is_done(line))]


def says_what_is_done(line):
    word = line.partition(" ")[0].rstrip(",:").lower()
    return bool({word.removesuffix("s"), word.removesuffix("es"), f"{word.removesuffix('ies')}y"} & VERBS)


def badly_named(modules):
    """Public functions of a module that are called by no verb."""
    return [
        f"{name}: {function.name}"
        for name, tree in modules.items()
        for function in tree.body
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and not function.name.startswith("_")
        and function.name.partition("_")[0] not in VERBS | PREDICATES
        and function.name not in NAMED_OTHERWISE
        and not (name.startswith(FOLDERS_OF_NAMED_FUNCTIONS) and Path(name).stem == function.name.rstrip("_"))
        and not any(name.startswith(room) and function.name in names for room, names in NAMES_OF_A_SEAM.items())
    ]


def badly_named_methods(modules):
    """Public methods of public classes that are called by no verb; properties are values."""
    return [
        f"{name}: {kind.name}.{method.name}"
        for name, tree in modules.items()
        for kind in tree.body
        if isinstance(kind, ast.ClassDef) and not kind.name.startswith("_")
        for method in kind.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and not method.name.startswith("_")
        and not any("property" in ast.unparse(mark) for mark in method.decorator_list)
        and method.name.partition("_")[0] not in VERBS | PREDICATES
        and method.name not in METHODS_NAMED_OTHERWISE.get(kind.name, ())
    ]


def test_a_module_opens_with_a_sentence_that_begins_with_a_verb():
    assert badly_opened(trees()) == []


def test_a_public_function_is_called_by_a_verb():
    assert badly_named(trees()) == []


def test_a_public_method_is_called_by_a_verb():
    assert badly_named_methods(trees()) == []


@pytest.mark.parametrize(
    "line", ["Checks that it is so.", "Carries on.", "Varies the cards.", "Fine-tunes an adapter."]
)
def test_a_verb_is_known_in_the_form_that_a_sentence_has(line):
    assert says_what_is_done(line) == (line != "Carries on.")
    assert not says_what_is_done("What a run was launched as to what it was asked for.")


def test_a_group_of_the_change_log_is_read_on_one_screen():
    log = (SOURCE.parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
    groups = log.replace("\n#### ", "\n### ").split("\n### ")[1:]
    lengths = {group.partition("\n")[0]: group.count("\n") for group in groups}
    assert {"Added", "Changed", "Removed", "Fixed", "Security"} <= set(lengths)
    assert max(lengths.values()) < 60, "write a new line under its heading, and say what belongs together in one"

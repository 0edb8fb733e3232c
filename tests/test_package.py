"""The package as it is installed: cheap to import, complete, and called by the version that it has.

`pytest --log-cli-level=info` shows the seconds that importing took; they decide nothing.
"""

import ast
import logging
import subprocess
import sys
import time
import tomllib
from importlib import resources
from pathlib import Path

import pytest

import r1router

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]
HEAVY = {"cv2", "lancedb", "onnxruntime", "openai", "pyarrow", "rapidocr", "torch", "transformers", "xllamacpp"}


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_knowledge_bases_are_opened_by_a_program_that_has_imported_nothing_else(tmp_path):
    code = (
        "import r1router as rr\n"
        "from r1router.errors import InputError\n"
        f"try: rr.open_kbs({str(tmp_path / 'kbs')!r})\n"
        "except InputError as error: print(error)"
    )
    assert "no knowledge bases" in run_python(code)


def test_importing_the_package_loads_nothing_but_the_standard_library():
    code = (
        "import sys, time; before = set(sys.modules); began = time.perf_counter(); import r1router; "
        "print(time.perf_counter() - began, *({m.partition('.')[0] for m in {*sys.modules} - before}"
        " - {*sys.stdlib_module_names}))"
    )
    runs = [run_python(code).split() for _ in range(3)]
    log.info("import r1router: %.3f s at best", min(float(run[0]) for run in runs))
    assert runs[0][1:] == ["r1router"]


def test_the_help_of_the_command_line_loads_no_model_and_no_index():
    began = time.perf_counter()
    loaded = run_python(
        "import sys; from r1router.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print('loaded:', *{HEAVY!r} & {{*sys.modules}})"
    )
    log.info("r1router --help: %.1f s", time.perf_counter() - began)
    assert "demo" in loaded
    assert loaded.splitlines()[-1].split() == ["loaded:"]


@pytest.mark.parametrize("name", r1router.__all__)
def test_every_public_name_can_be_imported(name):
    assert getattr(r1router, name) is not None


def test_the_public_names_are_the_ones_that_type_checkers_see():
    tree = ast.parse(Path(r1router.__file__).read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = [alias.asname or alias.name for node in block.body for alias in node.names]
    assert sorted([*seen, "__version__"]) == r1router.__all__ == sorted(set(r1router.__all__))


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'answer_everything'"):
        _ = r1router.answer_everything


def test_the_version_is_the_one_in_the_metadata():
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == r1router.__version__


def test_the_package_brings_its_types_and_its_licences():
    assert resources.files("r1router").joinpath("py.typed").is_file()
    assert all((ROOT / name).is_file() for name in ("LICENSE", "NOTICE"))

# r1router: `make demo` shows it at work, `make test` checks it, `make clean` forgets what the two made.
# `make smoke` trains: every stage from gold steps to an exported adapter that answers, a few minutes on two cores.
#
# `make release` builds the distributions and tries them in a fresh environment of each Python; it publishes nothing.
# `make sbom` writes a bill of materials of the base install, and looks for known weaknesses in it.
# `make map` prints which rooms of the source import which.
#
# Needs make and Python 3.11 or newer, nothing else:
#   make demo PYTHON=/path/to/python3.12            with a Python of your choice
#   make test PYTEST_ARGS="tests/test_parse.py -x"  some of the tests

# Where torch without CUDA comes from: 200 MB instead of 3 GB. Taken where no GPU is, if it can be reached.
TORCH_CPU := https://download.pytorch.org/whl/cpu
DEMO := .venv
TEST := .venv-test

.PHONY: demo test smoke map release sbom clean
.DELETE_ON_ERROR:

demo: $(DEMO)/.installed
	@echo "== r1router demo: index the package's own files and ask about them"
	@$(DEMO)/bin/r1router demo

test: $(TEST)/.installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/lint-imports --no-logo --no-cache
	$(TEST)/bin/pytest $(PYTEST_ARGS)

smoke: $(TEST)/.installed
	PATH="$(CURDIR)/$(TEST)/bin:$$PATH" recipes/smoke.sh

release:
	recipes/release.sh

sbom:
	@$(find_python); recipes/sbom.sh "$$python"

map: $(TEST)/.installed
	@$(TEST)/bin/python benchmarks/import_map.py

# Installed in place, so only a change of pyproject.toml asks for a new installation.
$(DEMO)/.installed: EXTRAS :=
$(TEST)/.installed: EXTRAS := [dev,train]
$(DEMO)/.installed $(TEST)/.installed: pyproject.toml constraints.txt
	@set -e; venv=$(@D); \
	if ! $$venv/bin/python -m pip --version >/dev/null 2>&1; then \
	  $(find_python); \
	  echo "== $$venv: a virtual environment of $$($$python --version)"; \
	  $$python -m venv --clear $$venv; \
	fi; \
	echo "== $$venv: pip install -e '.$(EXTRAS)' (a few minutes the first time)"; \
	cpu=; if [ -n "$(findstring train,$(EXTRAS))" ] && [ "$$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1 \
	  && "$$venv/bin/python" -c 'import urllib.request as u; u.urlopen("$(TORCH_CPU)", timeout=5)' 2>/dev/null; \
	then cpu="--extra-index-url $(TORCH_CPU)"; echo "== torch: the CPU build, since there is no NVIDIA GPU"; fi; \
	$$venv/bin/python -m pip install $$cpu --quiet --disable-pip-version-check -c constraints.txt -e '.$(EXTRAS)'; \
	touch $@

clean:
	rm -rf $(DEMO) $(TEST) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Sets the shell variable `python` to the first Python that is new enough and can make a virtual environment.
define find_python
python=; old=; bare=; \
for name in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.14); do \
  command -v "$$name" >/dev/null 2>&1 || continue; \
  if ! "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then old="$$old $$name"; continue; fi; \
  if ! "$$name" -c 'import ensurepip, venv' 2>/dev/null; then bare="$$name"; continue; fi; \
  python="$$name"; break; \
done; \
if [ -z "$$python" ]; then \
  if [ -n "$$bare" ]; then \
    echo "$$bare cannot make virtual environments: its ensurepip is missing." \
      "On Debian and Ubuntu: sudo apt install $$("$$bare" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')" >&2; \
  else \
    echo "Python 3.11 or newer is needed and was not found$${old:+ (too old:$$old)}." \
      "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
  fi; \
  exit 1; \
fi
endef

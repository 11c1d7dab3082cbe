# Each target sets up .venv by itself. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help reproduce test lab report lint bench requirements clean

PYTHON ?= python3
PROFILE ?= auto
JOBS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
COMPILE := $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 pyproject.toml

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

reproduce: $(READY) ## Run every notebook, write reports/index.html (PROFILE=auto|smoke|quick|paper, JOBS=n, ARGS=--resume)
	$(BIN)/fer-lib run --profile $(PROFILE) $(if $(JOBS),--jobs $(JOBS)) $(ARGS)

test: lint ## Lint, types, unit tests, and every notebook on the built-in sample
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder tests/test_notebooks.py tests

lab: $(READY) ## Open the notebooks in JupyterLab (ARGS=--no-browser prints the address alone)
	$(BIN)/python -m fer_lib.lab $(ARGS)

report: $(READY) ## Build reports/index.html again from the run folders (ARGS=--publish writes reports/published)
	$(BIN)/fer-lib report $(ARGS)

lint: $(READY) ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) ## Measure the speeds that the project promises (ARGS="--csv data/fer2013.csv")
	$(BIN)/python -m benchmarks $(ARGS)

requirements: $(READY) ## Choose the pinned versions anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --upgrade --output-file requirements.txt
	$(COMPILE) --extra gpu --constraint requirements.txt --output-file requirements-gpu.txt
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## Remove caches and pages; runs, published numbers and .venv stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info reports/notebooks reports/*.html
	find fer_lib tests benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, as TensorFlow has it. Received: $$($(PYTHON) --version 2>&1). Name another with make PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

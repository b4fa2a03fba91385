# Everything runs inside .venv, which is made on first use; a second run is quick.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
ROOMS := data tools knowledge agents evals server
# One BLAS thread: results are the same on any machine, and tests run side by side.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help setup demo serve test quick check format lock clean

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.installed  ## make .venv and install the locked packages

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Installing the locked packages into $(VENV) (two minutes, once) ..." >&2
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11, 3.12 or 3.13 is needed, not {v[0]}.{v[1]}; set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## the whole job on a simulated world, in a minute
	@$(BIN)/cx demo

serve: setup  ## the service and its page on the demo world
	@$(BIN)/cx serve

check: setup  ## lint, format, strict types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/mypy tests
	@$(BIN)/lint-imports --no-logo

test: check  ## everything: check, doctests, all tests, coverage
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest --doctest-modules $(ROOMS) tests -n 2 --dist worksteal --cov --cov-report=term $(PYTEST_ARGS)

quick: setup  ## the fast tests only
	@$(BIN)/python -m pytest -m "not slow" -n 2 $(PYTEST_ARGS)

format: setup  ## format and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

lock: setup  ## resolve the newest versions within the bounds
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --group dev --upgrade pyproject.toml -o requirements.lock

clean:  ## remove everything that was made
	@rm -rf $(VENV) var .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Everything is done by `make demo` and `make test`; `make help` lists the rest.
PYTHON ?= python3
export PYTHON

BIN := .venv/bin
MODEL := smollm2-135m
PINS := pyproject.toml packaging/constraints.txt packaging/setup.sh

.PHONY: help setup demo test lint types contracts clean
.NOTPARALLEL:

help:
	@echo 'make demo       install, pull the model, tune the sample task to a verdict: once'
	@echo '                installed, about 10 minutes on two cores, up to 20 on slow ones'
	@echo 'make test       install, pull the model, run the test suite'
	@echo 'make setup      the environment for development in .venv: 5 to 8 minutes once'
	@echo 'make lint       ruff: format and rules'
	@echo 'make types      mypy, strict'
	@echo 'make contracts  import-linter: which package may import which'
	@echo 'make clean      remove .venv, builds and caches; models and results stay'
	@echo 'make PYTHON=... use another Python (3.11 or newer)'

setup: .venv/.installed-test

# Stamps: written by the script after success alone, so that an interrupted set-up is done again.
.venv/.installed-tune: $(PINS)
	@packaging/setup.sh tune

.venv/.installed-test: $(PINS)
	@packaging/setup.sh tune,test

demo: .venv/.installed-tune
	@echo 'demo: pulls $(MODEL) (93 MB, once), then tunes the shipped sample task and gives the'
	@echo 'demo: verdict: about 10 minutes on two cores, up to 20 on slow ones. It may be'
	@echo 'demo: interrupted at any time and run again.'
	@$(BIN)/strop models pull $(MODEL)
	@$(BIN)/strop demo

test: .venv/.installed-test
	@echo 'test: pulls $(MODEL) (93 MB, once), then runs the test suite without its slow tests.'
	@$(BIN)/strop models pull $(MODEL)
	$(BIN)/pytest tests/engines tests/faults
	$(BIN)/pytest -n 2 tests/unit tests/flows tests/tui

lint: .venv/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.installed-test
	$(BIN)/mypy

contracts: .venv/.installed-test
	$(BIN)/lint-imports

clean:
	rm -rf .venv build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'clean: models, tasks and results are kept; `strop doctor` names their folder.'

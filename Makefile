# make demo and make test need nothing but make and a Python 3.11 or later: they make .venv themselves.
VENV ?= .venv
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
OWN := analysis codemods config linters runtime unsnarl

.PHONY: help demo test lint ci bench fuzz suites docs build clean
help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

demo: $(VENV)/.installed  ## check, count and fix a copy of examples/, and show the difference
	@$(BIN)/python -m tools.demo

test: lint  ## the linters and the whole suite
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev  ## ruff, mypy, and our own linters and codemods on this repository
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/flake8 $(OWN) tools tests
	$(BIN)/unsnarl check
	$(BIN)/python -m codemods.safe_executor --check .
	$(BIN)/python -m codemods.get_port --check .
	$(BIN)/python -m codemods.event_bus --check .

ci: $(VENV)/.installed  ## the guardrails, as .github/workflows/guardrails.yml runs them
	$(BIN)/unsnarl check .
	$(BIN)/python -m flake8 --select=E9 .
	$(BIN)/python -m codemods.safe_executor --check --diff .
	$(BIN)/unsnarl metrics --no-record .

bench: $(VENV)/.installed-bench  ## measure, and write docs/benchmarks.md
	@mkdir -p build
	@status=0; \
	$(BIN)/python -m pytest benchmarks -p no:xdist --benchmark-json=build/benchmarks.json $(PYTEST_ARGS) || status=$$?; \
	$(BIN)/python -m tools.bench_page build/benchmarks.json docs/benchmarks.md && exit $$status

PROGRAMS ?= 2000
fuzz: $(VENV)/.installed-dev  ## every law on newly drawn examples, PROGRAMS programs in each of four parts before and after a rewrite
	UNSNARL_FUZZ=$(PROGRAMS) $(BIN)/python -m pytest tests -m hypothesis -n $(JOBS) --timeout 0 $(PYTEST_ARGS)

suites: $(VENV)/.installed-dev  ## the test suites of other packages before and after a rewrite, and their circles, for two pages of docs/
	$(BIN)/python -m tools.thirdparty --write docs/third-party.md
	$(BIN)/python -m tools.real_cycles --write docs/real-cycles.md

docs: $(VENV)/.installed-dev  ## write the generated pages under docs/ anew
	$(BIN)/python -m tools.docs

build: $(VENV)/.installed-dev  ## the wheel and the sdist, into dist/
	$(BIN)/python -m hatchling build

clean:  ## remove the environment and everything that the tools leave behind
	rm -rf $(VENV) .tox build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .unsnarl_cache

$(BIN)/python:
	@python=$$(PYTHON="$(PYTHON)" sh tools/python.sh) && echo "making $(VENV) with $$python" >&2 && "$$python" -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[lint,test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[lint,test,bench]'
	@touch $@ $(VENV)/.installed-dev $(VENV)/.installed

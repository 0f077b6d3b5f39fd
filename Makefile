# `make demo` builds the two-client example for both boards, `make test` runs every test.
# Both make their own virtual environment first; nothing else has to be installed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench docs clean

demo: $(VENV)/installed
	$(BIN)/sdfgen build examples/two-clients/system.toml

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: $(VENV)/installed
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/installed
	$(BIN)/sdfgen schema --format markdown > docs/reference.md

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/python -m compileall -q sdfgen patcher
	touch $@

clean:
	rm -rf $(VENV) build dist examples/*/build

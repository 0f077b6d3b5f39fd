# `make demo` builds the two-client example for both boards, `make test` runs every test.
# Both make their own virtual environment first; nothing else has to be installed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-sel4 bench docs clean

demo: $(VENV)/installed
	$(BIN)/sdfgen build examples/two-clients/system.toml

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

# On seL4 in QEMU: needs MICROKIT_SDK and LIBVMM, which are yours to bring; without them each test says so and is skipped.
test-sel4: $(VENV)/installed
	$(BIN)/python -m pytest -m sel4 tests/sel4

bench: $(VENV)/installed
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/block.py

docs: $(VENV)/installed
	$(BIN)/sdfgen schema --format markdown > docs/reference.md

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[zig,test]'
	$(BIN)/python -m compileall -q sdfgen patcher
	touch $@

clean:
	rm -rf $(VENV) build dist examples/*/build

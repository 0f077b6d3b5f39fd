# `make demo` builds the two-client example for both boards, `make test` runs every test.
# Both make their own virtual environment first; nothing else has to be installed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-sel4 bench docs site clean

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
	$(BIN)/sdfgen show examples/two-clients/system.toml --board qemu_virt_aarch64 --format svg -o docs/pictures/two-clients.svg

# The pages as a site in build/site; every link must lead somewhere.
site: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/mkdocs build --strict

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[zig,test]'
	$(BIN)/python -m compileall -q sdfgen patcher
	touch $@

clean:
	rm -rf $(VENV) build dist examples/*/build

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden files anew from what is produced now")


LONGEST_FILES: Final = ("test_frama.py", "test_races.py", "test_package.py")
"""Begun first: whoever has one of them has little else, and nobody waits for it in the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Let tests be what they are by themselves.

    `make test` tells every make below it that it is not the first, and what was asked of the first. pytest-xdist would
    begin with the files that have the most tests.
    """
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        os.environ.pop(name, None)
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST_FILES)


class Golden:
    """Compares text with a file of the repository, or writes that file with --update."""

    def __init__(self, update: bool) -> None:
        self._update = update

    def check(self, path: Path, text: str) -> None:
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing: run pytest with --update and read what it wrote"
        assert text == path.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=bool(request.config.getoption("--update")))


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """A shell ignores ^C for what it runs in the background, `nohup` the hang-up, and all below inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in zip((signal.SIGINT, signal.SIGHUP), before, strict=True):
        signal.signal(number, handler)

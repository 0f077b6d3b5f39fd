"""The virtualiser between clients and drivers that die and start again, whatever the order.

`SDFGEN_FUZZ=100000 pytest tests/native/test_block_virt_model.py` runs longer, `SDFGEN_FUZZ_FROM=5000` starts elsewhere.
"""

from __future__ import annotations

import os
import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .model.choices import Drawn, Seeded
from .model.programs import build
from .model.shim import CrashError
from .model.virtualiser import Judge, Program, ViolationError, anything
from .toolchain import folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

EXAMPLES = int(os.environ.get("SDFGEN_FUZZ", "4000"))
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))
CHUNKS = 4
SHIM = ("block_virt_shim.c", "block_virt_world.c")
END = ".\n"


class Virtualiser:
    """The program behind a pipe, started again when it has crashed."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[str] | None = None

    def close(self) -> None:
        """Ends the program."""
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def play(self, program: Program) -> list[str]:
        """What is told of it."""
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(program.line())
        process.stdin.flush()
        told: list[str] = []
        for line in process.stdout:
            if line == END:
                return told
            told.append(line)
        self.process = None
        raise CrashError("".join(told) + process.communicate()[1])


@pytest.fixture(scope="module")
def virtualiser(programs: Path) -> Iterator[Virtualiser]:
    product = folders("block", "block_virt")
    virtualiser = Virtualiser(build(str(programs / "block_virt_shim"), "gcc", SHIM, product))
    yield virtualiser
    virtualiser.close()


def play(virtualiser: Virtualiser, program: Program) -> None:
    told = virtualiser.play(program)
    try:
        Judge(program.world).judge(told)
    except ViolationError as violation:
        violation.add_note(program.line() + "".join(told))
        raise


@st.composite
def drawn(draw: st.DrawFn) -> Program:
    return anything(Drawn(draw))


@settings(max_examples=max(EXAMPLES // 20, 1), deadline=None, suppress_health_check=list(HealthCheck))
@given(program=drawn())
def test_requests_and_deaths(virtualiser: Virtualiser, program: Program) -> None:
    play(virtualiser, program)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_many_lives(virtualiser: Virtualiser, chunk: int) -> None:
    """Faster than hypothesis, and without shrinking: a seed that fails here is one for `Drawn`."""
    for seed in range(FIRST + chunk, FIRST + EXAMPLES, CHUNKS):
        try:
            play(virtualiser, anything(Seeded(Random(seed))))  # noqa: S311 - repeatable, not secret
        except (AssertionError, CrashError) as error:
            error.add_note(f"seed {seed}")
            raise

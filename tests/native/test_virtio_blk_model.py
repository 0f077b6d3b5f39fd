"""The C device and the reference model come to the same end, whatever the guest does.

`SDFGEN_FUZZ=100000 pytest tests/native/test_virtio_blk_model.py` runs longer, `SDFGEN_FUZZ_FROM=5000` starts elsewhere.
"""

from __future__ import annotations

import os
import struct
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .model.choices import Drawn, Seeded
from .model.guests import all_at_once, one_by_one
from .model.programs import DEVICE, SHIM, build
from .model.scenario import END, R0, REGION_BYTES, Model, Outcome, Program
from .model.shim import CrashError, Shim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .model.choices import Choices

    Guest = Callable[[Choices], Program]

EXAMPLES = int(os.environ.get("SDFGEN_FUZZ", "2000"))
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))
CHUNKS = 5
U16 = 0xFFFF
FLAGS_AND_INDEX = 4


@pytest.fixture(scope="module")
def shim(programs: Path) -> Iterator[Shim]:
    shim = Shim(build(str(programs / "device_shim"), "gcc", SHIM, DEVICE))
    yield shim
    shim.close()


def _used(model: Model, memory: bytes, first: int) -> list[tuple[int, int]]:
    """The elements used since `first`, in an image of memory."""
    ring = model.ring.geometry
    at = (ring.element(first + i) - R0 for i in range((model.ring.next_used - first) & U16))
    return [struct.unpack_from("<II", memory, gpa) for gpa in at]


def compare(model: Model, step_first: int, ours: Outcome, theirs: Outcome) -> None:
    """What is seen of the C is what the model says; elements of one batch may be used in any order."""
    ring = model.ring
    assert (theirs.needs_reset, theirs.config_interrupts) == (ours.needs_reset, ours.config_interrupts)
    if ours.needs_reset:
        return
    assert sorted(_used(model, theirs.memory[0], step_first)) == sorted(_used(model, ours.memory[0], step_first))
    assert (theirs.interrupts if ring.event_idx else min(theirs.interrupts, 1)) == ours.interrupts
    used = theirs.memory[0][ring.geometry.used - R0 :][: 4 + 8 * ring.geometry.size]
    model.memory.write(ring.geometry.used + FLAGS_AND_INDEX, used[FLAGS_AND_INDEX:])
    assert theirs.memory == (bytes(model.low), bytes(model.high)), first_difference(model, theirs)
    assert theirs.disk == ours.disk


def first_difference(model: Model, theirs: Outcome) -> str:
    memory = theirs.memory[0] + theirs.memory[1]
    ours = model.memory.read(R0, 2 * REGION_BYTES) or b""
    gpa = next(gpa for gpa in range(R0, END) if memory[gpa - R0] != ours[gpa - R0])
    return f"{gpa:#x}: C {memory[gpa - R0]:#x}, model {ours[gpa - R0]:#x}"


def play(shim: Shim, program: Program) -> None:
    model = Model(program.world)
    for step, theirs in zip(program.steps, shim.play(program), strict=True):
        first = model.ring.next_used
        compare(model, first, model.play(step), theirs)
        if model.broken:
            return


DRAWN = settings(max_examples=max(EXAMPLES // 20, 1), deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def drawn(draw: st.DrawFn, guest: Guest) -> Program:
    return guest(Drawn(draw))


@DRAWN
@given(program=drawn(one_by_one))
def test_requests_one_by_one(shim: Shim, program: Program) -> None:
    play(shim, program)


@DRAWN
@given(program=drawn(all_at_once))
def test_requests_all_at_once(shim: Shim, program: Program) -> None:
    play(shim, program)


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("guest", [one_by_one, all_at_once])
def test_many_guests(shim: Shim, guest: Guest, chunk: int) -> None:
    """Faster than hypothesis, and without shrinking: a seed that fails here is one for `Drawn`."""
    for seed in range(FIRST + chunk, FIRST + EXAMPLES, CHUNKS):
        try:
            play(shim, guest(Seeded(Random(seed))))  # noqa: S311 - repeatable, not secret
        except (AssertionError, CrashError) as error:
            error.add_note(f"seed {seed}")
            raise

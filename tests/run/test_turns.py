"""Machines with more cores than the host: what QEMU is told then, and what the user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from sdfgen.run.turns import turns

from .test_run import BOOT, LOADED, project, qemu, run
from .test_run_qemu import example

if TYPE_CHECKING:
    from pathlib import Path

    from .fake_qemu import FakeQemu

__all__ = ["project", "qemu"]

SMP: Final = "smp-debug"
ADDED: Final = "-icount"


class Case(NamedTuple):
    """A kernel's configuration, the host's cores, what QEMU says of its version, and the user's own arguments."""

    config: str
    host_cores: int
    version: str
    extra: tuple[str, ...] = ()


NOTHING: Final = {
    "one core runs everywhere": Case("debug", 1, "QEMU emulator version 10.0.2"),
    "as many as the machine": Case(SMP, 4, "QEMU emulator version 10.0.2"),
    "the user counts": Case(SMP, 2, "QEMU emulator version 10.0.2", ("-icount", "shift=5")),
    "the user counts, with two dashes": Case(SMP, 2, "QEMU emulator version 10.0.2", ("--icount", "shift=5")),
    "the user accelerates": Case(SMP, 2, "QEMU emulator version 10.0.2", ("-accel", "tcg,thread=single")),
}
TOLD: Final = {
    "one less": (Case(SMP, 3, "QEMU emulator version 10.0.2"), True, "4 cores share 3 of this host: they run in turn"),
    "one for all": (Case("smp-release", 1, "QEMU emulator version 8.1.0 (Debian)"), True, "share 1 of this host: they"),
    "other arguments": (Case(SMP, 2, "QEMU emulator version 8.10.0", ("-s", "-S")), True, "they run in turn"),
    "too old": (Case(SMP, 2, "QEMU emulator version 8.0.5"), False, "QEMU 8.1 runs them in turn, this is 8.0"),
    "says nothing": (Case(SMP, 2, "an emulator"), False, "QEMU 8.1 runs them in turn, this is unknown"),
}


def put_qemu(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "qemu-system-aarch64"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def on_host(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[str, ...], str] | None:
    put_qemu(folder, case.version, monkeypatch)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(case.host_cores)))
    return turns(example(f"system.config='{case.config}'"), case.extra)


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_is_added_where_cores_have_theirs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_host(NOTHING[name], tmp_path, monkeypatch) is None


@pytest.mark.parametrize("name", TOLD)
def test_a_host_with_fewer_cores_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, added, text = TOLD[name]
    found = on_host(case, tmp_path, monkeypatch)
    assert found is not None
    words, told = found
    assert (ADDED in words, text in told) == (added, True), told


@pytest.mark.usefixtures("project")
def test_a_run_adds_it_before_the_users_arguments(qemu: FakeQemu) -> None:
    qemu.will(*BOOT)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        status, _, told = run(qemu, *LOADED, "--set", f"system.config={SMP}", "--expect", "booted", "--", "-s")
    finally:
        os.sched_setaffinity(0, before)
    assert (status, qemu.words[-1], ADDED in qemu.words) == (0, "-s", True), told
    assert "sdfgen: the machine's 4 cores share 1 of this host: they run in turn" in told

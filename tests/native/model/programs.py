"""The C programs that test the ring and the block device, each compiled as often as there are compilers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from sdfgen.build.toolchain import LINK_FLAGS, WARNINGS
from tests.native.toolchain import (
    C_TESTS,
    DRIVER_CC,
    SANITIZED,
    SANITIZERS,
    TEMPLATES_C,
    folders,
    include_flags,
    run,
    why_unusable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

RING = ("virtio/guest_ram.c", "virtio/virtq.c")
DEVICE = (*RING, *folders("virtio_blk", "block"))
SHIM = ("device_shim.c", "device_rig.c", "device_disk.c")
RIG = ("device_rig.c", "device_disk.c")
VIRTQ_TEST = ("virtq_test.c", "virtq_memory.c", "virtq_rings.c", "virtq_kicks.c")
BLOCK_TEST = (
    "virtio_blk_test.c",
    "device_judge.c",
    "device_vectors.c",
    "device_order.c",
    "device_life.c",
    "device_limits.c",
    "device_silence.c",
    *RIG,
)
COMPILERS = ("gcc", "clang", "aarch64")
QEMU = "qemu-aarch64-static"
# Names in the tables of tests and of vectors.
NAMED = re.compile(r'UNIT_TEST\((\w+)\)|^    \{ "(\w+)",|TYPE_UNKNOWN\((\w+)\),', re.MULTILINE)


def names(tests: Sequence[str]) -> list[str]:
    """All tests of a program, found in its sources without compiling them."""
    found = []
    for name in tests:
        with open(os.path.join(C_TESTS, name), encoding="utf-8") as file:
            found += [unit or vector or f"type_{number}" for unit, vector, number in NAMED.findall(file.read())]
    return found


def command(compiler: str) -> tuple[str, ...]:
    """How that compiler is called. Skips the test where there is none, or none that links sanitizers."""
    if compiler == "aarch64":
        if shutil.which(QEMU) is None:
            pytest.skip(f"{QEMU} is not installed")
        return (*DRIVER_CC, *LINK_FLAGS.split(), "-pthread")
    reason = why_unusable(compiler)
    if reason is not None:
        pytest.skip(reason)
    return (compiler, SANITIZERS, *WARNINGS.split(), *SANITIZED, "-pthread")


def build(output: str, compiler: str, tests: Sequence[str], product: Sequence[str]) -> tuple[str, ...]:
    """Compiles a program. What runs it."""
    sources = [os.path.join(C_TESTS, name) for name in tests] + [os.path.join(TEMPLATES_C, name) for name in product]
    run((*command(compiler), *include_flags(), *sources, "-o", output))
    return (QEMU, output) if compiler == "aarch64" else (output,)


def check(program: Sequence[str], name: str) -> None:
    """Runs one test of a program, or all."""
    done = subprocess.run((*program, name), capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def listed(program: Sequence[str]) -> list[str]:
    return subprocess.run((*program, "--list"), capture_output=True, text=True, check=True).stdout.split()

"""Builds a libFuzzer target, and runs it: `python -m tests.native.fuzz.build TARGET [libFuzzer's arguments]`.

A target is NAME_fuzz.c with the C that it is about; its corpus is corpus/NAME. Only the latter C is instrumented for
coverage, so that what is kept is what leads somewhere in it, and runs are fast. With FUZZ_REWRITE=1 in the environment,
targets that know it rewrite guest memory in another thread meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

from sdfgen.build.toolchain import WARNINGS
from tests.native.model.programs import DEVICE, RING
from tests.native.toolchain import (
    C_TESTS,
    SANITIZED,
    SANITIZERS,
    TEMPLATES_C,
    folders,
    include_flags,
    run,
    why_unusable,
)

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "corpus")
CLANG = "clang"
PARTITIONS = ("block_virt/partition.c", "block_virt/partition_gpt.c", "block_virt/partition_name.c")


class Target(NamedTuple):
    """What a target is made of.

    Attributes:
        sources: The C that it is about, in templates/c.
        helpers: C of the tests.
        max_len: The longest input that makes sense.
        rewrites: Whether it knows FUZZ_REWRITE.
        compares: Whether inputs hold numbers that the C looks for, so that its comparisons are worth following.
    """

    sources: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    max_len: int = 512
    rewrites: bool = False
    compares: bool = False


TARGETS = {
    "virtq": Target(RING, rewrites=True),
    "virtio_blk": Target(DEVICE, rewrites=True),
    "virtio_mmio": Target((*DEVICE, "virtio/virtio_mmio.c"), ("device_disk.c",), rewrites=True),
    "pl011": Target(("pl011/pl011.c", "pl011/console_line.c"), max_len=2048),
    "console_mux": Target(
        (*folders("console_mux", "serial"), "pl011/console_line.c"),
        rewrites=True,
    ),
    "virtio_console": Target((*folders("virtio_console", "serial"), *RING), rewrites=True),
    "block_queue": Target(("block/block_queue.c",)),
    "block_virt": Target(
        (*folders("block_virt"), "block/block_queue.c"),
        max_len=300,
        rewrites=True,
    ),
    "partition": Target(PARTITIONS, max_len=8 * 4096, compares=True),
    "phys_addr": Target(("common/phys_addr.c",), max_len=4097, compares=True),
}


def missing() -> str | None:
    """Why targets can't be built here."""
    program = "int LLVMFuzzerTestOneInput(const char *a, int b); int LLVMFuzzerTestOneInput(const char *a, int b) {"
    return why_unusable(CLANG, "-fsanitize=fuzzer,address,undefined", program + " return !a + !b; }")


def build(name: str, folder: str) -> str:
    """Compiles a target into a folder; the program's path."""
    target = TARGETS[name]
    output = os.path.join(folder, f"{name}_fuzz")
    flags = (CLANG, SANITIZERS, *WARNINGS.split(), *SANITIZED, *include_flags())
    ours = [os.path.join(HERE, f"{name}_fuzz.c"), *(os.path.join(C_TESTS, helper) for helper in target.helpers)]
    coverage = ("-fsanitize=fuzzer-no-link", *(() if target.compares else ("-fno-sanitize-coverage=trace-cmp",)))
    jobs: list[tuple[str, tuple[str, ...]]] = [(source, ()) for source in ours]
    jobs += [(os.path.join(TEMPLATES_C, source), coverage) for source in target.sources]
    objects: list[str] = []
    for source, more in jobs:
        objects.append(f"{output}.{len(objects)}.o")
        run((*flags, *more, "-c", source, "-o", objects[-1]))
    run((CLANG, SANITIZERS, "-fsanitize=fuzzer", "-pthread", *objects, "-o", output))
    return output


def corpus(name: str) -> list[str]:
    """The files of a target's corpus."""
    folder = os.path.join(CORPUS, name)
    return sorted(entry.path for entry in os.scandir(folder)) if os.path.isdir(folder) else []


def main(name: str, *arguments: str) -> None:
    """Builds a target and runs it. What it finds is left in the current folder."""
    folder = tempfile.mkdtemp(prefix="sdfgen-fuzz-")
    found = os.path.join(folder, "corpus")
    os.mkdir(found)
    program = build(name, folder)
    command = [program, f"-max_len={TARGETS[name].max_len}", *arguments, found, os.path.join(CORPUS, name)]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])

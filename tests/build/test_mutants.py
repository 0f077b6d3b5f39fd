"""A build of whatever is written ends without a traceback, and the next build of a good description is good.

`SDFGEN_FUZZ_BUILD=300 pytest tests/build/test_mutants.py` builds more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from tests.mutate import mutated
from tests.paths import EXAMPLE, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

COUNT: Final = int(os.environ.get("SDFGEN_FUZZ_BUILD", "12"))
SEEDS: Final = (EXAMPLE, SYSTEMS / "three_disks_two_blocks.toml")
PATIENCE_S: Final = 120


def build(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", "build", "system.toml", "-q", *more]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def test_mutants_are_built_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    seeds = [tomllib.loads(seed.read_text()) for seed in SEEDS]
    built = 0
    for number in range(COUNT):
        random = Random(number)  # noqa: S311 - repeatable, not secret
        path.write_bytes(mutated(random.choice(seeds), random))
        done = build(tmp_path, *random.choice(((), ("--no-compile",))))
        built += done.returncode == 0
        if done.returncode not in {0, 1} or "Traceback" in done.stderr:
            pytest.fail(f"mutant {number}, status {done.returncode}:\n{path.read_text()}\n{done.stderr}")
        shutil.copy(EXAMPLE, path)
        good = build(tmp_path, "--no-compile" if number % 4 else "--compile")
        assert (good.returncode, good.stdout) == (0, ""), f"after mutant {number}:\n{good.stderr}"
    assert len(seeds) > COUNT or built

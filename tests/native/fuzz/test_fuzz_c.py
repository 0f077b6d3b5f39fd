"""libFuzzer targets: the committed corpus is replayed, and a short session goes on from it.

`SDFGEN_FUZZ=10000000 pytest tests/native/fuzz` runs longer; `python -m tests.native.fuzz.build` runs one target.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from . import build

if TYPE_CHECKING:
    from pathlib import Path

RUNS = int(os.environ.get("SDFGEN_FUZZ", "5000"))
SEED = 20260101
MOST_FILES = 200
MOST_BYTES = 200 * 1024
REWRITING = [name for name, target in build.TARGETS.items() if target.rewrites]


@pytest.fixture(scope="session")
def targets(programs: Path) -> dict[str, str]:
    """Those that have been built."""
    if build.missing() is not None:
        pytest.skip(str(build.missing()))
    (programs / "fuzz").mkdir()
    return {}


@pytest.fixture
def target(targets: dict[str, str], programs: Path, name: str) -> str:
    if name not in targets:
        targets[name] = build.build(name, str(programs / "fuzz"))
    return targets[name]


def fuzz(program: str, folder: Path, *arguments: str, **environment: str) -> None:
    """Runs a target; whatever it finds lies in the folder, and its report is the error."""
    command = (program, f"-artifact_prefix={folder}/", f"-seed={SEED}", "-print_final_stats=1", *arguments)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr[-6000:]


def session(name: str, folder: Path) -> tuple[str, ...]:
    """The arguments of a short session that leaves the committed corpus as it is."""
    found = folder / "corpus"
    found.mkdir()
    committed = os.path.join(build.CORPUS, name)
    limits = (f"-runs={RUNS}", f"-max_len={build.TARGETS[name].max_len}", "-timeout=20")
    return (*limits, str(found), *([committed] if os.path.isdir(committed) else []))


@pytest.mark.parametrize("name", build.TARGETS)
def test_the_corpus_is_small(name: str) -> None:
    files = build.corpus(name)
    assert 0 < len(files) < MOST_FILES
    assert sum(os.path.getsize(path) for path in files) < MOST_BYTES


@pytest.mark.parametrize("name", build.TARGETS)
def test_nothing_is_found_in_the_corpus(target: str, tmp_path: Path, name: str) -> None:
    fuzz(target, tmp_path, *build.corpus(name))


@pytest.mark.parametrize("name", build.TARGETS)
def test_nothing_is_found_from_there_on(target: str, tmp_path: Path, name: str) -> None:
    fuzz(target, tmp_path, *session(name, tmp_path))


@pytest.mark.parametrize("name", REWRITING)
def test_nothing_is_found_while_memory_is_rewritten(target: str, tmp_path: Path, name: str) -> None:
    fuzz(target, tmp_path, *session(name, tmp_path), FUZZ_REWRITE="1")

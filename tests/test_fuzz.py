"""No input, however broken, ends in a traceback; every fault has a place in the text; good mutants are emitted.

`SDFGEN_FUZZ=100000 pytest tests/test_fuzz.py` runs longer, `SDFGEN_FUZZ_FROM=5000` starts elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tomllib
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.describe import describe
from sdfgen.faults.render import FORMATS
from sdfgen.generate import generated_files, manifest_records, programs_of
from tests.mutate import mutated
from tests.paths import BOARDS, EXAMPLE, FAULTS, FOUR_CORES, FUZZ, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.place import Span
    from sdfgen.faults.source import Where

SEEDS = [FUZZ / "raw.toml", FUZZ / "block.toml", SYSTEMS / "three_disks_two_blocks.toml", EXAMPLE, FOUR_CORES]
CHUNKS = 10
COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000"))
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))
SETTINGS = [
    *(
        "system.microkit='1.4.1'",
        "system.microkit=2.3.0",
        "block.physical_addresses=learned",
        "x",
        "=",
        "a.b.c=[",
        "a=1",
    ),
    *(
        "system=5",
        "guest=[]",
        "guest.linux-1.disk.0.partition=9",
        "guest.linux-1.disk.logs.name='0'",
        "block.driver=linux-1",
        "system.boards=['odroidc4']",
        "a..b=1",
        "\0=\0",
    ),
]


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_seeds_are_good(path: Path) -> None:
    assert [fault.message for fault in describe(str(path)).faults if fault.severity != "note"] == []


@pytest.fixture(scope="module")
def trees() -> list[dict[str, Any]]:
    good = [tomllib.loads(path.read_text(encoding="utf-8")) for path in SEEDS]
    return good + list(_readable(sorted(FAULTS.glob("*/*.toml"))))


def _readable(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with contextlib.suppress(ValueError):
            yield tomllib.loads(path.read_text(encoding="utf-8"))


def _seed(trees: list[dict[str, Any]], random: Random) -> dict[str, Any]:
    """Take a good description half of the time, else one with a fault, which may come to have two."""
    return random.choice(trees[: len(SEEDS)] if random.random() < 0.5 else trees)


def surroundings(folder: Path) -> Path:
    """Copy the files that seeds name, and return where seeds find them."""
    shutil.copytree(FAULTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.txt"))
    return Path(shutil.copytree(FUZZ, folder / "seeds"))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutants_are_survived(
    chunk: int, trees: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(surroundings(tmp_path))
    size = COUNT // CHUNKS
    for number in range(FIRST + chunk * size, FIRST + (chunk + 1) * size):
        random = Random(number)  # noqa: S311 - repeatable, not secret
        data = mutated(_seed(trees, random), random)
        Path("m.toml").write_bytes(data)
        try:
            _survive(number)
        except Exception:  # noqa: BLE001 - the point of this test
            pytest.fail(f"mutant {number}:\n{data.decode(errors='replace')[:5000]}\n{traceback.format_exc()}")


@pytest.mark.parametrize("board", ["qemu_virt_aarch64", "odroidc4"])
def test_mutated_board_files_are_survived(board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board is a file that users write too."""
    shutil.copy(EXAMPLE, tmp_path / "m.toml")
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "boards" / f"{board}.toml"
    own.parent.mkdir()
    seed = tomllib.loads((BOARDS / own.name).read_text(encoding="utf-8"))
    for number in range(FIRST, FIRST + COUNT // 10):
        own.write_bytes(mutated(seed, Random(number)))  # noqa: S311 - repeatable, not secret
        try:
            _survive(1)
        except Exception:  # noqa: BLE001 - the point of this test
            pytest.fail(f"mutant {number}:\n{traceback.format_exc()}")


def _survive(number: int) -> None:
    settings = [SETTINGS[number % len(SETTINGS)]] if number % 7 == 0 else []
    result = describe("m.toml", settings)
    faults = result.faults.sorted()
    for fault in faults:
        _check_places(fault)
    texts = {style: show(faults) for style, show in FORMATS.items()}
    assert len(json.loads(texts["json"])["faults"]) == len(faults)
    assert len(json.loads(texts["sarif"])["runs"][0]["results"]) == len(faults)
    assert texts["github"].count("\n") == len(faults)
    assert all(line.isprintable() for line in texts["text"].split("\n"))
    if not result.faults.errors:
        assert result.systems
        for system in result.systems.values():
            assert generated_files(system)
            manifest_records(system)
            programs_of(system)


def _check_places(fault: Fault) -> None:
    _check(fault.where, fault.place)
    for where, words in fault.notes:
        assert words
        _check(where, where.span)


def _check(where: Where, span: Span) -> None:
    assert 1 <= span.line <= where.source.text.count("\n") + 1
    assert 1 <= span.column <= len(where.source.line(span.line)) + 1
    assert span.width >= 1

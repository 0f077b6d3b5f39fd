"""Constants that code may have as numbers: warned of where that may be, not where it cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from patcher import PatchError, PatchRequest, patch_file, plan_file, verify_file
from tests.patcher import building
from tests.patcher.building import FREESTANDING
from tests.patcher.test_running import runner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.patcher.building import Builder

SOURCES = ("folded.c", "elsewhere.c")
OLD = "code may have its old value inside; declare it `volatile const`, or without `const`, or in a file without code"


SECTIONS = {"placed": ".placed"}


@pytest.fixture(scope="session")
def folded(builder: Builder) -> Path:
    return builder.cc("folded", *FREESTANDING, "-O2", "-g", sources=SOURCES)


@pytest.fixture(scope="session")
def untyped(builder: Builder) -> Path:
    return builder.cc("folded0", *FREESTANDING, "-O2", "-g0", sources=SOURCES)


@pytest.mark.parametrize("symbol", ["plain", "mixed.plain", "table[2]", "placed"])
def test_a_constant_beside_code_is_warned_of(folded: Path, symbol: str) -> None:
    (record,) = plan_file(str(folded), [PatchRequest(symbol, 1, 8)])
    assert [str(warning) for warning in record.warnings] == [
        f"{folded}: warning[PATCH025]: `{symbol}` is in {SECTIONS.get(symbol, '.rodata')} and is not volatile: {OLD}"
    ]


@pytest.mark.parametrize("symbol", ["kept", "mixed.kept", "weak", "elsewhere", "sum", "writable"])
def test_what_code_reads_each_time_is_not_warned_of(folded: Path, symbol: str) -> None:
    (record,) = plan_file(str(folded), [PatchRequest(symbol, 1, 8)])
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("declaration", "status", "warned"),
    [("const uint64_t status", 1, True), ("volatile const uint64_t status", 42, False)],
)
def test_the_processor_sees_the_old_value_where_that_is_warned_of(
    builder: Builder, tmp_path: Path, declaration: str, status: int, warned: bool
) -> None:
    run = runner("x86_64")
    text = (building.SOURCES / "exits.c").read_text().replace("volatile uint64_t status", declaration)
    source = tmp_path / "exits.c"
    source.write_text(text)
    options = ("-target", "x86_64-freestanding", "-ffreestanding", "-nostdlib", "-Wl,--no-gc-sections", "-O2", "-g")
    program, patched = builder.cc(f"folds{status}", *options, sources=(str(source),)), tmp_path / "patched"
    (record,) = patch_file(str(program), str(patched), [PatchRequest("status", 42)])
    assert bool(record.warnings) == warned
    assert subprocess.run([*run, str(patched)], check=False).returncode == status


def test_without_types_it_is_told_that_they_were_not_seen(untyped: Path) -> None:
    records = plan_file(str(untyped), [PatchRequest(name, 1, 8) for name in ("plain", "kept", "weak", "sum", "placed")])
    unseen = "the file has no debug information; compile with -g, and do not strip it"
    assert {record.symbol: [warning.message for warning in record.warnings] for record in records} == {
        name: [f"`{name}` is in .rodata and whether it is volatile is unknown ({unseen}): {OLD}"]
        for name in ("plain", "kept")
    } | {"weak": [], "sum": [], "placed": []}


def test_a_constant_that_is_gone_is_told_as_such(folded: Path, untyped: Path) -> None:
    with pytest.raises(PatchError) as caught:
        plan_file(str(folded), [PatchRequest("gone", 1, 8)])
    assert caught.value.message == (
        "no symbol is named `gone`: debug information has it without an address, so the compiler has put its value"
        " into the code; declare it `volatile`"
    )
    with pytest.raises(PatchError, match=r"no symbol is named `gone`; define it as a variable"):
        plan_file(str(untyped), [PatchRequest("gone", 1, 8)])


def test_verifying_warns_too(folded: Path) -> None:
    (record,) = verify_file(str(folded), [PatchRequest("plain", 1, 8)])
    assert [warning.code for warning in record.warnings] == ["PATCH025"]


def test_a_warning_changes_no_exit_status(folded: Path) -> None:
    command = [sys.executable, "-m", "patcher", "--verify-only", str(folded), "plain=1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[1].split()[0] == "plain"
    assert done.stderr.startswith(f"{folded}: warning[PATCH025]: `plain` is in .rodata")
    done = subprocess.run([*command, "--format", "json"], check=True, capture_output=True, text=True)
    (warning,) = json.loads(done.stdout)["warnings"]
    assert (warning["code"], warning["path"], warning["symbol"]) == ("PATCH025", str(folded), "plain")
    assert done.stderr == ""

"""The law: a description that was imported makes the system that was read. And what a person finds in it."""

from __future__ import annotations

import os
import tomllib
from random import Random
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.render import as_text
from sdfgen.importing.convert import import_system
from sdfgen.importing.meaning import differences
from tests.existing.test_examine import SEEDS, mutated, pd, system
from tests.existing.test_laws import BOARDS, DESCRIBED
from tests.importing.canonical import canonical
from tests.importing.made_up import Maker
from tests.paths import GOLDENS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sdfgen.importing.convert import Imported
    from sdfgen.model.system import System
    from tests.conftest import Golden

QEMU = BOARDS[0]
COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000")) // 10
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))


def imported(text: str, folder: Path, **options: Any) -> Imported:  # noqa: ANN401 - those of Request
    path = folder / "x.system"
    path.write_text(text, encoding="utf-8")
    return import_system(Request(str(path), **options), str(folder))


def description(text: str, folder: Path, **options: Any) -> str:  # noqa: ANN401 - those of Request
    found = imported(text, folder, **options)
    assert found.text is not None, as_text(found.faults.sorted())
    return found.text


def built(text: str, folder: Path, board: str = QEMU) -> str:
    """The system file that a description makes."""
    (folder / "x.toml").write_text(text, encoding="utf-8")
    described = describe(str(folder / "x.toml"), (), (board,))
    assert not described.faults.errors, as_text(described.faults.sorted())
    return system_file(described.systems[board])


@pytest.mark.parametrize("path", sorted((GOLDENS / "sdf").glob("*.system")), ids=lambda path: path.stem)
def test_what_was_emitted_once_is_made_again(path: Path, tmp_path: Path) -> None:
    board = next((board for board in BOARDS if board in path.stem), QEMU)
    version = next((version for version in DIALECTS if version in path.stem), None)
    text = path.read_text(encoding="utf-8")
    for region in ElementTree.fromstring(text.encode()).iter("memory_region"):  # noqa: S314 - ours
        if "prefill_path" in region.attrib:
            (tmp_path / region.attrib["prefill_path"]).write_bytes(bytes(int(region.attrib["size"], 0)))
    again = built(description(text, tmp_path, board=board, microkit=version), tmp_path, board)
    assert canonical(again.encode()) == canonical(text.encode())


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("path", DESCRIBED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_a_description_makes_can_be_imported(path: Path, board: str, tmp_path: Path) -> None:
    made = describe(str(path)).systems.get(board)
    if made is None:
        pytest.skip("not for this board")
    text = system_file(made)
    options = {"board": board, "microkit": made.dialect.version, "config": made.config}
    for name in {region.prefill_path for region in made.regions if region.prefill_path}:
        (tmp_path / name).write_bytes((path.parent / name).read_bytes())
    again = built(description(text, tmp_path, **options), tmp_path, board)
    assert canonical(again.encode()) == canonical(text.encode())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_system_is_made_again(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("law")
    maker = Maker(Random(seed))  # noqa: S311 - repeatable, not secret
    text = maker.text()
    again = built(description(text, folder, microkit=maker.version), folder)
    assert canonical(again.encode()) == canonical(text.encode())

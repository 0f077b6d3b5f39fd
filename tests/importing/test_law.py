"""The law: a description that was imported makes the system that was read."""

from __future__ import annotations

import os
import re
from random import Random
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.existing.request import Request
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.render import FORMATS
from sdfgen.importing.convert import import_system
from tests.existing.test_examine import SEEDS, mutated
from tests.existing.test_laws import DESCRIBED, named
from tests.importing.canonical import canonical
from tests.importing.made_up import Maker
from tests.importing.steps import BOARDS, FILES, QEMU, built, description
from tests.paths import GOLDENS

if TYPE_CHECKING:
    from pathlib import Path


COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000")) // 10
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))


@pytest.mark.parametrize("path", sorted((GOLDENS / "sdf").glob("*.system")), ids=lambda path: path.stem)
def test_what_was_emitted_once_is_made_again(path: Path, tmp_path: Path) -> None:
    board = next((board for board in BOARDS if board in path.stem), QEMU)
    version = next((version for version in DIALECTS if version in path.stem), None)
    text = path.read_text(encoding="utf-8")
    for region in ET.fromstring(text.encode()).iter("memory_region"):  # noqa: S314 - ours
        if "prefill_path" in region.attrib:
            (tmp_path / region.attrib["prefill_path"]).write_bytes(bytes(int(region.attrib["size"], 0)))
    again = built(description(text, tmp_path, board=board, microkit=version), tmp_path, board)
    assert canonical(again.encode()) == canonical(text.encode())


@pytest.mark.parametrize("path", DESCRIBED, ids=named)
def test_what_a_description_makes_can_be_imported(path: Path, tmp_path: Path) -> None:
    for board, made in describe(str(path)).systems.items():
        text = system_file(made)
        options = {"board": board, "microkit": made.dialect.version, "config": made.config}
        for name in {region.prefill_path for region in made.regions if region.prefill_path}:
            (tmp_path / name).write_bytes((path.parent / name).read_bytes())
        again = built(description(text, tmp_path, **options), tmp_path, board)
        assert canonical(again.encode()) == canonical(text.encode()), board


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_system_is_made_again(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("law")
    maker = Maker(Random(seed))  # noqa: S311 - repeatable, not secret
    text = maker.text()
    found = description(text, folder, microkit=maker.version)
    assert canonical(built(found, folder).encode()) == canonical(text.encode())
    said = re.findall(r"\bc\d+c\b", found)
    assert sorted(said) == sorted(maker.comments)


def test_no_mutant_ends_in_a_traceback(tmp_path: Path) -> None:
    texts = [path.read_bytes() for path in (*SEEDS, FILES / "kept.system")]
    path = tmp_path / "x.system"
    made = 0
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        path.write_bytes(mutated(random.choice(texts), random))
        board, version = random.choice((None, QEMU)), random.choice((None, None, "1.4.1", "2.0.1", "2.3.0"))
        found = import_system(Request(str(path), board, version), str(tmp_path))
        made += found.text is not None
        assert (found.text is None) == bool(found.faults.errors)
        assert not any(fault.code == "SDF221" for fault in found.faults), seed
        for style in FORMATS.values():
            style(found.faults.sorted())
    assert made

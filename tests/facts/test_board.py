"""Board files: what ships holds together, and one beside the description is read and judged alike."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from sdfgen.describe import describe
from sdfgen.facts.board import board_files, load_board
from sdfgen.faults.fault import Faults
from sdfgen.subsystems import register
from sdfgen.subsystems.block.spec import uio_facts
from tests.laws import LARGE, disjoint
from tests.mutate import dump
from tests.shapes import BOARDS, QEMU, linux, resolved, tree


@pytest.mark.parametrize("name", BOARDS)
def test_board_files_hold_together(name: str) -> None:
    faults = Faults()
    board = load_board(name, board_files()[name], faults, register.board_keys())
    assert board is not None
    assert not faults.errors
    facts = board.facts
    memory = [(r.base, r.base + r.size) for r in facts.ram]
    for window in facts.window:
        inside = any(low <= window.base and window.base + window.size <= high for low, high in memory)
        assert inside == (window.kind == "ram")
        assert window.base % LARGE == window.size % LARGE == 0
    reserved = [(r.base, r.size) for r in facts.reserved]
    assert facts.kernel is not None
    assert disjoint([*reserved, *((w.base, w.size) for w in facts.window), (facts.kernel.base, facts.kernel.reserve)])
    devices = list(board.devices.values())
    assert disjoint((d.base, d.size_bytes) for d in devices)
    intids = [d.intid for d in devices if d.intid is not None]
    assert len(set(intids)) == len(intids)
    uio, emulated = uio_facts(board), board.emulated
    assert facts.board.irq_max is not None
    virtual = [uio.intid, emulated.intid, emulated.intid + emulated.intids - 1]
    assert all(32 <= intid <= facts.board.irq_max for intid in [*intids, *virtual])
    if facts.timer is not None:
        _, physical, *_ = board.guest.timer_ppis
        assert facts.timer.intid == 16 + physical, "device trees count private interrupts from 16"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("physical_address_bits = 40", "physical_address_bits = 4000", "4000 is not a whole number from 32 to 48"),
        ("count = 32", "count = 0x1_0000_0000", "4294967296 is not a whole number from 1 to 1024"),
        ('stride = "2 MiB"', "stride = 0", "0 is not a size of whole pages"),
        ("intid = 75", "intid = 31", "31 is not a whole number from 32 to 1019"),
        ("[timer]\nintid = 30", "[timer]\nintid = 32", "32 is not a whole number from 16 to 31"),
        ('size = "64 KiB"', "size = 0x200", "512 is not a size of whole pages"),
        ("timer_ppis = [13, 14, 11, 10]", "timer_ppis = [16]", "16 is not a whole number from 0 to 15"),
        ("[board]\n", "ram = []\n[board]\n", "a list of 0 is not an array of at least 1 tables"),
    ],
)
def test_faults_of_an_own_board_file(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = Path(board_files()[QEMU]).read_text(encoding="utf-8").replace(before, after)
    if after.startswith("ram"):
        text = text.replace("[[ram]]", "[[reserved]]")
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "mine.toml").write_text(text, encoding="utf-8")
    (tmp_path / "s.toml").write_text(dump(tree("mine", [linux(0)]), Random(0)), encoding="utf-8")  # noqa: S311 - not secret
    faults = describe(str(tmp_path / "s.toml")).faults.sorted()
    assert any(message in fault.message and fault.where.source.name.endswith("mine.toml") for fault in faults)


def test_an_own_board_file_is_used(tmp_path: Path) -> None:
    text = Path(board_files()[QEMU]).read_text(encoding="utf-8")
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "mine.toml").write_text(text, encoding="utf-8")
    what = tree(QEMU, [linux(0)])
    what["system"]["boards"] = ["mine"]
    assert resolved(tmp_path, what).board.name == "mine"

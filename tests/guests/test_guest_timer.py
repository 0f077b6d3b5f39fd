"""Time: budgets of generated domains and guests, and the domain that wakes guests which wait."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.facts.board import board_files
from sdfgen.faults.render import as_text
from sdfgen.generate import generated_files

if TYPE_CHECKING:
    from sdfgen.model.system import System

QEMU, ODROID = "qemu_virt_aarch64", "odroidc4"
HEAD = '[system]\nname = "s"\nboards = ["{board}"]\n'
BLOCK = """
[[guest]]
name = "storage"
ram = "96 MiB"
devices = ["{device}"]
[[guest]]
name = "c"
disk = [{{ partition = 0 }}]
[[guest]]
name = "d"
disk = [{{ partition = 2 }}]
[block]
driver = "storage"
storage = "/dev/vda"
[[protection_domain]]
name = "n"
program_image = "n.elf"
disk = [{{ partition = 1 }}]
"""
DEVICES = {QEMU: "virtio_mmio31", ODROID: "sd"}
OWN = '[[protection_domain]]\nname = "own"\nprogram_image = "own.elf"\nirq = [{{ irq = {intid}, id = 0 }}]\n'
TIMER = "[timer]\nintid = 30\n"


def system(folder: Path, board: str, text: str, *settings: str) -> System:
    (folder / "system.toml").write_text(HEAD.format(board=board) + text)
    described = describe(str(folder / "system.toml"), settings)
    assert not described.faults.errors, as_text(described.faults.sorted())
    return described.systems[board]


def blocks(folder: Path, board: str, *settings: str) -> System:
    return system(folder, board, BLOCK.format(device=DEVICES[board]), *settings)


def own_board(folder: Path, *changes: tuple[str, str]) -> None:
    """Put a board file beside the description, made of a shipped one."""
    text = Path(board_files()[QEMU]).read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (folder / "boards").mkdir()
    (folder / "boards" / f"{QEMU}.toml").write_text(text, encoding="utf-8")


# Keys, and budget and period in the system file.
BUDGETS = [
    ({}, ("10000", "10000")),
    ({"budget": 500}, ("500", "500")),
    ({"period": 5000}, ("5000", "5000")),
    ({"budget": 500, "period": 5000}, ("500", "5000")),
]


@pytest.mark.parametrize(("keys", "written"), BUDGETS, ids=["neither", "budget", "period", "both"])
def test_generated_threads_have_the_time_that_is_asked_for(
    tmp_path: Path, keys: dict[str, int], written: tuple[str, str]
) -> None:
    guests = ("guest.storage", "guest.c", "guest.d")
    tables = (*guests, *(f"{guest}.vmm" for guest in guests), "block.virtualiser")
    settings = [f"{table}.{key}={value}" for table in tables for key, value in keys.items()]
    root = etree.fromstring(system_file(blocks(tmp_path, QEMU, *settings)).encode())
    threads = root.iter("protection_domain", "virtual_machine")
    times = {str(e.get("name")): (e.get("budget"), e.get("period")) for e in threads}
    del times["guest_timer"], times["n"]
    assert times == dict.fromkeys(("storage_vmm", "storage", "block_virt", "c_vmm", "c", "d_vmm", "d"), written)


# A board, the change of its file, and the guest timer: priority, budget and period, interrupts, two of its table.
OTHER_TIMER = ((TIMER, TIMER.replace("30", "28")), ("[13, 14,", "[13, 12,"))
TIMERS = [
    (QEMU, None, ("130", None, None), [("30", "4", "level")], ["true", "4"]),
    (
        QEMU,
        ((TIMER, TIMER.replace("30", "28")), ("[13, 14,", "[13, 12,")),
        ("130", None, None),
        [("28", "4", "level")],
        ["true", "4"],
    ),
    (QEMU, ((TIMER, ""),), ("130", "100", "1000"), [], ["false", "0"]),
    (ODROID, None, ("130", "100", "1000"), [], ["false", "0"]),
]


@pytest.mark.parametrize(
    ("board", "change", "time", "irqs", "table"), TIMERS, ids=["a timer", "another", "own board without", "none"]
)
def test_the_guest_timer_sleeps_till_an_interrupt_or_looks_once_a_period(
    tmp_path: Path,
    board: str,
    change: tuple[tuple[str, str], ...] | None,
    time: tuple[str | None, ...],
    irqs: list[tuple[str, ...]],
    table: list[str],
) -> None:
    if change:
        own_board(tmp_path, *change)
    made = blocks(tmp_path, board)
    root = etree.fromstring(system_file(made).encode())
    (pd,) = (e for e in root.iter("protection_domain") if e.get("name") == "guest_timer")
    assert tuple(pd.get(key) for key in ("priority", "budget", "period")) == time
    assert [(e.get("irq"), e.get("id"), e.get("trigger")) for e in pd.findall("irq")] == irqs
    text = generated_files(made)["src/guest_timer_table.c"].decode()
    assert re.findall(r"\.(?:has_interrupt|irq_channel) = (\w+)", text) == table


def links(text: bytes) -> list[tuple[int, int]]:
    """Return page and channel of each connection in a table."""
    found = re.findall(r"\{ \.page_vaddr = (\w+), \.channel = (\w+) \}", text.decode())
    return [(int(page, 0), int(channel)) for page, channel in found]


@pytest.mark.parametrize("board", [QEMU, ODROID])
def test_tables_say_what_the_system_file_says(tmp_path: Path, board: str) -> None:
    made = blocks(tmp_path, board)
    files, root = generated_files(made), etree.fromstring(system_file(made).encode())
    maps = {(m.get("mr"), m.xpath("string(../@name)")): int(m.get("vaddr", ""), 0) for m in root.iter("map")}
    ends = [{str(e.get("pd")): int(e.get("id", "")) for e in channel} for channel in root.iter("channel")]
    far = []
    woken = {"block_virt": "block_virt", "c": "c_vmm", "d": "d_vmm", "storage": "storage_vmm"}
    for name, pd in woken.items():
        (channel,) = (end for end in ends if end.keys() == {"guest_timer", pd})
        assert links(files[f"src/{pd}_table.c"]) == [(maps[f"{name}_wake", pd], channel[pd])]
        far.append((maps[f"{name}_wake", "guest_timer"], channel["guest_timer"]))
    assert links(files["src/guest_timer_table.c"]) == far
    assert b".vmm_count = 4," in files["src/guest_timer_table.c"]
    for name in ("c", "d"):
        shown = f".registers_vaddr = {maps[f'{name}_disk_0', f'{name}_vmm']:#x},"
        assert shown.encode() in files[f"src/{name}_vmm_table.c"]
    assert b"page_vaddr" not in files["src/n_block_table.c"]


# Board, INTID and what is said.
PRIVATE = [
    (QEMU, 30, None),
    (QEMU, 27, "error: interrupt 27 of `own` cannot be handed out: it is the virtual timer, which the kernel keeps"),
    (ODROID, 30, "note: interrupt 30 of `own` is private to a core: each core has its own"),
]


@pytest.mark.parametrize(("board", "intid", "said"), PRIVATE, ids=["the board's", "another", "of no board's"])
def test_of_private_interrupts_the_boards_timer_is_handed_out_without_a_word(
    tmp_path: Path, board: str, intid: int, said: str | None
) -> None:
    (tmp_path / "system.toml").write_text(HEAD.format(board=board) + OWN.format(intid=intid))
    found = [
        (fault.code, f"{fault.severity}: {fault.message}") for fault in describe(str(tmp_path / "system.toml")).faults
    ]
    assert found == ([("SDF035", said)] if said else [])


def test_the_guest_timers_interrupt_is_nobody_elses(tmp_path: Path) -> None:
    text = HEAD.format(board=QEMU) + BLOCK.format(device=DEVICES[QEMU]) + OWN.format(intid=30)
    (tmp_path / "system.toml").write_text(text)
    found = [(fault.code, fault.message) for fault in describe(str(tmp_path / "system.toml")).faults]
    assert found == [("SDF036", "interrupt 30 goes to `guest_timer` and to `own`")]

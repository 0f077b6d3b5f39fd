"""Time: budgets of generated domains and guests, and the domain that wakes guests which wait."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from sdfgen.describe import describe
from sdfgen.emit.c.tables import c_files
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.facts.board import board_files
from sdfgen.faults.render import as_text

if TYPE_CHECKING:
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block

QEMU, ODROID = "qemu_virt_aarch64", "odroidc4"
HEAD = '[system]\nname = "s"\nboards = ["{board}"]\n'
BLOCK = """
[block.driver]
ram = "96 MiB"
storage = "/dev/vda"
devices = ["{device}"]
[[block.client]]
name = "c"
partition = 0
[[block.client]]
name = "n"
partition = 1
kind = "native"
[[block.client]]
name = "d"
partition = 2
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


def own_board(folder: Path, change: tuple[str, str]) -> None:
    """Put a board file beside the description, made of a shipped one."""
    text = Path(board_files()[QEMU]).read_text(encoding="utf-8")
    assert change[0] in text
    (folder / "boards").mkdir()
    (folder / "boards" / f"{QEMU}.toml").write_text(text.replace(*change), encoding="utf-8")


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
    domains, guests = ("driver", "client.c", "client.d", "client.n", "virtualiser"), ("driver", "client.c", "client.d")
    settings = [f"block.{table}.{key}={value}" for table in domains for key, value in keys.items()]
    settings += [f"block.{table}.vm_{key}={value}" for table in guests for key, value in keys.items()]
    root = etree.fromstring(system_file(blocks(tmp_path, QEMU, *settings)).encode())
    threads = root.iter("protection_domain", "virtual_machine")
    times = {str(e.get("name")): (e.get("budget"), e.get("period")) for e in threads}
    del times["guest_timer"]
    assert times == dict.fromkeys(
        ("blk_driver_vmm", "blk_driver", "blk_virt", "c_vmm", "c", "n", "d_vmm", "d"), written
    )


# A board, the change of its file, and the guest timer: priority, budget and period, interrupts, two of its table.
TIMERS = [
    (QEMU, None, ("130", None, None), [("30", "3", "level")], ["true", "3"]),
    (QEMU, (TIMER, TIMER.replace("30", "28")), ("130", None, None), [("28", "3", "level")], ["true", "3"]),
    (QEMU, (TIMER, ""), ("130", "100", "1000"), [], ["false", "0"]),
    (ODROID, None, ("130", "100", "1000"), [], ["false", "0"]),
]


@pytest.mark.parametrize(
    ("board", "change", "time", "irqs", "table"), TIMERS, ids=["a timer", "another", "own board without", "none"]
)
def test_the_guest_timer_sleeps_till_an_interrupt_or_looks_once_a_period(
    tmp_path: Path,
    board: str,
    change: tuple[str, str] | None,
    time: tuple[str | None, ...],
    irqs: list[tuple[str, ...]],
    table: list[str],
) -> None:
    if change:
        own_board(tmp_path, change)
    made = blocks(tmp_path, board)
    root = etree.fromstring(system_file(made).encode())
    (pd,) = (e for e in root.iter("protection_domain") if e.get("name") == "guest_timer")
    assert tuple(pd.get(key) for key in ("priority", "budget", "period")) == time
    assert [(e.get("irq"), e.get("id"), e.get("trigger")) for e in pd.findall("irq")] == irqs
    text = c_files(made)["src/guest_timer_table.c"].decode()
    assert re.findall(r"\.(?:has_interrupt|irq_channel) = (\w+)", text) == table


def block_of(made: System) -> Block:
    assert made.block is not None
    return made.block


def links(text: bytes) -> list[tuple[int, int]]:
    """Return page and channel of each connection in a table."""
    found = re.findall(r"\{ \.page_vaddr = (\w+), \.channel = (\w+) \}", text.decode())
    return [(int(page, 0), int(channel)) for page, channel in found]


@pytest.mark.parametrize("board", [QEMU, ODROID])
def test_tables_say_what_the_system_file_says(tmp_path: Path, board: str) -> None:
    made = blocks(tmp_path, board)
    files, root = c_files(made), etree.fromstring(system_file(made).encode())
    maps = {(m.get("mr"), m.xpath("string(../@name)")): int(m.get("vaddr", ""), 0) for m in root.iter("map")}
    ends = [{str(e.get("pd")): int(e.get("id", "")) for e in channel} for channel in root.iter("channel")]
    far = []
    for guest, vmm in (("blk_driver", "blk_driver_vmm"), ("c", "c_vmm"), ("d", "d_vmm")):
        (channel,) = (end for end in ends if end.keys() == {"guest_timer", vmm})
        assert links(files[f"src/{vmm}_table.c"]) == [(maps[f"{guest}_wake", vmm], channel[vmm])]
        far.append((maps[f"{guest}_wake", "guest_timer"], channel["guest_timer"]))
    assert links(files["src/guest_timer_table.c"]) == far
    assert b".vmm_count = 3," in files["src/guest_timer_table.c"]
    for name in ("c", "d"):
        shown = f".virtio_blk_vaddr = {maps[f'{name}_virtio', f'{name}_vmm']:#x},"
        assert shown.encode() in files[f"src/{name}_vmm_table.c"]
    assert b"page_vaddr" not in files["src/n_table.c"]


# Board, INTID and what is said.
PRIVATE = [
    (QEMU, 30, None),
    (QEMU, 27, "interrupt 27 of `own` cannot be handed out: 0 to 31 are private to a core"),
    (ODROID, 30, "interrupt 30 of `own` cannot be handed out: 0 to 31 are private to a core"),
]


@pytest.mark.parametrize(("board", "intid", "said"), PRIVATE, ids=["the board's", "another", "of no board's"])
def test_of_private_interrupts_only_the_boards_timer_is_handed_out(
    tmp_path: Path, board: str, intid: int, said: str | None
) -> None:
    (tmp_path / "system.toml").write_text(HEAD.format(board=board) + OWN.format(intid=intid))
    found = [(fault.code, fault.message) for fault in describe(str(tmp_path / "system.toml")).faults]
    assert found == ([("SDF035", said)] if said else [])


def test_the_guest_timers_interrupt_is_nobody_elses(tmp_path: Path) -> None:
    text = HEAD.format(board=QEMU) + BLOCK.format(device=DEVICES[QEMU]) + OWN.format(intid=30)
    (tmp_path / "system.toml").write_text(text)
    found = [(fault.code, fault.message) for fault in describe(str(tmp_path / "system.toml")).faults]
    assert found == [("SDF036", "interrupt 30 goes to `guest_timer` and to `own`")]

"""The guests' consoles: which guest has one, where it is, and what keeps clear of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sdfgen.describe import Description, describe
from sdfgen.facts.board import board_files, load_board
from sdfgen.faults.fault import Faults
from sdfgen.generate import generated_files
from sdfgen.subsystems import register
from sdfgen.subsystems.block.model import blocks_of
from sdfgen.subsystems.block.spec import uio_facts

QEMU = "qemu_virt_aarch64"
ODROID = "odroidc4"
OWN = "mine"
CONSOLE = (0x16_0000, 0x1000, 44)

SYSTEM = """
[system]
name = "consoles"
boards = ["{board}"]
[[guest]]
name = "storage"
devices = {devices}
[[guest]]
name = "client1"
disk = [{{ partition = 0 }}]
[block]
driver = "storage"
storage = "/dev/vda"
[[protection_domain]]
name = "client2"
program_image = "client2.elf"
disk = [{{ partition = 1 }}]
"""


def described(folder: Path, board: str, devices: str) -> Description:
    path = folder / "system.toml"
    path.write_text(SYSTEM.format(board=board, devices=devices), encoding="utf-8")
    return describe(str(path))


def own_board(folder: Path, registers: int, intid: int) -> None:
    """QEMU's board with another place for consoles."""
    text = Path(board_files()[QEMU]).read_text(encoding="utf-8")
    for before, after in (("0x16_0000", hex(registers)), ("intid = 44", f"intid = {intid}")):
        assert text.count(before) == 1
        text = text.replace(before, after)
    (folder / "boards").mkdir()
    (folder / "boards" / f"{OWN}.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("board", "devices", "driver"),
    [
        (QEMU, '["virtio_mmio31"]', CONSOLE),
        (QEMU, '["virtio_mmio31", "uart"]', None),
        (ODROID, '["sd"]', CONSOLE),
        (ODROID, '["sd", "uart"]', None),
    ],
)
def test_a_guest_without_a_uart_has_a_console(
    tmp_path: Path, board: str, devices: str, driver: tuple[int, int, int] | None
) -> None:
    guests = described(tmp_path, board, devices).systems[board].guests
    consoles = {guest.name: guest.console and guest.console[2:5] for guest in guests}
    assert consoles == {"client1": CONSOLE, "storage": driver}


@pytest.mark.parametrize(
    ("devices", "driver"),
    [
        ('["virtio_mmio31"]', 1),
        ('["virtio_mmio31", "uart"]', 0),
    ],
)
def test_the_tables_say_it(tmp_path: Path, devices: str, driver: int) -> None:
    files = generated_files(described(tmp_path, QEMU, devices).systems[QEMU])
    row = re.compile(r"\.kind = &vmm_pl011_kind,\s+\.name = \"console\",\s+\.gpa = 0x160000,\s+\.size_bytes = 0x1000,")
    assert len(row.findall(files["src/storage_vmm_table.c"].decode())) == driver
    assert len(row.findall(files["src/client1_vmm_table.c"].decode())) == 1


def test_uio_maps_keep_clear_of_the_console(tmp_path: Path) -> None:
    own_board(tmp_path, 0x8000_0000, 44)
    description = described(tmp_path, OWN, '["virtio_mmio31"]')
    assert description.faults.sorted() == []
    (block,) = blocks_of(description.systems[OWN])
    assert [m.gpa for m in block.driver.maps if m.name == "notify"] == [0x8020_0000]


def test_an_interrupt_is_not_the_consoles_and_a_devices(tmp_path: Path) -> None:
    own_board(tmp_path, 0x16_0000, 68)
    messages = [str(fault.message) for fault in described(tmp_path, OWN, '["virtio_mmio20"]').faults.sorted()]
    expected = (
        f"interrupt 68 of device `virtio_mmio20` is the one that board `{OWN}` gives to "
        "the emulated device `console` of guest `storage`"
    )
    assert messages == [expected]


def test_an_interrupt_may_be_a_devices_where_there_is_no_console(tmp_path: Path) -> None:
    own_board(tmp_path, 0x16_0000, 68)
    assert described(tmp_path, OWN, '["virtio_mmio20", "uart"]').faults.sorted() == []


@pytest.mark.parametrize("name", board_files())
def test_a_boards_console_is_nobody_elses(name: str) -> None:
    board = load_board(name, board_files()[name], Faults(), register.board_keys())
    assert board is not None
    console = board.console
    uio, emulated = uio_facts(board), board.emulated
    others = {uio.intid, *(device.intid for device in board.devices.values())}
    others |= set(range(emulated.intid, emulated.intid + emulated.intids))
    assert console.intid not in others
    taken = [(device.base, device.size_bytes) for device in board.devices.values()]
    taken += [
        *board.guest_gic(),
        (emulated.registers, emulated.size),
    ]
    assert all(console.registers + console.size <= base or base + size <= console.registers for base, size in taken)
    assert console.registers + console.size <= min(board.guest.ram, uio.irq_status, uio.notify)

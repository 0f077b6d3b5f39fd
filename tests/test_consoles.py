"""The guests' consoles: which guest has one, where it is, and what keeps clear of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdfgen.describe import Description, describe
from sdfgen.emit.c.tables import c_files
from sdfgen.facts.board import board_files, load_board
from sdfgen.faults.fault import Faults
from sdfgen.model.guest import EmulatedDevice
from sdfgen.model.microkit import Gpa

QEMU = "qemu_virt_aarch64"
ODROID = "odroidc4"
OWN = "mine"
CONSOLE = EmulatedDevice(Gpa(0x16_0000), 0x1000, 44)

SYSTEM = """
[system]
name = "consoles"
boards = ["{board}"]
[block.driver]
storage = "/dev/vda"
devices = {devices}
[[block.client]]
name = "client1"
partition = 0
[[block.client]]
name = "client2"
kind = "native"
partition = 1
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
    tmp_path: Path, board: str, devices: str, driver: EmulatedDevice | None
) -> None:
    block = described(tmp_path, board, devices).systems[board].block
    assert block is not None
    assert block.driver.guest.console == driver
    assert [client.guest.console for client in block.clients if client.guest] == [CONSOLE]


@pytest.mark.parametrize(
    ("devices", "driver"),
    [
        ('["virtio_mmio31"]', ".console = { .gpa = 0x160000, .size_bytes = 0x1000, .intid = 44 },"),
        ('["virtio_mmio31", "uart"]', ".console = { .gpa = 0x0, .size_bytes = 0x0, .intid = 0 },"),
    ],
)
def test_the_tables_say_it(tmp_path: Path, devices: str, driver: str) -> None:
    files = c_files(described(tmp_path, QEMU, devices).systems[QEMU])
    assert driver in files["src/blk_driver_vmm_table.c"].decode()
    client = ".console = { .gpa = 0x160000, .size_bytes = 0x1000, .intid = 44 },"
    assert client in files["src/client1_vmm_table.c"].decode()


def test_uio_maps_keep_clear_of_the_console(tmp_path: Path) -> None:
    own_board(tmp_path, 0x8000_0000, 44)
    description = described(tmp_path, OWN, '["virtio_mmio31"]')
    assert description.faults.sorted() == []
    block = description.systems[OWN].block
    assert block is not None
    assert block.driver.notify_gpa == 0x8020_0000


def test_an_interrupt_is_not_the_consoles_and_a_devices(tmp_path: Path) -> None:
    own_board(tmp_path, 0x16_0000, 79)
    messages = [str(fault.message) for fault in described(tmp_path, OWN, '["virtio_mmio31"]').faults.sorted()]
    expected = f"interrupt 79 of device `virtio_mmio31` is the one that board `{OWN}` gives to the driver VM's console"
    assert messages == [expected]


def test_an_interrupt_may_be_a_devices_where_there_is_no_console(tmp_path: Path) -> None:
    own_board(tmp_path, 0x16_0000, 79)
    assert described(tmp_path, OWN, '["virtio_mmio31", "uart"]').faults.sorted() == []


@pytest.mark.parametrize("name", board_files())
def test_a_boards_console_is_nobody_elses(name: str) -> None:
    board = load_board(name, board_files()[name], Faults())
    assert board is not None
    facts = board.facts
    console = facts.console
    others = {facts.uio.intid, facts.client.intid, *(device.intid for device in board.devices.values())}
    assert console.intid not in others
    taken = [(device.base, device.size_bytes) for device in board.devices.values()]
    taken += [
        (facts.gic.distributor, facts.gic.distributor_size),
        (facts.gic.cpu_interface, facts.gic.cpu_interface_size),
        (facts.client.virtio_mmio, facts.client.virtio_mmio_size),
    ]
    assert all(console.registers + console.size <= base or base + size <= console.registers for base, size in taken)
    assert console.registers + console.size <= min(facts.guest.ram, facts.uio.irq_status, facts.uio.notify)

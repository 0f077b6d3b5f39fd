"""The block subsystem of systems of many shapes: none has a fault, and what must hold of each is worked out anew."""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.render import as_text
from sdfgen.subsystems.block.model import Block, blocks_of
from sdfgen.subsystems.block.spec import uio_facts
from sdfgen.units import PAGE_BYTES
from tests import laws
from tests.laws import LARGE, PAGE, far_ends, holders
from tests.mutate import dump
from tests.paths import EXAMPLE, SYSTEMS
from tests.shapes import BOARDS, MANY, ODROID, QEMU, SHAPES, Tree, linux, native, resolved, tree

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System

NAMES = ["irq_status", "notify", "phys_addr", "storage_info", "request_queue", "response_queue", "virt_data"]
NEWER = [version for version in DIALECTS if DIALECTS[version].max_scheduling_contexts is None]


def block_of(system: System) -> Block:
    (block,) = blocks_of(system)
    return block


def disks_in(clients: list[Tree]) -> int:
    return sum(len(client["disk"]) for client in clients)


@pytest.mark.parametrize("mode", ["assigned", "learned"])
@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_good(tmp_path: Path, shape: str, board: str, version: str, mode: str) -> None:
    system = resolved(tmp_path, tree(board, SHAPES[shape], version, mode))
    check(system, block_of(system), disks_in(SHAPES[shape]))
    assert block_of(system).learned == (mode == "learned")


@pytest.mark.parametrize("mode", ["assigned", "learned"])
@pytest.mark.parametrize("version", NEWER)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("shape", MANY)
def test_many_clients_are_good(tmp_path: Path, shape: str, board: str, version: str, mode: str) -> None:
    system = resolved(tmp_path, tree(board, MANY[shape], version, mode))
    check(system, block_of(system), disks_in(MANY[shape]))


# What the monitor of 2.0.1 holds, and one client more.
CROWDS = [
    ([linux(i) for i in range(29)], "2.0.1", []),
    ([linux(i) for i in range(30)], "2.0.1", ["SDF100"]),
    ([linux(i) for i in range(30)], "2.1.0", []),
    ([native(i) for i in range(59)], "2.0.1", []),
    ([native(i) for i in range(60)], "2.0.1", ["SDF100"]),
]


@pytest.mark.parametrize(
    ("clients", "version", "warned"), CROWDS, ids=["29", "30", "30 in 2.1.0", "59 native", "60 native"]
)
def test_more_scheduling_contexts_than_the_monitor_holds_are_warned_of(
    tmp_path: Path, clients: list[Tree], version: str, warned: list[str]
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(dump(tree(QEMU, clients, version), Random(0)), encoding="utf-8")  # noqa: S311 - repeatable
    assert [fault.code for fault in describe(str(path)).faults] == warned


# Descriptions with what each block subsystem has: its driver, and its disks in the order of the virtualiser's table.
WRITTEN = {
    "native_disk": {"block": ("storage", ["client1_0", "database_journal", "database_tables"])},
    "three_disks_two_blocks": {
        "slow": ("storage", ["client1_0", "client1_archive", "client2_0"]),
        "fast": ("fast_storage", ["client1_logs"]),
    },
    "guest_is_driver_and_client": {
        "boot": ("boot_storage", ["storage_root", "client1_0"]),
        "block": ("storage", ["client1_1"]),
    },
    "lone_guest": {},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_systems_are_what_they_say(name: str) -> None:
    described = describe(str(SYSTEMS / f"{name}.toml"))
    assert all(fault.severity == "note" for fault in described.faults), as_text(described.faults.sorted())
    assert described.systems
    for system in described.systems.values():
        laws.check(system)
        blocks = blocks_of(system)
        assert {b.name: (b.driver.guest, [disk.label for disk in b.disks]) for b in blocks} == WRITTEN[name]
        for block in blocks:
            check(system, block, len(block.disks))


def test_two_block_subsystems_share_nothing() -> None:
    (system,) = describe(str(SYSTEMS / "three_disks_two_blocks.toml")).systems.values()
    slow, fast = sorted(blocks_of(system), key=lambda block: block.name, reverse=True)
    regions = [{m.region for m in block.driver.maps if m.region} for block in (slow, fast)]
    assert not regions[0] & regions[1]
    mapped = holders(system)
    for block, own in zip((slow, fast), regions, strict=True):
        guest = system.guest(block.driver.guest)
        clients = {disk.pd for disk in block.disks}
        allowed = {block.virt, guest.name, guest.vmm, *clients}
        assert {who for name in own for who, _, _ in mapped[name]} <= allowed


def check(system: System, block: Block, disks: int) -> None:
    laws.check(system)
    check_uio(system, block, disks)
    check_driver_maps(system, block)
    check_data(system, block)
    check_channels(system, block)
    check_queues(system, block)
    check_registers(system, block)


def check_uio(system: System, block: Block, disks: int) -> None:
    """Nine mappings for two disks, 7 + disks in general, cut at five to a device."""
    maps = block.driver.maps
    assert len(maps) == 7 + disks
    assert [m.name for m in maps[:7]] == NAMES
    assert [m.region for m in maps[7:]] == [disk.data_region for disk in block.disks]
    assert [(m.device, m.number) for m in maps] == [divmod(i, 5) for i in range(len(maps))]
    assert len(block.driver.devices) == (len(maps) + 4) // 5
    assert [m.name for m in maps if m.region is None] == ["notify"]
    facts = uio_facts(system.board)
    assert facts is not None
    assert all(m.gpa % facts.stride == 0 for m in maps)
    assert [m.gpa for m in maps[1:]] == sorted(m.gpa for m in maps[1:])


def check_driver_maps(system: System, block: Block) -> None:
    """The VM maps exactly what the UIO table says, and a store to the notify page traps."""
    guest = system.guest(block.driver.guest)
    vm = next(vm for _, vm in system.vms() if vm.name == guest.name)
    mapped = {(m.region, int(m.vaddr)) for m in vm.maps}
    assert mapped >= {(m.region, int(m.gpa)) for m in block.driver.maps if m.region is not None}
    assert (notify_gpa(block), PAGE) in {(row.gpa, row.size_bytes) for row in guest.emulated}
    ram = system.region_index()[guest.ram_region]
    assert ram.phys_addr is not None
    assert int(ram.phys_addr) == int(guest.ram_gpa)


def notify_gpa(block: Block) -> int:
    return next(int(m.gpa) for m in block.driver.maps if m.region is None)


def check_data(system: System, block: Block) -> None:
    """Data regions have an address here if they are assigned; the driver's page tells all of them."""
    regions = system.region_index()
    data = [block.virt_data_region, *(disk.data_region for disk in block.disks)]
    assert [slot.region for slot in block.driver.slots] == data
    assert all((regions[name].phys_addr is None) == block.learned for name in data)
    assert set(data) <= system.told_regions


def check_channels(system: System, block: Block) -> None:
    """Channel 0 of the virtualiser is the driver's, those of disks follow, and the guest timer's where requests end."""
    ends = [system.guest(block.driver.guest).vmm, *(disk.pd for disk in block.disks)]
    if block.timer is not None:
        assert system.guest_timer is not None
        ends.append(system.guest_timer.pd)
    assert far_ends(system, block.virt) == list(enumerate(ends))


def check_queues(system: System, block: Block) -> None:
    """Each side's view of a connection points at the same regions, which hold the queues."""
    sizes = {r.name: r.size_bytes or 0 for r in system.regions}
    at = {pd.name: {int(m.vaddr): m for m in pd.maps} for pd in system.all_pds()}
    for disk in block.disks:
        far, near = at[block.virt], at[disk.pd]
        for one, other in zip(disk.near[:4], disk.far[:4], strict=True):
            assert near[one].region == far[other].region
            assert near[one].cached == far[other].cached
        assert sizes[near[disk.near.requests].region] >= 16 + 32 * disk.capacity
        assert sizes[near[disk.near.responses].region] >= 8 + 12 * disk.capacity
        assert near[disk.near.data].region == disk.data_region
    assert block.driver.capacity >= max(disk.capacity for disk in block.disks)


def check_registers(system: System, block: Block) -> None:
    """The page of a disk's registers is its VMM's to write and its guest's to read, and nobody else's."""
    mapped, guests = holders(system), {guest.name: guest for guest in system.guests}
    for disk in block.disks:
        page = f"{disk.owner}_disk_{disk.name}"
        if disk.owner not in guests:
            assert (page in mapped, disk.registers) == (False, None)
            continue
        (row,) = (row for row in guests[disk.owner].emulated if row.name == f"disk_{disk.name}")
        assert mapped[page] == [(disk.pd, "rw", disk.registers), (disk.owner, "r", row.gpa)]
        assert row.channel == disk.near.channel


def test_the_example_has_the_ancestors_addresses() -> None:
    """Section 4 of the facts: the hand-written two-client system, map by map."""
    system = describe(str(EXAMPLE)).systems[QEMU]
    block = block_of(system)
    sizes = {region.name: region.size_bytes or 0 for region in system.regions}
    table = [
        (m.name, int(m.gpa), sizes[m.region] if m.region else PAGE_BYTES, m.device, m.number) for m in block.driver.maps
    ]
    assert table == [
        ("irq_status", 0x7980_0000, PAGE, 0, 0),
        ("notify", 0x8000_0000, PAGE, 0, 1),
        ("phys_addr", 0x8020_0000, PAGE, 0, 2),
        ("storage_info", 0x8040_0000, PAGE, 0, 3),
        ("request_queue", 0x8060_0000, LARGE, 0, 4),
        ("response_queue", 0x8080_0000, LARGE, 1, 0),
        ("virt_data", 0x80A0_0000, LARGE, 1, 1),
        ("client1_0_data", 0x80C0_0000, LARGE, 1, 2),
        ("client2_0_data", 0x80E0_0000, LARGE, 1, 3),
    ]
    driver = system.guest(block.driver.guest)
    assert (driver.ram_gpa, driver.ram_bytes) == (0x4000_0000, 0x800_0000)
    assert (driver.initrd_gpa, driver.dtb_gpa) == (0x4700_0000, 0x47F0_0000)
    assert [row.intid for row in driver.emulated if row.gpa == notify_gpa(block)] == [50]
    assert driver.passthrough == ((0, 79),)
    rows = [row for disk in block.disks for row in system.guest(disk.owner).emulated if row.name == "disk_0"]
    assert [(row.gpa, row.size_bytes, row.intid) for row in rows] == [(0x15_0000, PAGE, 75)] * 2


def test_the_odroid_is_given_the_sd_card_and_its_buses() -> None:
    system = describe(str(EXAMPLE)).systems[ODROID]
    vmm, vm = next((pd, vm) for pd, vm in system.vms() if vm.name == "storage")
    regions = system.region_index()
    devices = {int(m.vaddr): regions[m.region].size_bytes for m in vm.maps if m.region.startswith("dev_")}
    assert devices == {
        0xFF60_0000: 0x20_0000,
        0xFF80_0000: 0x3000,
        0xFF80_4000: 0x9_6000,
        0xFFD0_0000: 0x10_0000,
        0xFFE0_5000: 0x1000,
    }
    assert all(int(m.vaddr) == regions[m.region].phys_addr for m in vm.maps if m.region.startswith("dev_"))
    gic = next(m for m in vm.maps if m.region == "gic_vcpu")
    assert (int(gic.vaddr), regions["gic_vcpu"].phys_addr, gic.cached) == (0xFFC0_2000, 0xFFC0_6000, False)
    assert [irq.irq for irq in vmm.irqs] == [222]


def test_only_data_regions_are_cached_in_the_driver_vm() -> None:
    system = describe(str(EXAMPLE)).systems[QEMU]
    vm = next(vm for _, vm in system.vms() if vm.name == "storage")
    cached = {m.region for m in vm.maps if m.cached}
    assert cached == {"storage_ram", "block_virt_data", "block_client1_0_data", "block_client2_0_data"}


def test_learned_addresses_are_setvars() -> None:
    system = describe(str(EXAMPLE), ["block.physical_addresses=learned"]).systems[QEMU]
    pds = {pd.name: pd for pd in system.all_pds()}
    expected = {
        ("io_base_virt_data", "block_virt_data"),
        ("io_base_client1_0_data", "block_client1_0_data"),
        ("io_base_client2_0_data", "block_client2_0_data"),
    }
    for name in ("block_virt", "storage_vmm"):
        assert {(s.symbol, s.region) for s in pds[name].setvars} == expected
    assert system.patches == ()


def test_assigned_addresses_are_patched_into_all_three_elfs() -> None:
    system = describe(str(EXAMPLE)).systems[QEMU]
    regions = system.region_index()
    values = {(p.elf, p.symbol): p.value for p in system.patches}
    elfs = ("block_uio_driver.elf", "storage_vmm.elf", "block_virt.elf")
    names = ("virt_data", "client1_0_data", "client2_0_data")
    assert values == {
        (elf, f"io_base_{name}"): regions[f"block_{name}"].phys_addr for elf, name in itertools.product(elfs, names)
    }

"""Systems of many shapes: none has a fault, and what must hold of each is worked out here anew."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.describe import describe
from sdfgen.facts.board import Board, board_files, load_board
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.fault import Faults
from sdfgen.faults.render import as_text
from tests.mutate import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model.microkit import Map, Origin
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block

EXAMPLE = Path(__file__).parent.parent / "examples" / "two-clients" / "system.toml"
QEMU, ODROID = BOARDS = ("qemu_virt_aarch64", "odroidc4")
PAGE, LARGE = 0x1000, 0x20_0000
NAMES = ["irq_status", "notify", "phys_addr", "storage_info", "request_queue", "response_queue", "virt_data"]

Tree = dict[str, Any]


def linux(number: int, **keys: object) -> Tree:
    return {"name": f"c{number}", "partition": number, "ram": "16 MiB", **keys}


def native(number: int, **keys: object) -> Tree:
    return {"name": f"n{number}", "partition": number, "kind": "native", "priority": 50, **keys}


SHAPES: dict[str, list[Tree]] = {
    "one": [linux(0)],
    "two": [linux(0), linux(1)],
    "five": [linux(i) for i in range(5)],
    "one_native": [native(0)],
    "mixed": [linux(0), native(1, queue_capacity=1), linux(2, read_only=True), native(3, data_size="4 KiB")],
    "odd_sizes": [linux(i, data_size=size) for i, size in enumerate(("4 KiB", "12 KiB", "6 MiB", "64 MiB"))],
    "odd_queues": [linux(0, queue_capacity=1), linux(1, queue_capacity=32768), native(2, queue_capacity=16)],
    "read_only_twice": [linux(0, read_only=True), linux(0, read_only=True, name="twin"), linux(1)],
    "large_guests": [linux(i, ram="256 MiB") for i in range(3)],
}
MANY = {
    "forty": [linux(i) for i in range(40)],
    "sixty": [linux(i, ram="4 MiB", data_size="64 KiB") for i in range(60)],
    "sixty_native": [native(i) for i in range(60)],
}
NEWER = [version for version in DIALECTS if DIALECTS[version].max_scheduling_contexts is None]


def tree(board: str, clients: list[Tree], version: str = "2.0.1", mode: str = "assigned") -> Tree:
    devices = ["virtio_mmio31"] if board == QEMU else ["sd", "bus1", "bus2_low", "bus2_high", "bus3"]
    driver = {"storage": "/dev/vda", "devices": devices, "ram": "64 MiB"}
    system = {"name": "s", "boards": [board], "microkit": version}
    return {"system": system, "block": {"physical_addresses": mode, "driver": driver, "client": clients}}


def resolved(tmp_path: Path, what: Tree, seed: int = 0) -> System:
    path = tmp_path / "s.toml"
    path.write_text(dump(what, Random(seed)), encoding="utf-8")  # noqa: S311 - repeatable, not secret
    described = describe(str(path))
    assert not described.faults.errors, as_text(described.faults.sorted())
    (system,) = described.systems.values()
    return system


def block_of(system: System) -> Block:
    assert system.block is not None
    return system.block


@pytest.mark.parametrize("mode", ["assigned", "learned"])
@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_good(tmp_path: Path, shape: str, board: str, version: str, mode: str) -> None:
    system = resolved(tmp_path, tree(board, SHAPES[shape], version, mode))
    check(system, len(SHAPES[shape]), mode)


@pytest.mark.parametrize("mode", ["assigned", "learned"])
@pytest.mark.parametrize("version", NEWER)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("shape", MANY)
def test_many_clients_are_good(tmp_path: Path, shape: str, board: str, version: str, mode: str) -> None:
    system = resolved(tmp_path, tree(board, MANY[shape], version, mode))
    check(system, len(MANY[shape]), mode)


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


def check(system: System, clients: int, mode: str) -> None:
    check_uio(system, clients)
    check_driver_maps(system)
    check_spaces(system)
    check_physical(system, mode)
    check_channels(system, clients)
    check_queues(system)
    check_timer(system)
    check_registers(system)


def check_uio(system: System, clients: int) -> None:
    """Nine mappings for two clients, 7 + clients in general, cut at five to a device."""
    block = block_of(system)
    maps = block.driver.maps
    assert len(maps) == 7 + clients
    assert [m.name for m in maps[:7]] == NAMES
    assert [m.region for m in maps[7:]] == [client.data_region for client in block.clients]
    assert [(m.device, m.number) for m in maps] == [divmod(i, 5) for i in range(len(maps))]
    assert len(block.driver.devices) == (len(maps) + 4) // 5
    assert [m.name for m in maps if m.region is None] == ["notify"]
    stride = system.board.facts.uio.stride
    assert all(m.gpa % stride == 0 for m in maps)
    assert [m.gpa for m in maps[1:]] == sorted(m.gpa for m in maps[1:])


def check_driver_maps(system: System) -> None:
    """The VM maps exactly what the UIO table says, and nothing over the notify page."""
    block = block_of(system)
    vm = next(vm for _, vm in system.vms() if vm.name == block.driver.guest.name)
    mapped = {(m.region, int(m.vaddr)) for m in vm.maps}
    assert mapped >= {(m.region, int(m.gpa)) for m in block.driver.maps if m.region is not None}
    sizes = {region.name: region.size_bytes or PAGE for region in system.regions}
    assert not any(m.vaddr <= block.driver.notify_gpa < m.vaddr + sizes[m.region] for m in vm.maps)
    assert all(sizes[m.region] == m.size_bytes for m in block.driver.maps if m.region is not None)
    identity = {m.region: int(m.vaddr) for m in vm.maps}
    ram = next(region for region in system.regions if region.name == f"{vm.name}_ram")
    assert ram.phys_addr == identity[ram.name] == system.board.facts.guest.ram


def check_spaces(system: System) -> None:
    """No address space has two things at one address, or anything over a program image."""
    sizes = {region.name: region.size_bytes or PAGE for region in system.regions}
    for pd in system.all_pds():
        assert disjoint(ranges(pd.maps, sizes))
        assert all(start >= 0x100_0000 for start, _ in ranges(pd.maps, sizes))
    for _, vm in system.vms():
        assert disjoint(ranges(vm.maps, sizes))
    assert len({region.name for region in system.regions}) == len(system.regions)


def ranges(maps: Iterable[Map], sizes: dict[str, int]) -> list[tuple[int, int]]:
    return [(int(m.vaddr), sizes[m.region]) for m in maps]


def disjoint(parts: Iterable[tuple[int, int]]) -> bool:
    return all(a + size <= b for (a, size), (b, _) in itertools.pairwise(sorted(parts)))


def check_physical(system: System, mode: str) -> None:
    """Fixed regions are disjoint, page aligned and clear of the kernel; data regions are fixed if assigned."""
    fixed = [(int(r.phys_addr), r.size_bytes or PAGE) for r in system.regions if r.phys_addr is not None]
    kernel = system.board.facts.kernel
    assert disjoint([*fixed, (kernel.base, kernel.reserve)])
    assert all(address % PAGE == 0 for address, _ in fixed)
    block, regions = block_of(system), system.region_index()
    data = [block.virt_data_region, *(client.data_region for client in block.clients)]
    assert [slot.region for slot in block.driver.slots] == data
    assert all((regions[name].phys_addr is None) == (mode == "learned") for name in data)
    windows = [(w.base, w.base + w.size) for w in system.board.facts.window]
    for name in data:
        address, size = regions[name].phys_addr, regions[name].size_bytes or 0
        assert address is None or any(low <= address and address + size <= high for low, high in windows)
        assert address is None or size % LARGE or address % LARGE == 0


def check_channels(system: System, clients: int) -> None:
    """Channel 0 of virtualiser and guest timer is the driver's, those of clients follow; ids are unique in a domain."""
    block = block_of(system)
    driver = block.driver.guest.vmm
    assert far_ends(system, block.virt) == list(enumerate([driver, *(client.pd for client in block.clients)]))
    vmms = [driver, *(client.pd for client in block.clients if client.guest)]
    assert far_ends(system, block.timer.pd) == list(enumerate(vmms))
    assert len(system.channels) == 1 + clients + len(vmms)
    used = [(end.pd, end.id) for channel in system.channels for end in channel.ends]
    used += [(pd.name, irq.id) for pd in system.all_pds() for irq in pd.irqs]
    assert len(set(used)) == len(used)
    assert all(0 <= number <= 61 for _, number in used)


def far_ends(system: System, pd: str) -> list[tuple[int, str]]:
    """Return a domain's channel ids with the domains that they lead to."""
    ends = [{end.pd: end.id for end in channel.ends} for channel in system.channels]
    return [(own[pd], other) for own in ends if pd in own for other in own if other != pd]


def check_queues(system: System) -> None:
    """Each side's view of a connection points at the same three regions, which hold the queues."""
    block, sizes = block_of(system), {r.name: r.size_bytes or 0 for r in system.regions}
    at = {pd.name: {int(m.vaddr): m for m in pd.maps} for pd in system.all_pds()}
    for client in block.clients:
        far, near = at[block.virt], at[client.pd]
        for one, other in zip(client.near[:4], client.far[:4], strict=True):
            assert one is not None
            assert other is not None
            assert near[one].region == far[other].region
            assert near[one].cached == far[other].cached
        assert sizes[near[client.near.requests].region] >= 16 + 32 * client.capacity
        assert sizes[near[client.near.responses].region] >= 8 + 12 * client.capacity
        assert sizes[client.data_region] == client.data_bytes
    assert block.driver.capacity >= max(client.capacity for client in block.clients)


def holders(system: System) -> dict[str, list[tuple[str, str, int]]]:
    """Return who maps each region: name, permissions and address."""
    spaces = [(pd.name, pd.maps) for pd in system.all_pds()] + [(vm.name, vm.maps) for _, vm in system.vms()]
    found: dict[str, list[tuple[str, str, int]]] = {}
    for name, maps in spaces:
        for m in maps:
            found.setdefault(m.region, []).append((name, m.perms, int(m.vaddr)))
    return found


def check_timer(system: System) -> None:
    """Each VMM has a page that it writes and the guest timer reads, and nobody else sees; their tables agree."""
    block, mapped = block_of(system), holders(system)
    guests = [block.driver.guest, *(client.guest for client in block.clients if client.guest)]
    channels = [{end.pd: end.id for end in channel.ends} for channel in system.channels]
    for guest, far in zip(guests, block.timer.links, strict=True):
        near = guest.timer
        assert near is not None
        assert mapped[f"{guest.name}_wake"] == [(guest.vmm, "rw", near.page), (block.timer.pd, "r", far.page)]
        assert {block.timer.pd: far.channel, guest.vmm: near.channel} in channels
    (pd,) = (pd for pd in system.pds if pd.name == block.timer.pd)
    assert pd.priority > max(other.priority for other in system.pds if other.name != pd.name)
    facts = system.board.facts.timer
    assert [(irq.irq, irq.id) for irq in pd.irqs] == ([(facts.intid, block.timer.irq_channel)] if facts else [])
    assert (pd.budget_us, pd.period_us) == ((None, None) if facts else (100, 1000))


def check_registers(system: System) -> None:
    """The page of a client's registers is its VMM's to write and its guest's to read, and nobody else's."""
    block, mapped = block_of(system), holders(system)
    for client in block.clients:
        if client.guest is None:
            assert (f"{client.name}_virtio" in mapped, client.virtio_vaddr) == (False, None)
            continue
        assert mapped[f"{client.name}_virtio"] == [
            (client.pd, "rw", client.virtio_vaddr),
            (client.guest.name, "r", client.virtio_gpa),
        ]


def test_the_example_has_the_ancestors_addresses() -> None:
    """Section 4 of the facts: the hand-written two-client system, map by map."""
    system = describe(str(EXAMPLE)).systems[QEMU]
    block = block_of(system)
    table = [(m.name, int(m.gpa), m.size_bytes, m.device, m.number) for m in block.driver.maps]
    assert table == [
        ("irq_status", 0x7980_0000, PAGE, 0, 0),
        ("notify", 0x8000_0000, PAGE, 0, 1),
        ("phys_addr", 0x8020_0000, PAGE, 0, 2),
        ("storage_info", 0x8040_0000, PAGE, 0, 3),
        ("request_queue", 0x8060_0000, LARGE, 0, 4),
        ("response_queue", 0x8080_0000, LARGE, 1, 0),
        ("virt_data", 0x80A0_0000, LARGE, 1, 1),
        ("client1_data", 0x80C0_0000, LARGE, 1, 2),
        ("client2_data", 0x80E0_0000, LARGE, 1, 3),
    ]
    driver = block.driver
    assert (driver.guest.ram_gpa, driver.guest.ram_bytes) == (0x4000_0000, 0x800_0000)
    assert (driver.guest.initrd_gpa, driver.guest.dtb_gpa) == (0x4700_0000, 0x47F0_0000)
    assert driver.intid == 50
    assert driver.guest.passthrough == ((1, 79),)
    assert [(c.virtio_gpa, c.virtio_bytes, c.virtio_intid) for c in block.clients] == [(0x15_0000, PAGE, 75)] * 2


def test_the_odroid_is_given_the_sd_card_and_its_buses() -> None:
    system = describe(str(EXAMPLE)).systems[ODROID]
    vmm, vm = next((pd, vm) for pd, vm in system.vms() if vm.name == "blk_driver")
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
    vm = next(vm for _, vm in system.vms() if vm.name == "blk_driver")
    cached = {m.region for m in vm.maps if m.cached}
    assert cached == {"blk_driver_ram", "blk_virt_data", "blk_client1_data", "blk_client2_data"}


def test_learned_addresses_are_setvars() -> None:
    system = describe(str(EXAMPLE), ["block.physical_addresses=learned"]).systems[QEMU]
    pds = {pd.name: pd for pd in system.all_pds()}
    expected = {
        ("io_base_virt_data", "blk_virt_data"),
        ("io_base_client1_data", "blk_client1_data"),
        ("io_base_client2_data", "blk_client2_data"),
    }
    for name in ("blk_virt", "blk_driver_vmm"):
        assert {(s.symbol, s.region) for s in pds[name].setvars} == expected
    assert system.patches == ()


def test_assigned_addresses_are_patched_into_all_three_elfs() -> None:
    system = describe(str(EXAMPLE)).systems[QEMU]
    regions = system.region_index()
    values = {(p.elf, p.symbol): p.value for p in system.patches}
    elfs = ("uio_blk_driver.elf", "blk_driver_vmm.elf", "blk_virt.elf")
    names = ("virt_data", "client1_data", "client2_data")
    assert values == {
        (elf, f"io_base_{name}"): regions[f"blk_{name}"].phys_addr for elf, name in itertools.product(elfs, names)
    }


RAW: Tree = {
    "protection_domain": [
        {"name": "z", "program_image": "z.elf", "map": [{"mr": "y", "vaddr": 0x1000_0000}]},
        {"name": "a", "program_image": "a.elf", "map": [{"mr": "x", "vaddr": 0x1000_0000}]},
    ],
    "memory_region": [{"name": "y", "size": PAGE}, {"name": "x", "size": PAGE}],
    "channel": [{"ends": [{"pd": "z"}, {"pd": "a"}]}, {"ends": [{"pd": "a"}, {"pd": "c0_vmm"}]}],
}


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_tables_does_not_matter(tmp_path: Path, seed: int) -> None:
    what = tree(QEMU, SHAPES["mixed"]) | RAW
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    shuffled = {
        name: random.sample(value, len(value)) if isinstance(value, list) else value for name, value in what.items()
    }
    shuffled["block"] = what["block"] | {"client": random.sample(SHAPES["mixed"], len(SHAPES["mixed"]))}
    shuffled = dict(random.sample(sorted(shuffled.items()), len(shuffled)))
    assert shape(resolved(tmp_path, shuffled, seed)) == shape(resolved(tmp_path, what))


def shape(value: object) -> object:
    """Strip a system of the places it came from."""
    if isinstance(value, Board):
        return value.name
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", range(len(value)))
        return tuple(shape(item) for name, item in zip(fields, value, strict=True) if name != "origin")
    return value


@pytest.mark.parametrize("path", [EXAMPLE, Path(__file__).parent / "fuzz" / "raw.toml"], ids=["example", "raw"])
def test_the_same_description_gives_the_same_system(path: Path) -> None:
    first, second = describe(str(path)), describe(str(path))
    assert {n: shape(s) for n, s in first.systems.items()} == {n: shape(s) for n, s in second.systems.items()}


@pytest.mark.parametrize("name", BOARDS)
def test_board_files_hold_together(name: str) -> None:
    faults = Faults()
    board = load_board(name, board_files()[name], faults)
    assert board is not None
    assert not faults.errors
    facts = board.facts
    memory = [(r.base, r.base + r.size) for r in facts.ram]
    for window in facts.window:
        inside = any(low <= window.base and window.base + window.size <= high for low, high in memory)
        assert inside == (window.kind == "ram")
        assert window.base % LARGE == window.size % LARGE == 0
    reserved = [(r.base, r.size) for r in facts.reserved]
    assert disjoint([*reserved, *((w.base, w.size) for w in facts.window), (facts.kernel.base, facts.kernel.reserve)])
    devices = list(board.devices.values())
    assert disjoint((d.base, d.size_bytes) for d in devices)
    intids = [d.intid for d in devices if d.intid is not None]
    assert len(set(intids)) == len(intids)
    assert all(32 <= intid <= facts.board.irq_max for intid in [*intids, facts.uio.intid, facts.client.intid])
    if facts.timer is not None:
        _, physical, *_ = facts.guest.timer_ppis
        assert facts.timer.intid == 16 + physical, "device trees count private interrupts from 16"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("physical_address_bits = 40", "physical_address_bits = 4000", "4000 is not a whole number from 32 to 48"),
        ("count = 32", "count = 0x1_0000_0000", "4294967296 is not a whole number from 1 to 1024"),
        ('stride = "2 MiB"', "stride = 0", "0 is not a size of whole pages"),
        ("intid = 75", "intid = 31", "31 is not a whole number from 32 to 1019"),
        ("[timer]\nintid = 30", "[timer]\nintid = 32", "32 is not a whole number from 16 to 31"),
        ("virtio_mmio_size = 0x1000", "virtio_mmio_size = 0x200", "512 is not a size of whole pages"),
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


def test_the_example_is_what_the_documentation_says() -> None:
    text = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert text["system"]["boards"] == list(BOARDS)
    assert len(text["block"]["client"]) == 2


def _origins(system: System) -> Iterator[Origin]:
    yield from (pd.origin for pd in system.all_pds())
    yield from (region.origin for region in system.regions)
    yield from (channel.origin for channel in system.channels)


def test_everything_has_a_place_in_the_description() -> None:
    for system in describe(str(EXAMPLE)).systems.values():
        for origin in _origins(system):
            assert origin.at("name").source.name == str(EXAMPLE)
            assert origin.at("name").span.line > 1

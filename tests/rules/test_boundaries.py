"""Limits, one step on each side: the last that is good and the first that is not."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from tests.paths import BOARDS
from tests.rules.rule_inputs import machine, pd, region

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System

BOARD = "qemu_virt_aarch64"
PAGE = 0x1000
TOP = 0x100_0000_0000
"""Where the addresses of a domain and of a virtual machine end on a 40-bit processor."""
BLOCK = """[block]
driver = "storage"
storage = "/dev/vda"
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
"""
CLIENT = '[[guest]]\nname = "one"\ndisk = [{ partition = 0 }]\n'


def write(folder: Path, text: str, version: str = "2.0.1", board: str = BOARD) -> str:
    path = folder / "system.toml"
    path.write_text(f'[system]\nname = "demo"\nboards = ["{board}"]\nmicrokit = "{version}"\n{text}', encoding="utf-8")
    return str(path)


def codes(folder: Path, text: str, version: str = "2.0.1", board: str = BOARD) -> list[str]:
    return [fault.code for fault in describe(write(folder, text, version, board)).faults]


def system(folder: Path, text: str, version: str = "2.0.1", board: str = BOARD) -> System:
    described = describe(write(folder, text, version, board))
    assert not described.faults.errors
    return described.systems[board]


def client_guest(folder: Path, more: str) -> Guest:
    return system(folder, BLOCK + CLIENT + more).guest("one")


@pytest.mark.parametrize(
    ("version", "stack", "limit"),
    [
        ("1.4.1", None, TOP - 0x1000),
        ("2.0.1", None, TOP - 0x1000),
        ("2.0.1", 0x4000, TOP - 0x4000),
        ("2.1.0", None, TOP - 0x2000 - 0x1000),
        ("2.1.0", 0x4000, TOP - 0x4000 - 0x1000),
        ("2.2.0", None, TOP - 0x2000),
        ("2.3.0", None, TOP - 0x2000 - 0x2000),
        ("2.3.0", 0x4000, TOP - 0x2000 - 0x4000),
    ],
)
def test_a_map_may_end_where_the_stack_begins(tmp_path: Path, version: str, stack: int | None, limit: int) -> None:
    for size, expected in ((PAGE, []), (2 * PAGE, ["SDF049"])):
        more = f'map = [{{ mr = "ram", vaddr = {limit - PAGE:#x} }}]\n'
        more += "" if stack is None else f"stack_size = {stack:#x}\n"
        assert codes(tmp_path, pd(more=more) + region(more=f"size = {size:#x}"), version) == expected


@pytest.mark.parametrize("version", ["2.0.1", "2.3.0"])
def test_a_machine_has_all_addresses(tmp_path: Path, version: str) -> None:
    for size, expected in ((PAGE, []), (2 * PAGE, ["SDF049"])):
        more = f'vcpu = [{{ id = 0 }}]\nmap = [{{ mr = "ram", vaddr = {TOP - PAGE:#x} }}]\n'
        assert codes(tmp_path, machine(more=more) + region(more=f"size = {size:#x}"), version) == expected


@pytest.mark.parametrize(("low", "high", "expected"), [(0x1F_F000, 0x100_0000, []), (0x20_0000, 0xFF_F000, ["SDF051"])])
def test_maps_around_the_image(tmp_path: Path, low: int, high: int, expected: list[str]) -> None:
    for address in (low, high):
        text = pd(more=f'map = [{{ mr = "ram", vaddr = {address:#x} }}]') + region()
        assert codes(tmp_path, text) == expected


@pytest.mark.parametrize("number", range(-1, 34))
def test_interrupts_below_32(tmp_path: Path, number: int) -> None:
    found = describe(write(tmp_path, pd(more=f"irq = [{{ irq = {number}, id = 0 }}]"))).faults
    kinds = {"error": {-1, 25, 26, 27}, "warning": set(range(16)), "note": set(range(16, 32)) - {25, 26, 27, 30}}
    assert [fault.severity for fault in found] == [severity for severity in kinds if number in kinds[severity]]


@pytest.mark.parametrize(
    ("number", "severity"), [(61, None), (62, "note"), (63, "note"), (64, "warning"), (255, "warning"), (256, "error")]
)
def test_ids_of_children(tmp_path: Path, number: int, severity: str | None) -> None:
    child = f'[[protection_domain.protection_domain]]\nname = "c"\nprogram_image = "c.elf"\nid = {number}\n'
    found = describe(write(tmp_path, pd() + child)).faults
    assert [fault.severity for fault in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("budget", "period", "expected"), [(20, 20, []), (19, 20, ["SDF033"]), (20, 19, ["SDF033"]), (21, 20, ["SDF033"])]
)
def test_budgets(tmp_path: Path, budget: int, period: int, expected: list[str]) -> None:
    assert codes(tmp_path, pd(more=f"budget = {budget}\nperiod = {period}")) == expected


@pytest.mark.parametrize(
    ("ids", "expected"), [("[0, 15]", []), ("[0, -1]", []), ("[0, -2]", ["SDF065"]), ("[16, 0]", ["SDF065"])]
)
def test_ids_of_domains(tmp_path: Path, ids: str, expected: list[str]) -> None:
    slices = ", ".join(f'{{ domain = "{name}", duration = "1 us" }}' for name in "ab")
    text = f'[domains]\nnames = ["a", "b"]\nid = {ids}\nschedule = [{slices}]\n' + pd(more='domain = "a"')
    assert codes(tmp_path, text, "2.3.0") == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("_1_000 us", []),
        ("+1 ticks", []),
        ("0_x_F us", []),
        ("0x+f us", []),
        ("72057594037927935 ticks", []),
        ("72057594037927936 ticks", ["SDF067"]),
        ("0X1 us", ["SDF067"]),
        ("_ us", ["SDF067"]),
        ("++1 us", ["SDF067"]),
        ("-1 us", ["SDF067"]),
        ("1  us", ["SDF067"]),
        (" 1 us", ["SDF067"]),
    ],
)
def test_durations_are_numbers_as_the_tool_reads_them(tmp_path: Path, duration: str, expected: list[str]) -> None:
    entry = f'{{ domain = "a", duration = "{duration}" }}'
    text = f'[domains]\nnames = ["a"]\nschedule = [{entry}]\n' + pd(more='domain = "a"')
    assert codes(tmp_path, text, "2.3.0") == expected


@pytest.mark.parametrize(
    ("more", "size"),
    [
        ('prefill_path = "file"', 2 * PAGE),
        ('prefill_path = "file"\npage_size = "2 MiB"', 0x20_0000),
        ('prefill_path = "file"\nsize = 0x2000', 2 * PAGE),
        ('prefill_bootinfo = "fdt"', PAGE),
        ('prefill_bootinfo = "fdt"\npage_size = "2 MiB"', 0x20_0000),
        ('prefill_bootinfo = "fdt"\nsize = 0x3000', 3 * PAGE),
    ],
)
def test_a_prefilled_region_has_the_pages_of_its_content(tmp_path: Path, more: str, size: int) -> None:
    (tmp_path / "file").write_bytes(bytes(PAGE + 1))
    maps = ", ".join(
        f'{{ mr = "{mr}", vaddr = {vaddr:#x} }}' for mr, vaddr in (("f", 0x200_0000), ("ram", 0x200_0000 + size))
    )
    text = pd(more=f"map = [{maps}]") + region("f", more) + region()
    one = next(region for region in system(tmp_path, text, "2.3.0").regions if region.name == "f")
    assert one.size_bytes == size


def test_bytes_of_the_command_line_that_are_no_text(tmp_path: Path) -> None:
    found = describe(write(tmp_path, pd()), ['protection_domain.pd.program_image="\udcff.elf"']).faults
    assert [fault.code for fault in found] == ["SDF003"]


def _kernel(folder: Path, text_offset: int, size: int) -> None:
    head = struct.pack("<8xQQ32x4s4x", text_offset, size, b"ARMd")
    (folder / "Image").write_bytes(head)


@pytest.mark.parametrize("text_offset", [0, 0x8_0000])
def test_a_kernel_may_end_where_the_device_tree_begins(tmp_path: Path, text_offset: int) -> None:
    _kernel(tmp_path, text_offset, PAGE)
    more = 'kernel = "Image"\nram = "16 MiB"\n'
    guest = client_guest(tmp_path, more)
    room = guest.dtb_gpa - guest.ram_gpa - text_offset
    for size, expected in ((room, []), (room + 1, ["SDF079"])):
        _kernel(tmp_path, text_offset, size)
        assert codes(tmp_path, BLOCK + CLIENT + more) == expected


def test_an_initial_ram_disk_ends_below_the_device_tree(tmp_path: Path) -> None:
    path = tmp_path / "initrd"
    path.write_bytes(b"\0")
    more = 'initrd = "initrd"\nram = "128 MiB"\n'
    small = client_guest(tmp_path, more)
    room = small.dtb_gpa - small.initrd_gpa
    for size in (1, room - 1, room, room + 1, room + PAGE, room + PAGE + 1):
        with path.open("wb") as file:
            file.truncate(size)
        guest = client_guest(tmp_path, more)
        assert guest.initrd_bytes == size
        assert guest.initrd_gpa % PAGE == 0
        assert guest.initrd_gpa + size <= guest.dtb_gpa
        assert guest.initrd_gpa == small.initrd_gpa if size <= room else guest.dtb_gpa - guest.initrd_gpa - size < PAGE


def test_nothing_is_placed_over_reserved_memory(tmp_path: Path) -> None:
    first = min(
        r.phys_addr for r in system(tmp_path, BLOCK + CLIENT).regions if r.phys_addr and r.name.endswith("_data")
    )
    (tmp_path / "boards").mkdir()
    reserved = f'[[reserved]]\nname = "secure world"\nbase = {first:#x}\nsize = "6 MiB"\n'
    (tmp_path / "boards" / "mine.toml").write_text((BOARDS / f"{BOARD}.toml").read_text() + reserved)
    placed = [r for r in system(tmp_path, BLOCK + CLIENT, board="mine").regions if r.name.endswith("_data")]
    assert len(placed) == 2
    assert min(r.phys_addr for r in placed if r.phys_addr) == first + 0x60_0000


GUEST_WITH_DMA = """
[[protection_domain]]
name = "vmm"
program_image = "vmm.elf"
priority = 100
[protection_domain.virtual_machine]
name = "linux"
vcpu = [{ id = 0 }]
map = [
    { mr = "ram", vaddr = 0x3000_0000, perms = "rwx" },
    { mr = "ethernet", vaddr = 0xff3f_0000, cached = false },
]
[[memory_region]]
name = "ethernet"
size = 0x1_0000
phys_addr = 0xff3f_0000
[[memory_region]]
name = "ram"
size = "2 MiB"
"""


@pytest.mark.parametrize(
    ("address", "expected"),
    [("phys_addr = 0x3000_0000", []), ("phys_addr = 0x3020_0000", ["SDF090"]), ("", ["SDF090"])],
)
def test_a_guest_with_dma_has_its_ram_where_it_sees_it(tmp_path: Path, address: str, expected: list[str]) -> None:
    assert codes(tmp_path, GUEST_WITH_DMA + address, board="odroidc4") == expected

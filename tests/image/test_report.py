"""What the tool's report says of a region's pages: whether they follow each other, and when that matters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.describe import describe
from sdfgen.image.extents import Extent, UnknownFormError
from sdfgen.image.report import TextReport
from sdfgen.verify.made import Made
from sdfgen.verify.report import misplaced
from tests.paths import EXAMPLE

if TYPE_CHECKING:
    from sdfgen.model.system import System

BOARDS: Final = ("qemu_virt_aarch64", "odroidc4")
HEAD: Final = "# System Kernel Invocations Detail\n\n# Allocated Kernel Objects Detail\n\n"
SMALL: Final = (0x1000, "4 KiB")
LARGE: Final = (0x20_0000, "2 MiB")
FREE: Final = 0x6000_0000
# A region whose address a setvar tells, one of a patch, one that a map needs, and one whose address is only decided.
MORE: Final = """
[[memory_region]]
name = "extra_told"
size = 0x3000
[[memory_region]]
name = "extra_patched"
size = 0x3000
[[memory_region]]
name = "extra_measured"
size = 0x3000
[[patch]]
elf = "outer.elf"
symbol = "all"
value = "phys_addr('extra_patched') + size('extra_measured')"
[[memory_region]]
name = "extra_mapped"
size = 0x3000
[[memory_region]]
name = "extra_fixed"
size = 0x3000
phys_addr = 0x6100_0000
[[protection_domain]]
name = "outer"
program_image = "outer.elf"
[[protection_domain.protection_domain]]
name = "inner"
id = 0
program_image = "inner.elf"
[[setvar]]
pd = "inner"
symbol = "extra"
region_paddr = "extra_told"
[[map]]
pd = "inner"
mr = "extra_mapped"
vaddr = 0x1000_0000
[[map]]
pd = "inner"
mr = "extra_fixed"
vaddr = 0x1100_0000
"""
TOLD: Final = {"block_virt_data", "block_client1_0_data", "block_client2_0_data", "extra_told", "extra_patched"}


def line(name: str, number: int, address: int, size: str = "4 KiB") -> str:
    return f"    Page({size}): MR={name} #{number}      9 cap_addr=80000000000001d6 phys_addr={address:x}\n"


# Addresses of a region's pages in the order of its own addresses, and whether they follow each other.
PAGES: Final[dict[str, tuple[list[int], bool]]] = {
    "one": ([0x5000], True),
    "two": ([0x5000, 0x6000], True),
    "three": ([0x5000, 0x6000, 0x7000], True),
    "a gap": ([0x5000, 0x7000], False),
    "the same twice": ([0x5000, 0x5000], False),
    "backwards": ([0x6000, 0x5000], False),
    "a gap at the end": ([0x5000, 0x6000, 0x8000], False),
    "one strays, those around it lie right": ([0x5000, 0x9000, 0x7000], False),
    "two change places": ([0x5000, 0x7000, 0x6000, 0x8000], False),
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_follow_each_other_in_the_order_of_the_regions_addresses(tmp_path: Path, name: str) -> None:
    addresses, contiguous = PAGES[name]
    other = [line("other", number, 0x10_0000 + number * 0x1000) for number in range(len(addresses))]
    lines = [line("it", number, address) for number, address in enumerate(addresses)]
    report = tmp_path / "report.txt"
    report.write_text(HEAD + "".join(a + b for a, b in zip(lines, other, strict=True)))
    assert TextReport(str(report)).extents().regions == {
        "it": Extent(addresses[0], len(addresses) * 0x1000, contiguous),
        "other": Extent(0x10_0000, len(addresses) * 0x1000, contiguous=True),
    }


@pytest.mark.parametrize("part", HEAD.split("\n\n")[:2])
def test_a_report_of_another_form_is_an_error(tmp_path: Path, part: str) -> None:
    (tmp_path / "report.txt").write_text(HEAD.replace(part, "# Initial Task (CapDL Initialiser) Details"))
    with pytest.raises(UnknownFormError) as raised:
        TextReport(str(tmp_path / "report.txt"))
    assert str(raised.value) == f"it has no part `{part[2:]}`"


# Pages of two sizes: size and address of each, and whether they follow each other.
MIXED: Final = [
    ([("2 MiB", 0x20_0000), ("4 KiB", 0x40_0000)], True),
    ([("2 MiB", 0x20_0000), ("4 KiB", 0x20_1000)], False),
    ([("4 KiB", 0x1F_F000), ("2 MiB", 0x20_0000)], True),
    ([("4 KiB", 0x20_0000), ("2 MiB", 0x40_0000)], False),
]


@pytest.mark.parametrize(("pages", "contiguous"), MIXED)
def test_each_page_counts_with_its_own_size(tmp_path: Path, pages: list[tuple[str, int]], contiguous: bool) -> None:
    report = tmp_path / "report.txt"
    report.write_text(HEAD + "".join(line("it", n, address, size) for n, (size, address) in enumerate(pages)))
    assert TextReport(str(report)).extents().regions == {"it": Extent(pages[0][1], 0x20_1000, contiguous)}


def report_of(system: System, torn: str | None) -> str:
    """The report of a tool that does as it is told, but for one region, whose last two pages change places."""
    lines, free = [HEAD], FREE
    for region in system.regions:
        size_bytes = region.size_bytes or 0
        page, size = LARGE if size_bytes % LARGE[0] == 0 and size_bytes > LARGE[0] else SMALL
        start = free if region.phys_addr is None else region.phys_addr
        addresses = list(range(start, start + size_bytes, page))
        if region.name == torn:
            addresses[-2:] = reversed(addresses[-2:])
        lines += [line(region.name, number, address, size) for number, address in enumerate(addresses)]
        free += size_bytes
    return "".join(lines)


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, System]:
    path = tmp_path_factory.mktemp("torn") / "system.toml"
    path.write_text(Path(EXAMPLE).read_text() + MORE)
    return dict(describe(str(path)).systems)


@pytest.mark.parametrize("board", BOARDS)
def test_pages_apart_are_told_of_regions_whose_address_is_told_on_and_of_no_others(
    systems: dict[str, System], tmp_path: Path, board: str
) -> None:
    system, report = systems[board], tmp_path / "report.txt"
    # A region of two pages begins elsewhere when they change places, which is another fault where that was decided.
    names = [region.name for region in system.regions if (region.size_bytes or 0) > 2 * SMALL[0]]
    assert set(names) > {*TOLD, "extra_measured", "extra_mapped", "extra_fixed", "client1_ram", "storage_ram"}
    told: dict[str, list[str]] = {}
    for torn in (None, *names):
        report.write_text(report_of(system, torn))
        told[torn or ""] = [
            one.message
            for one in misplaced(system, TextReport(str(report)).extents(), Made(str(tmp_path)), "report.txt")
        ]
    words = "the pages of region {} do not follow each other, and its address is told on"
    assert told == {"": []} | {name: [words.format(name)] if name in TOLD else [] for name in names}

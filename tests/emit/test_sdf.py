"""The system file, as an XML reader sees it, and as Microkit's manual wants it."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.emit.sdf.xml import Element, document
from sdfgen.facts.dialects import DIALECTS
from sdfgen.subsystems.block.model import blocks_of
from sdfgen.subsystems.block.phys_page import phys_page
from tests.paths import EXAMPLE, FOUR_CORES, GOLDENS, ROOT, SYSTEMS

if TYPE_CHECKING:
    from sdfgen.model.system import System
    from tests.conftest import Golden

FILES = GOLDENS / "sdf"
BOARDS = ("qemu_virt_aarch64", "odroidc4")
NINE = (
    ("block_uio_irq_status", 0x7980_0000, 0x1000, False),
    (None, 0x8000_0000, 0x1000, None),
    ("block_phys_addr", 0x8020_0000, 0x1000, False),
    ("block_driver_storage_info", 0x8040_0000, 0x1000, False),
    ("block_driver_requests", 0x8060_0000, 0x20_0000, False),
    ("block_driver_responses", 0x8080_0000, 0x20_0000, False),
    ("block_virt_data", 0x80A0_0000, 0x20_0000, True),
    ("block_client1_0_data", 0x80C0_0000, 0x20_0000, True),
    ("block_client2_0_data", 0x80E0_0000, 0x20_0000, True),
)
"""Region, guest-physical address, size, cached: the driver VM's mappings of the hand-written ancestor."""


def example(board: str, *settings: str) -> System:
    return describe(str(EXAMPLE), settings).systems[board]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("version", DIALECTS)
def test_example_in_every_dialect(board: str, version: str, golden: Golden) -> None:
    golden.check(FILES / f"{board}-{version}.system", system_file(example(board, f"system.microkit='{version}'")))


@pytest.mark.parametrize("board", BOARDS)
def test_four_cores(board: str, golden: Golden) -> None:
    golden.check(FILES / f"{board}-four-cores.system", system_file(describe(str(FOUR_CORES)).systems[board]))


@pytest.mark.parametrize("version", [version for version, dialect in DIALECTS.items() if dialect.at_least("2.1.0")])
def test_every_core_is_written_where_there_are_several(version: str) -> None:
    """Versions differ in where a virtual CPU without one runs."""
    settings = (f"system.microkit='{version}'",)
    root = etree.fromstring(system_file(describe(str(FOUR_CORES), settings).systems[BOARDS[0]]).encode())
    assert {e.get("name"): e.get("cpu") for e in root.iter("protection_domain")} == {
        "block_virt": "0",
        "compute_vmm": "2",
        "control_vmm": "3",
        "guest_timer": "0",
        "storage_vmm": "1",
    }
    cores = {e.get("name"): [v.get("cpu") for v in e.iter("vcpu")] for e in root.iter("virtual_machine")}
    assert cores == {"compute": ["2", "3"], "control": ["3"], "storage": ["1"]}


def test_no_core_is_written_where_there_is_one() -> None:
    settings = ("system.config=debug", "guest.control={core = 0}", "guest.control.vmm={priority = 90}")
    text = system_file(describe(str(FOUR_CORES), settings).systems[BOARDS[0]])
    assert re.findall(r'cpu="\d+"', text) == ['cpu="0"'] * 2


@pytest.mark.parametrize("board", BOARDS)
def test_learned_addresses(board: str, golden: Golden) -> None:
    system = example(board, "block.physical_addresses=learned")
    golden.check(FILES / f"{board}-learned.system", system_file(system))
    assert not [r for r in system.regions if r.name.endswith("_data") and r.phys_addr is not None]


@pytest.mark.parametrize("board", BOARDS)
def test_the_nine_mappings(board: str) -> None:
    root = etree.fromstring(system_file(example(board)).encode())
    sizes = {e.get("name"): int(e.get("size", ""), 0) for e in root.iter("memory_region")}
    (vm,) = (e for e in root.iter("virtual_machine") if e.get("name") == "storage")
    maps = {int(m.get("vaddr", ""), 0): m for m in vm.findall("map")}
    for region, gpa, size, cached in NINE:
        if region is None:
            assert gpa not in maps, "the notify page is mapped nowhere"
            continue
        assert maps[gpa].get("mr") == region
        assert sizes[region] == size
        assert (maps[gpa].get("cached") != "false") == cached


@pytest.mark.parametrize("board", BOARDS)
def test_phys_addr_page_is_in_the_driver_vmm_and_the_driver_vm(board: str) -> None:
    root = etree.fromstring(system_file(example(board)).encode())
    holders = [m.xpath("string(../@name)") for m in root.iter("map") if m.get("mr") == "block_phys_addr"]
    assert holders == ["storage_vmm", "storage"]


def test_prefilled_page(golden: Golden) -> None:
    settings = ("system.microkit='2.2.0'", "block.phys_addr_page=prefilled")
    text = system_file(example(BOARDS[0], *settings))
    golden.check(FILES / "prefilled.system", text)
    assert 'name="block_phys_addr" size="0x1000" prefill_path="block_phys_addr.bin"' in text


def test_prefilled_page_has_the_format_of_the_header_that_reads_it() -> None:
    settings = ("system.microkit='2.2.0'", "block.phys_addr_page=prefilled")
    header = (ROOT / "templates" / "c" / "include" / "sdfgen" / "phys_addr.h").read_text()
    (magic,) = re.findall(r"#define PHYS_ADDR_MAGIC UINT64_C\((0x\w+)\)", header)
    (version,) = re.findall(r"#define PHYS_ADDR_VERSION (\d+)u", header)
    system = example(BOARDS[0], *settings)
    (block,) = blocks_of(system)
    page = phys_page(system, block)
    assert len(page) == 4096
    assert struct.unpack_from("<QIIII", page) == (int(magic, 0), int(version), 24, 3, 0)
    assert struct.unpack_from("<QQII", page, 24) == (0x4800_0000, 0x20_0000, 6, 0)


def test_everything_microkit_knows(golden: Golden) -> None:
    raw = SYSTEMS / "raw.toml"
    described = describe(str(raw))
    assert not described.faults.errors
    golden.check(FILES / "raw.system", system_file(described.systems[BOARDS[0]]))


def test_values_are_escaped() -> None:
    text = document(Element("a", (("b", '<&>"\t\n'), ("c", None))), "x -- y")
    assert {str(k): str(v) for k, v in etree.fromstring(text.encode()).items()} == {"b": '<&>"\t\n'}


@pytest.mark.parametrize("dashes", range(8))
def test_a_comment_has_no_two_dashes_in_a_row(dashes: int) -> None:
    name = "-" * dashes
    comment, _ = etree.fromstring(document(Element("a"), f"{name} x{name}").encode()).xpath("//node()")
    assert comment.text.replace(" ", "") == f"{name}x{name}"

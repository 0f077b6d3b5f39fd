"""What lies and is mapped where, read from the capDL specification that Microkit's tools from 2.1.0 on write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from sdfgen.image.capdl import CapdlSpec
from sdfgen.image.extents import Extent, UnknownFormError

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 0x1000, 0x20_0000
FIRST_LEVEL: Final = 1


def table(name: str, level: int, **slots: tuple[str, int]) -> dict[str, Any]:
    """A page table, and where each of its slots leads: kind and number of an object."""
    entries = [{"slot": int(slot[1:]), "cap": {kind: {"object": number}}} for slot, (kind, number) in slots.items()]
    inner = {"x86_ept": False, "is_root": level == FIRST_LEVEL, "level": level, "slots": entries}
    return {"name": name, "object": {"PageTable": inner}}


def frame(name: str, address: int | None = None, bits: int = 12) -> dict[str, Any]:
    return {
        "name": f"frame_{name}",
        "object": {"Frame": {"size_bits": bits, "paddr": address, "init": {"entries": []}}},
    }


# A domain with two large and three small pages, an image, and a machine that has one of the pages elsewhere.
OBJECTS: Final = [
    frame("mr_ram_000000000", 0x8000_0000, 21),
    frame("mr_ram_000000001", 0x8020_0000, 21),
    frame("mr_small_000000000"),
    frame("mr_small_000000001"),
    frame("mr_small_000000002"),
    frame("elf_alone_000000000"),
    frame("ipcbuf_alone"),
    {"name": "ep_alone", "object": "Endpoint"},
    table("pud_alone", 1, s1=("PageTable", 9), s1023=("PageTable", 11)),
    table("pd_alone_vaddr_0x40000000", 2, s0=("Frame", 0), s1=("Frame", 1), s3=("PageTable", 10)),
    table("pt_alone_vaddr_0x40600000", 3, s9=("Frame", 3), s8=("Frame", 2), s10=("Frame", 4), s0=("Frame", 5)),
    table("pd_alone_vaddr_0xffc0000000", 2, s511=("PageTable", 12)),
    table("pt_alone_vaddr_0xffffe00000", 3, s511=("Frame", 6)),
    table("pud_a_machine", 1, s0=("PageTable", 14)),
    table("pd_a_machine_vaddr_0x0", 2, s0=("PageTable", 15)),
    table("pt_a_machine_vaddr_0x0", 3, s5=("Frame", 3), s7=("Frame", 4), s8=("Frame", 3)),
]
RAM_AT: Final = 0x4000_0000
SMALL_AT: Final = RAM_AT + 3 * LARGE + 8 * SMALL
MAPS: Final = {
    ("alone", "ram", RAM_AT),
    ("alone", "small", SMALL_AT),
    ("a_machine", "small", 5 * SMALL),
    ("a_machine", "small", 7 * SMALL),
    ("a_machine", "small", 8 * SMALL),
}


def spec(folder: Path, objects: list[dict[str, Any]], indent: int | None = None) -> CapdlSpec:
    path = folder / "capdl.json"
    path.write_text(json.dumps({"objects": objects, "irqs": [{"irq": 30, "handler": 7}]}, indent=indent))
    return CapdlSpec(str(path))


@pytest.mark.parametrize("indent", [None, 2])
def test_maps_begin_where_pages_do_not_follow_each_other(tmp_path: Path, indent: int | None) -> None:
    found = spec(tmp_path, OBJECTS, indent)
    assert found.maps() == MAPS
    assert found.extents().regions == {
        "ram": Extent(0x8000_0000, 2 * LARGE, contiguous=True),
        "small": Extent(None, 3 * SMALL, contiguous=False),
    }


def test_with_four_levels_the_first_counts_too(tmp_path: Path) -> None:
    objects = json.loads(json.dumps([*OBJECTS, table("pgd_alone", 0, s0=("PageTable", 8), s2=("PageTable", 8))]))
    for one in objects:
        if "PageTable" in one["object"]:
            one["object"]["PageTable"]["is_root"] = one["name"] == "pgd_alone"
    both = {(space, region, at) for space, region, at in MAPS if space == "alone"}
    assert spec(tmp_path, objects).maps() == both | {(space, region, at + 2 * (1 << 39)) for space, region, at in both}


# Number and address of each page, where the region lies, and whether its pages follow each other.
PLACES: Final[dict[str, tuple[list[tuple[int, int | None]], int | None, bool]]] = {
    "one": ([(0, 0x5000)], 0x5000, True),
    "three": ([(0, 0x5000), (1, 0x6000), (2, 0x7000)], 0x5000, True),
    "written in another order": ([(2, 0x7000), (0, 0x5000), (1, 0x6000)], 0x5000, True),
    "a gap": ([(0, 0x5000), (1, 0x7000)], 0x5000, False),
    "the same twice": ([(0, 0x5000), (1, 0x5000)], 0x5000, False),
    "backwards": ([(0, 0x6000), (1, 0x5000)], 0x6000, False),
    "one strays, those around it lie right": ([(0, 0x5000), (1, 0x9000), (2, 0x7000)], 0x5000, False),
    "one has none": ([(0, 0x5000), (1, None), (2, 0x7000)], None, False),
    "none has one": ([(0, None), (1, None)], None, False),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_region_has_an_address_when_all_its_pages_have(tmp_path: Path, name: str) -> None:
    pages, address, contiguous = PLACES[name]
    objects = [frame(f"mr_it_{number:09}", place) for number, place in pages]
    others = [frame("mr_it_too_000000000", 0xA000), frame("mr_it_000000007_000000000", 0xB000)]
    assert spec(tmp_path, [*objects, *others]).extents().regions == {
        "it": Extent(address, len(pages) * SMALL, contiguous),
        "it_too": Extent(0xA000, SMALL, contiguous=True),
        "it_000000007": Extent(0xB000, SMALL, contiguous=True),
    }


WRONG: Final = {
    "nothing": "",
    "another object": "{}",
    "a list": "[]",
    "cut": json.dumps({"objects": OBJECTS})[:-200],
    "no name": json.dumps({"objects": [{"object": "Endpoint"}]}),
    "a table of nothing": json.dumps({"objects": [table("pud_alone", 1, s1=("PageTable", 8))]}),
    "a page of nothing": json.dumps({"objects": [table("pud_alone", 1, s1=("Frame", 8))]}),
    "a table in itself": json.dumps({"objects": [table("pud_alone", 1, s1=("PageTable", 0))]}),
    "a page without size": json.dumps({"objects": [{"name": "frame_mr_a_000000000", "object": {"Frame": {}}}]}),
    "objects by name": json.dumps({"objects": {"pud_alone": {}}}),
    "no levels": json.dumps({"objects": [{"name": "a", "object": {"PageTable": {"is_root": True, "slots": []}}}]}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_specification_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "capdl.json"
    path.write_text(WRONG[name])
    with pytest.raises(UnknownFormError, match="it is no capDL specification as Microkit's tools write it"):
        CapdlSpec(str(path))

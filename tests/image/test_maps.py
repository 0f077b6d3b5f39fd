"""What the Microkit tool maps where, read from the capDL specification that tools from 2.1.0 on write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from sdfgen.image.maps import maps_of_spec
from sdfgen.image.report import ReportError

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 0x1000, 0x20_0000


def table(name: str, level: int, **slots: tuple[str, int]) -> dict[str, Any]:
    """A page table, and where each of its slots leads: kind and number of an object."""
    entries = [{"slot": int(slot[1:]), "cap": {kind: {"object": number}}} for slot, (kind, number) in slots.items()]
    inner = {"x86_ept": False, "is_root": level == FIRST, "level": level, "slots": entries}
    return {"name": name, "object": {"PageTable": inner}}


def frame(name: str) -> dict[str, Any]:
    return {"name": f"frame_{name}", "object": {"Frame": {"size_bits": 12, "paddr": None, "init": {"entries": []}}}}


FIRST: Final = 1
# A domain with two large and three small pages, an image, and a machine that has one of the pages elsewhere.
OBJECTS: Final = [
    frame("mr_ram_000000000"),
    frame("mr_ram_000000001"),
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


@pytest.mark.parametrize("indent", [None, 2])
def test_maps_begin_where_pages_do_not_follow_each_other(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "capdl.json"
    path.write_text(json.dumps({"objects": OBJECTS, "irqs": [{"irq": 30, "handler": 7}]}, indent=indent))
    assert maps_of_spec(str(path)) == MAPS


def test_with_four_levels_the_first_counts_too(tmp_path: Path) -> None:
    path = tmp_path / "capdl.json"
    objects = [*OBJECTS, table("pgd_alone", 0, s0=("PageTable", 8), s2=("PageTable", 8))]
    for number, one in enumerate(objects[:-1]):
        if isinstance(one["object"], dict) and "PageTable" in one["object"]:
            inner = dict(one["object"]["PageTable"], is_root=False)
            objects[number] = {"name": one["name"], "object": {"PageTable": inner}}
    objects[-1]["object"]["PageTable"]["is_root"] = True
    path.write_text(json.dumps({"objects": objects}))
    both = {(space, region, at) for space, region, at in MAPS if space == "alone"}
    assert maps_of_spec(str(path)) == both | {(space, region, at + 2 * (1 << 39)) for space, region, at in both}


WRONG: Final = {
    "nothing": "",
    "another object": "{}",
    "a list": "[]",
    "cut": json.dumps({"objects": OBJECTS})[:-200],
    "no name": json.dumps({"objects": [{"object": "Endpoint"}]}),
    "a table of nothing": json.dumps({"objects": [table("pud_alone", 1, s1=("PageTable", 8))]}),
    "a page of nothing": json.dumps({"objects": [table("pud_alone", 1, s1=("Frame", 8))]}),
    "objects by name": json.dumps({"objects": {"pud_alone": {}}}),
    "no levels": json.dumps({"objects": [{"name": "a", "object": {"PageTable": {"is_root": True, "slots": []}}}]}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_specification_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "capdl.json"
    path.write_text(WRONG[name])
    with pytest.raises(ReportError, match="it is no capDL specification as Microkit's tools write it"):
        maps_of_spec(str(path))


def test_a_table_that_leads_to_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "capdl.json"
    path.write_text(json.dumps({"objects": [table("pud_alone", 1, s1=("PageTable", 0), s2=("PageTable", 0))]}))
    assert maps_of_spec(str(path)) == set()

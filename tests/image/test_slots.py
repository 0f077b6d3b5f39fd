"""Capabilities that the initial task has at the start, counted before a system is booted that could not start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.describe import describe
from sdfgen.image.slots import slot_faults
from tests.image.test_capdl import OBJECTS, frame, spec, table
from tests.image.test_image import BOARD, MAPPED, described

if TYPE_CHECKING:
    from pathlib import Path

IN_IMAGE: Final = 8
# Pages that lie in the image are no objects of their own: the initial task has them already, as it has its own pages.
SAID: Final = "MICROKIT|INITIAL TASK: memory size = {}\n"
COUNTS: Final = {
    "": len(OBJECTS) + IN_IMAGE + 10,
    SAID.format("32 KiB"): len(OBJECTS) + IN_IMAGE + 10,
    SAID.format("40 KiB"): len(OBJECTS) + 10 + 10,
    SAID.format("1.50 MiB"): len(OBJECTS) + 384 + 10,
    SAID.format("1,004 KiB"): len(OBJECTS) + 251 + 10,
}


@pytest.mark.parametrize("said", COUNTS, ids=lambda said: said.strip() or "nothing")
def test_objects_maps_and_pages_of_the_image_count(tmp_path: Path, said: str) -> None:
    image = [frame(f"elf_large_{number:09}") for number in range(IN_IMAGE)]
    for one in image:
        one["object"]["Frame"]["init"]["entries"] = [{"range": {"start": 0, "end": 1}}]
    found = spec(tmp_path, [*OBJECTS, *image])
    assert (found.objects, found.image_pages, found.mapped_pages) == (len(OBJECTS), IN_IMAGE, 10)
    system = describe(str(described(tmp_path, MAPPED.format(vaddr=0x100_0000)))).systems[BOARD]
    wanted = COUNTS[said]
    faults = {}
    for bits in (wanted.bit_length() - 1, wanted.bit_length()):
        small = system._replace(dialect=system.dialect._replace(root_cnode_bits=bits))
        faults[bits] = [fault.message for fault in slot_faults(small, found, said)]
    fault = (
        f"the system cannot start: that takes {wanted} capabilities, and Microkit {system.dialect.version} has room "
        f"for {1 << wanted.bit_length() - 1}; program images have {IN_IMAGE} pages, which count twice"
    )
    assert faults == {wanted.bit_length() - 1: [fault], wanted.bit_length(): []}


@pytest.mark.parametrize(("pages", "place"), [(1, "system.name"), (9, "memory_region[0].size")])
def test_the_region_with_the_most_pages_is_named(tmp_path: Path, pages: int, place: str) -> None:
    image = frame("elf_alone_000000000")
    image["object"]["Frame"]["init"]["entries"] = [{"range": {"start": 0, "end": 1}}]
    region = [frame(f"mr_extra_{number:09}") for number in range(pages)]
    system = describe(str(described(tmp_path, MAPPED.format(vaddr=0x100_0000)))).systems[BOARD]
    small = system._replace(dialect=system.dialect._replace(root_cnode_bits=1))
    (fault,) = slot_faults(small, spec(tmp_path, [image, *region, table("pud_alone", 1)]), "")
    assert (fault.code, fault.where.text) == ("SDF129", place)


def test_only_small_pages_without_an_address_lie_in_the_image(tmp_path: Path) -> None:
    pages = [frame("mr_a_000000000"), frame("mr_b_000000000", 0x8000_0000), frame("mr_c_000000000", None, 21)]
    for one in pages:
        one["object"]["Frame"]["init"]["entries"] = [{"range": {"start": 0, "end": 1}}]
    found = spec(tmp_path, [*pages, frame("mr_empty_000000000")])
    assert (found.image_pages, found.objects) == (1, 3)

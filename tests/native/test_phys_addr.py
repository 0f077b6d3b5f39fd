"""The shared phys-addr page: unit tests in C, and pages that a broken or hostile VMM could leave."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import TYPE_CHECKING

import pytest

from .facts import ENTRIES, MAGIC, MAX_ENTRIES, PAGE, Code, Entry, page

if TYPE_CHECKING:
    from pathlib import Path

MAPS = 9
U32 = 0xFFFF_FFFF
U64 = 0xFFFF_FFFF_FFFF_FFFF
LAST_PAGE = U64 - 0xFFF

UNIT_TESTS = (
    "round_trip",
    "publishing_again_replaces",
    "as_many_regions_as_there_can_be",
    "nothing_is_published_unpatched",
    "nothing_is_published_without_slots",
    "nothing_is_published_that_a_reader_would_refuse",
    "every_difference_is_found",
    "another_number_of_entries_is_a_difference",
    "only_assigned_addresses_have_to_be_patched",
    "addresses_are_found_with_their_bounds",
    "the_last_page_of_the_address_space_is_found",
    "every_code_has_a_text_of_its_own",
    "what_was_accepted_stays_sound_while_the_page_changes",
    "the_tables_slots_are_maps_of_the_same_size",
)


def changed(index: int, **words: int) -> bytes:
    """A sound page but for these words of one entry."""
    entries = list(ENTRIES)
    entries[index] = dataclasses.replace(entries[index], **words)
    return page(*entries)


def full(count: int) -> bytes:
    """A page of one-page regions that touch."""
    return page(*(Entry(PAGE * (1 + i), PAGE, i % MAPS) for i in range(count)))


PAGES = {
    "sound": (page(*ENTRIES), Code.OK, 0),
    "one_entry": (page(ENTRIES[0]), Code.OK, 0),
    "words_after_the_last_entry_are_not_read": (page(*ENTRIES)[:-8] + b"\xff" * 8, Code.OK, 0),
    "base_zero": (changed(0, io_base=0), Code.OK, 0),
    "last_page_of_the_address_space": (changed(2, io_base=LAST_PAGE, size_bytes=PAGE), Code.OK, 0),
    "largest_region": (page(Entry(PAGE, LAST_PAGE, 0)), Code.OK, 0),
    "never_written": (bytes(PAGE), Code.MAGIC, 0),
    "all_ones": (b"\xff" * PAGE, Code.MAGIC, 0),
    "magic_off_by_one_bit": (page(*ENTRIES, magic=MAGIC ^ 1), Code.MAGIC, 0),
    "magic_upper_half_missing": (page(*ENTRIES, magic=MAGIC & U32), Code.MAGIC, 0),
    "magic_big_endian": (page(*ENTRIES, magic=int.from_bytes(b"SDFGPHYS", "big")), Code.MAGIC, 0),
    "version_zero": (page(*ENTRIES, version=0), Code.VERSION, 0),
    "version_two": (page(*ENTRIES, version=2), Code.VERSION, 0),
    "header_bytes_zero": (page(*ENTRIES, header_bytes=0), Code.HEADER, 0),
    "header_bytes_larger": (page(*ENTRIES, header_bytes=32), Code.HEADER, 0),
    "header_reserved": (page(*ENTRIES, reserved=1), Code.HEADER, 0),
    "count_zero": (page(*ENTRIES, count=0), Code.COUNT, 0),
    "count_one_too_many": (page(*ENTRIES, count=MAX_ENTRIES + 1), Code.COUNT, 0),
    "count_beyond_the_page": (page(*ENTRIES, count=U32), Code.COUNT, 0),
    "count_beyond_what_was_written": (page(*ENTRIES, count=4), Code.SIZE_ZERO, 3),
    "base_unpatched": (changed(1, io_base=U64), Code.BASE_UNALIGNED, 1),
    "base_off_by_one": (changed(0, io_base=0x60A00001), Code.BASE_UNALIGNED, 0),
    "base_half_a_page": (changed(2, io_base=0x60E00800), Code.BASE_UNALIGNED, 2),
    "size_zero": (changed(1, size_bytes=0), Code.SIZE_ZERO, 1),
    "size_one_byte": (changed(1, size_bytes=1), Code.SIZE_UNALIGNED, 1),
    "size_page_and_a_byte": (changed(1, size_bytes=PAGE + 1), Code.SIZE_UNALIGNED, 1),
    "size_all_ones": (changed(1, size_bytes=U64), Code.SIZE_UNALIGNED, 1),
    "wraps_by_a_page": (changed(2, io_base=LAST_PAGE, size_bytes=2 * PAGE), Code.WRAP, 2),
    "wraps_by_size": (changed(0, size_bytes=LAST_PAGE), Code.WRAP, 0),
    "map_one_too_many": (changed(0, map_index=MAPS), Code.MAP_INDEX, 0),
    "map_all_ones": (changed(0, map_index=U32), Code.MAP_INDEX, 0),
    "entry_reserved": (changed(1, reserved=1), Code.RESERVED, 1),
    "same_base": (changed(1, io_base=0x60A00000), Code.OVERLAP, 1),
    "overlaps_by_a_page_from_above": (changed(1, io_base=0x60BFF000), Code.OVERLAP, 1),
    "overlaps_by_a_page_from_below": (changed(2, io_base=0x60801000), Code.OVERLAP, 2),
    "lies_inside_another": (changed(2, io_base=0x60B00000, size_bytes=PAGE), Code.OVERLAP, 2),
    "holds_another": (changed(2, io_base=0x60B00000, size_bytes=0x400000), Code.OVERLAP, 2),
    "holds_all": (changed(2, io_base=0, size_bytes=LAST_PAGE), Code.OVERLAP, 2),
    "map_twice": (changed(2, map_index=6), Code.MAP_TWICE, 2),
    "nine_entries_that_touch": (full(MAPS), Code.OK, 0),
    "more_entries_than_maps": (full(MAX_ENTRIES), Code.MAP_TWICE, MAPS),
    "first_fault_wins": (page(Entry(1, 0, U32, 1), Entry(1, 0, U32, 1)), Code.BASE_UNALIGNED, 0),
}


def test_every_unit_test_is_run(phys_addr_test: str) -> None:
    listed = subprocess.run([phys_addr_test, "--list"], capture_output=True, text=True, check=True)
    assert tuple(listed.stdout.split()) == UNIT_TESTS


@pytest.mark.parametrize("name", UNIT_TESTS)
def test_unit(phys_addr_test: str, name: str) -> None:
    done = subprocess.run([phys_addr_test, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", PAGES)
def test_page(phys_addr_test: str, tmp_path: Path, name: str) -> None:
    content, code, entry = PAGES[name]
    file = tmp_path / "page"
    file.write_bytes(content)
    done = subprocess.run([phys_addr_test, "read", str(file), str(MAPS)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{code.value} {entry}\n", "")

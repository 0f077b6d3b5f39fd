"""Partition tables: sound disks, disks by sfdisk, and disks with one fault each."""

from __future__ import annotations

import dataclasses
import enum
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .model.programs import command
from .partition_images import (
    BLOCK,
    DISK_BLOCKS,
    UNUSED,
    Copy,
    Disk,
    MbrEntry,
    Range,
    gpt_disk,
    mbr_disk,
)
from .toolchain import C_TESTS, TEMPLATES_C, include_flags, run

if TYPE_CHECKING:
    from pathlib import Path

COMPILERS = ("gcc", "clang")
PARSER = ("partition", "partition_gpt", "partition_name", "crc32")
SOURCES = (
    os.path.join(C_TESTS, "partition_test.c"),
    *(os.path.join(TEMPLATES_C, "block_virt", f"{name}.c") for name in PARSER),
)
SFDISK = shutil.which("sfdisk") or shutil.which("sfdisk", path="/usr/sbin:/sbin")
U32 = 0xFFFF_FFFF
U64 = 0xFFFF_FFFF_FFFF_FFFF
SECTORS = Disk().sectors


class Code(enum.IntEnum):
    """enum partition_code."""

    OK = 0
    NO_TABLE = 1
    NO_GPT = 2
    DISK = 3
    GPT_READ = 4
    GPT_SIGNATURE = 5
    GPT_HEADER_SIZE = 6
    GPT_HEADER_CRC = 7
    GPT_PLACE = 8
    GPT_USABLE = 9
    GPT_ENTRY_SIZE = 10
    GPT_ENTRY_COUNT = 11
    GPT_ARRAY_PLACE = 12
    GPT_ARRAY_CRC = 13
    MISSING = 14
    UNALIGNED = 15
    BEYOND = 16
    OVERLAP = 17
    EXTENDED = 18
    AMBIGUOUS = 19
    SHARED = 20


# An entry's index, code, first block, number of blocks.
Found = tuple[int, Code, int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the test program prints."""

    code: Code
    used_mirror: bool
    first: Code
    mirror: Code
    reads: int
    found: tuple[Found, ...]


@pytest.fixture(scope="session", params=COMPILERS)
def partition_test(request: pytest.FixtureRequest, programs: Path) -> str:
    compiler: str = request.param
    output = str(programs / f"partition_test_{compiler}")
    run((*command(compiler), *include_flags(), *SOURCES, "-o", output))
    return output


def parse(program: str, image: str, sector_bytes: int = 512, *unreadable: int) -> Answer:
    command = (program, image, str(sector_bytes), *map(str, unreadable))
    first, *lines = run(command).splitlines()
    code, used_mirror, copy, mirror, reads = map(int, first.split())
    rows = [tuple(map(int, line.split())) for line in lines]
    found = tuple((row[0], Code(row[1]), row[2], row[3]) for row in rows)
    return Answer(Code(code), bool(used_mirror), Code(copy), Code(mirror), reads, found)


def ok(index: int, first_block: int, block_count: int) -> Found:
    return index, Code.OK, first_block, block_count


def bad(index: int, code: Code) -> Found:
    return index, code, 0, 0


MBR_DISKS: dict[str, tuple[bytes, Code, tuple[Found, ...]]] = {
    "one": (mbr_disk(MbrEntry(8, 80)), Code.OK, (ok(0, 1, 10),)),
    "active": (mbr_disk(MbrEntry(8, 80, status=0x80)), Code.OK, (ok(0, 1, 10),)),
    "four": (
        mbr_disk(*(MbrEntry(8 + 800 * i, 800) for i in range(4))),
        Code.OK,
        tuple(ok(i, 1 + 100 * i, 100) for i in range(4)),
    ),
    "unused_ones_between": (
        mbr_disk(MbrEntry(0, 0, 0), MbrEntry(8, 8), MbrEntry(0, 8, 0), MbrEntry(16, 0)),
        Code.OK,
        (ok(1, 1, 1),),
    ),
    "to_the_last_sector": (mbr_disk(MbrEntry(8, SECTORS - 8)), Code.OK, (ok(0, 1, DISK_BLOCKS - 1),)),
    "a_sector_beyond_the_disk": (mbr_disk(MbrEntry(8, SECTORS - 7)), Code.OK, (bad(0, Code.BEYOND),)),
    "starts_beyond_the_disk": (mbr_disk(MbrEntry(SECTORS, 8)), Code.OK, (bad(0, Code.BEYOND),)),
    "all_ones": (mbr_disk(MbrEntry(U32, U32)), Code.OK, (bad(0, Code.BEYOND),)),
    "holds_the_table": (mbr_disk(MbrEntry(0, 80)), Code.OK, (bad(0, Code.BEYOND),)),
    "smaller_than_a_block": (mbr_disk(MbrEntry(8, 7)), Code.OK, (bad(0, Code.BEYOND),)),
    "a_trailing_part_of_a_block": (mbr_disk(MbrEntry(8, 23)), Code.OK, (ok(0, 1, 2),)),
    "unaligned": (mbr_disk(MbrEntry(63, 80)), Code.OK, (bad(0, Code.UNALIGNED),)),
    "unaligned_by_a_sector": (
        mbr_disk(MbrEntry(9, 80), MbrEntry(96, 8)),
        Code.OK,
        (bad(0, Code.UNALIGNED), ok(1, 12, 1)),
    ),
    "overlap_by_a_sector": (mbr_disk(MbrEntry(8, 9), MbrEntry(16, 8)), Code.OK, (ok(0, 1, 1), bad(1, Code.OVERLAP))),
    "overlap_from_below": (mbr_disk(MbrEntry(16, 8), MbrEntry(8, 9)), Code.OK, (ok(0, 2, 1), bad(1, Code.OVERLAP))),
    "overlap_inside": (mbr_disk(MbrEntry(8, 80), MbrEntry(16, 8)), Code.OK, (ok(0, 1, 10), bad(1, Code.OVERLAP))),
    "overlap_around": (mbr_disk(MbrEntry(16, 8), MbrEntry(8, 80)), Code.OK, (ok(0, 2, 1), bad(1, Code.OVERLAP))),
    "overlap_with_an_unusable_one": (
        mbr_disk(MbrEntry(9, 80), MbrEntry(16, 8)),
        Code.OK,
        (bad(0, Code.UNALIGNED), bad(1, Code.OVERLAP)),
    ),
    "touching": (mbr_disk(MbrEntry(8, 8), MbrEntry(16, 8)), Code.OK, (ok(0, 1, 1), ok(1, 2, 1))),
    "no_signature": (mbr_disk(MbrEntry(8, 80), signature=b"\0\0"), Code.NO_TABLE, ()),
    "signature_in_the_wrong_order": (mbr_disk(MbrEntry(8, 80), signature=b"\xaa\x55"), Code.NO_TABLE, ()),
    "a_boot_sector_with_code_there": (mbr_disk(MbrEntry(8, 80), MbrEntry(8, 8, status=0x4D)), Code.NO_TABLE, ()),
    "empty_disk": (bytes(DISK_BLOCKS * BLOCK), Code.NO_TABLE, ()),
    "no_disk": (b"", Code.DISK, ()),
    "a_disk_of_one_block": (mbr_disk(MbrEntry(1, 7), disk=Disk(blocks=1)), Code.OK, (bad(0, Code.UNALIGNED),)),
    **{
        f"extended_of_type_{kind:02x}": (
            mbr_disk(MbrEntry(8, 80), MbrEntry(96, 80, kind), MbrEntry(176, 8)),
            Code.OK,
            (ok(0, 1, 10), bad(1, Code.EXTENDED), ok(2, 22, 1)),
        )
        for kind in (0x05, 0x0F, 0x85)
    },
    "extended_and_unaligned_and_beyond": (mbr_disk(MbrEntry(9, U32, 5)), Code.OK, (bad(0, Code.EXTENDED),)),
    "inside_an_extended_one": (
        mbr_disk(MbrEntry(8, 80, 5), MbrEntry(16, 8)),
        Code.OK,
        (bad(0, Code.EXTENDED), bad(1, Code.OVERLAP)),
    ),
    "protective_but_not_at_the_header": (mbr_disk(MbrEntry(8, 8, 0xEE)), Code.OK, (ok(0, 1, 1),)),
}

RANGES = (Range(40, 119), UNUSED, Range(200, 207))
SOUND = Copy(RANGES)
OTHER = Copy((Range(400, 407),))
FOUND = (ok(0, 5, 10), ok(2, 25, 1))
OTHER_FOUND = (ok(0, 50, 1),)
SMALL = Disk(blocks=8)


def copy(**fields: Any) -> Copy:  # noqa: ANN401  # any of Copy's fields
    """A sound copy but for these fields."""
    return dataclasses.replace(SOUND, **fields)


# Why a copy that is not sound is refused. Found at the start of the disk, with a sound mirror that says otherwise.
REFUSED_COPIES: dict[str, tuple[Copy | None, Code]] = {
    "absent": (None, Code.GPT_SIGNATURE),
    "signature": (copy(signature=b"EFI PARS"), Code.GPT_SIGNATURE),
    "revision_2": (copy(revision=0x00020000), Code.GPT_SIGNATURE),
    "revision_0": (copy(revision=0), Code.GPT_SIGNATURE),
    "header_bytes_91": (copy(header_bytes=91), Code.GPT_HEADER_SIZE),
    "header_bytes_0": (copy(header_bytes=0), Code.GPT_HEADER_SIZE),
    "header_bytes_above_a_sector": (copy(header_bytes=513), Code.GPT_HEADER_SIZE),
    "header_bytes_all_ones_but_one": (copy(header_bytes=0xFFFF), Code.GPT_HEADER_SIZE),
    "header_crc_by_a_bit": (copy(header_crc_xor=1), Code.GPT_HEADER_CRC),
    "header_crc_by_the_highest_bit": (copy(header_crc_xor=0x8000_0000), Code.GPT_HEADER_CRC),
    "my_lba": (copy(my_lba=2), Code.GPT_PLACE),
    "first_usable_after_last": (copy(first_usable=300, last_usable=299), Code.GPT_USABLE),
    "last_usable_beyond_the_disk": (copy(last_usable=SECTORS), Code.GPT_USABLE),
    "last_usable_all_ones": (copy(last_usable=U64), Code.GPT_USABLE),
    "first_usable_is_the_header": (copy(first_usable=1), Code.GPT_USABLE),
    "first_usable_zero": (copy(first_usable=0), Code.GPT_USABLE),
    "the_mirrors_header_is_usable": (copy(last_usable=SECTORS - 1), Code.GPT_USABLE),
    "entry_bytes_64": (copy(entry_bytes=64, ranges=()), Code.GPT_ENTRY_SIZE),
    "entry_bytes_129": (copy(entry_bytes=129), Code.GPT_ENTRY_SIZE),
    "entry_bytes_384": (copy(entry_bytes=384), Code.GPT_ENTRY_SIZE),
    "entry_bytes_8192": (copy(entry_bytes=8192, entry_count=4), Code.GPT_ENTRY_SIZE),
    "entry_bytes_0": (copy(entry_bytes=0, ranges=()), Code.GPT_ENTRY_SIZE),
    "entry_count_0": (copy(entry_count=0, ranges=()), Code.GPT_ENTRY_COUNT),
    "entry_count_1025": (copy(entry_count=1025), Code.GPT_ENTRY_COUNT),
    "entry_count_all_ones": (copy(entry_count=U32, first_usable=40, last_usable=300), Code.GPT_ENTRY_COUNT),
    "array_over_the_header": (copy(entries_lba=1, first_usable=40), Code.GPT_ARRAY_PLACE),
    "array_over_the_mbr": (copy(entries_lba=0, first_usable=40), Code.GPT_ARRAY_PLACE),
    "array_beyond_the_disk": (copy(entries_lba=SECTORS - 31), Code.GPT_ARRAY_PLACE),
    "array_all_ones": (copy(entries_lba=U64), Code.GPT_ARRAY_PLACE),
    "array_wraps_to_the_first_sector": (copy(entries_lba=1 << 55), Code.GPT_ARRAY_PLACE),
    "array_among_the_usable": (copy(first_usable=33, entries_lba=2), Code.GPT_ARRAY_PLACE),
    "array_inside_the_usable": (copy(entries_lba=1000), Code.GPT_ARRAY_PLACE),
    "array_crc": (copy(array_crc_xor=0x10), Code.GPT_ARRAY_CRC),
}

# Copies that are sound, both alike.
GPT_DISKS: dict[str, tuple[Copy, Disk, tuple[Found, ...]]] = {
    "sound": (SOUND, Disk(), FOUND),
    "no_entry_used": (copy(ranges=()), Disk(), ()),
    "header_of_a_whole_sector": (copy(header_bytes=512), Disk(), FOUND),
    "revision_1_2": (copy(revision=0x00010002), Disk(), FOUND),
    "one_entry": (copy(entry_count=1, ranges=RANGES[:1]), Disk(), FOUND[:1]),
    "three_entries_of_a_part_of_a_sector": (copy(entry_count=3), Disk(), FOUND),
    "entries_of_256_bytes": (
        copy(entry_bytes=256, entry_count=64, first_usable=40, ranges=(*RANGES, Range(208, 215))),
        Disk(),
        (*FOUND, ok(3, 26, 1)),
    ),
    "entries_larger_than_a_sector": (
        copy(entry_bytes=1024, entry_count=16, ranges=(*RANGES, Range(208, 215), Range(216, 223), Range(224, 231))),
        Disk(),
        (*FOUND, ok(3, 26, 1), ok(4, 27, 1), ok(5, 28, 1)),
    ),
    "entries_of_a_block": (copy(entry_bytes=4096, entry_count=4), Disk(), FOUND),
    "all_128_entries": (
        copy(ranges=tuple(Range(40 + 8 * i, 47 + 8 * i) for i in range(128))),
        Disk(),
        tuple(ok(i, 5 + i, 1) for i in range(128)),
    ),
    "entries_beyond_128_are_not_kept": (
        copy(entry_count=256, ranges=(*(UNUSED,) * 127, Range(400, 407), Range(408, 415)), first_usable=80),
        Disk(),
        (ok(127, 50, 1),),
    ),
    "first_and_last_usable_sector": (
        copy(ranges=(Range(40, SECTORS - 41), Range(SECTORS - 40, SECTORS - 33)), last_usable=SECTORS - 34),
        Disk(),
        (ok(0, 5, DISK_BLOCKS - 10), bad(1, Code.BEYOND)),
    ),
    "before_the_usable": (copy(ranges=(Range(8, 87),)), Disk(), (bad(0, Code.BEYOND),)),
    "over_the_header": (copy(ranges=(Range(0, 87),)), Disk(), (bad(0, Code.BEYOND),)),
    "last_before_first": (copy(ranges=(Range(48, 47),)), Disk(), (bad(0, Code.BEYOND),)),
    "wraps": (copy(ranges=(Range(40, U64),)), Disk(), (bad(0, Code.BEYOND),)),
    "smaller_than_a_block": (copy(ranges=(Range(40, 46),)), Disk(), (bad(0, Code.BEYOND),)),
    "unaligned": (copy(ranges=(Range(34, 119),)), Disk(), (bad(0, Code.UNALIGNED),)),
    "overlap": (copy(ranges=(Range(40, 48), Range(48, 55))), Disk(), (ok(0, 5, 1), bad(1, Code.OVERLAP))),
    "sectors_of_4096": (copy(ranges=(Range(6, 15), Range(17, 17))), Disk(4096), (ok(0, 6, 10), ok(1, 17, 1))),
    "sectors_of_4096_and_header_of_one": (
        copy(ranges=(Range(6, 15),), header_bytes=4096),
        Disk(4096),
        (ok(0, 6, 10),),
    ),
}


def write(tmp_path: Path, image: bytes) -> str:
    path = tmp_path / "disk"
    path.write_bytes(image)
    return str(path)


@pytest.mark.parametrize("name", MBR_DISKS)
def test_mbr(partition_test: str, tmp_path: Path, name: str) -> None:
    image, code, found = MBR_DISKS[name]
    answer = parse(partition_test, write(tmp_path, image))
    assert answer == Answer(
        code, used_mirror=False, first=Code.OK, mirror=Code.OK, reads=min(len(image), 1), found=found
    )


@pytest.mark.parametrize("name", GPT_DISKS)
def test_gpt(partition_test: str, tmp_path: Path, name: str) -> None:
    copies, disk, found = GPT_DISKS[name]
    answer = parse(partition_test, write(tmp_path, gpt_disk(copies, copies, disk)), disk.sector_bytes)
    assert (answer.code, answer.used_mirror, answer.found) == (Code.OK, False, found)


@pytest.mark.parametrize("name", GPT_DISKS)
def test_mirror_alone_says_the_same(partition_test: str, tmp_path: Path, name: str) -> None:
    copies, disk, found = GPT_DISKS[name]
    answer = parse(partition_test, write(tmp_path, gpt_disk(None, copies, disk)), disk.sector_bytes)
    assert (answer.code, answer.used_mirror, answer.found) == (Code.OK, True, found)
    assert answer.first is Code.GPT_SIGNATURE


@pytest.mark.parametrize("name", REFUSED_COPIES)
def test_the_mirror_stands_in_for_a_first_copy_with(partition_test: str, tmp_path: Path, name: str) -> None:
    first, code = REFUSED_COPIES[name]
    answer = parse(partition_test, write(tmp_path, gpt_disk(first, OTHER)))
    assert (answer.code, answer.used_mirror, answer.first, answer.mirror) == (Code.OK, True, code, Code.OK)
    assert answer.found == OTHER_FOUND


@pytest.mark.parametrize("name", REFUSED_COPIES)
def test_no_table_where_the_first_copy_is_absent_and_the_mirror_has(
    partition_test: str, tmp_path: Path, name: str
) -> None:
    mirror, code = REFUSED_COPIES[name]
    answer = parse(partition_test, write(tmp_path, gpt_disk(None, mirror)))
    assert (answer.code, answer.found, answer.mirror) == (Code.NO_GPT, (), code)


def test_the_mirror_is_where_a_sound_header_says(partition_test: str, tmp_path: Path) -> None:
    image = bytearray(gpt_disk(copy(array_crc_xor=1, other_lba=SECTORS - 9), None))
    inner = Disk(blocks=DISK_BLOCKS - 1)
    image[: inner.blocks * BLOCK] = gpt_disk(copy(array_crc_xor=1, other_lba=SECTORS - 9), OTHER, inner)
    answer = parse(partition_test, write(tmp_path, bytes(image)))
    assert (answer.code, answer.first, answer.found) == (Code.OK, Code.GPT_ARRAY_CRC, OTHER_FOUND)


def test_a_mirror_beyond_the_disk_is_none(partition_test: str, tmp_path: Path) -> None:
    answer = parse(partition_test, write(tmp_path, gpt_disk(copy(array_crc_xor=1, other_lba=U64), SOUND)))
    assert (answer.code, answer.first, answer.mirror) == (Code.NO_GPT, Code.GPT_ARRAY_CRC, Code.OK)


@pytest.mark.parametrize("tail", range(8))
@pytest.mark.parametrize("first", [SOUND, copy(header_crc_xor=1), copy(array_crc_xor=1), None])
def test_the_mirror_is_at_the_end_of_a_disk_of_any_size(
    partition_test: str, tmp_path: Path, tail: int, first: Copy | None
) -> None:
    answer = parse(partition_test, write(tmp_path, gpt_disk(first, OTHER, Disk(tail=tail))))
    assert (answer.code, answer.used_mirror) == (Code.OK, first is not SOUND)
    assert answer.found == (FOUND if first is SOUND else OTHER_FOUND)


@pytest.mark.parametrize("tail", range(8))
def test_no_partition_has_a_part_of_a_block(partition_test: str, tmp_path: Path, tail: int) -> None:
    disk = Disk(tail=tail)
    answer = parse(partition_test, write(tmp_path, mbr_disk(MbrEntry(8, disk.sectors - 8), disk=disk)))
    assert answer.found == (ok(0, 1, DISK_BLOCKS - 1),)


@pytest.mark.parametrize(
    ("block", "code", "first"),
    [(0, Code.DISK, Code.OK), (1, Code.OK, Code.GPT_READ), (4, Code.OK, Code.GPT_READ), (5, Code.OK, Code.OK)],
)
def test_a_block_that_cannot_be_read(partition_test: str, tmp_path: Path, block: int, code: Code, first: Code) -> None:
    answer = parse(partition_test, write(tmp_path, gpt_disk(SOUND, SOUND)), 512, block)
    assert (answer.code, answer.first) == (code, first)
    assert answer.found == (FOUND if code is Code.OK else ())


@pytest.mark.parametrize("sector_bytes", [0, 256, 520, 1024, 2048, 8192])
def test_other_sector_sizes_are_no_disk(partition_test: str, tmp_path: Path, sector_bytes: int) -> None:
    image = write(tmp_path, mbr_disk(MbrEntry(8, 80)))
    assert parse(partition_test, image, sector_bytes).code is Code.DISK


def test_a_disk_too_small_for_its_gpt(partition_test: str, tmp_path: Path) -> None:
    answer = parse(partition_test, write(tmp_path, gpt_disk(copy(first_usable=34, last_usable=40), None, SMALL)))
    assert answer.code is Code.OK
    answer = parse(
        partition_test, write(tmp_path, gpt_disk(copy(first_usable=34, last_usable=40), None, Disk(blocks=4)))
    )
    assert (answer.code, answer.first) == (Code.NO_GPT, Code.GPT_USABLE)


def test_every_code_has_a_text_of_its_own(partition_test: str) -> None:
    texts = run((partition_test, "texts")).splitlines()
    assert len(texts) == len(set(texts)) == len(Code) + 1
    assert texts[-1] == "unknown code"


LONG = "0123456789abcdefghijklmnopqrstuvwxyz"
GUID = "01234567-89ab-cdef-0123-456789abcdef"


def named(index: int, label: str | bytes, unique: str) -> Range:
    name = label if isinstance(label, bytes) else label.encode("utf-16-le")
    return Range(40 + 8 * index, 47 + 8 * index, unique=unique, label=name)


NAMED = (
    named(0, "logs", GUID),
    named(1, "twice", "11111111-2222-3333-4444-555555555555"),
    dataclasses.replace(UNUSED, label="gone".encode("utf-16-le"), unique="22222222-2222-3333-4444-555555555555"),
    named(3, "twice", "33333333-2222-3333-4444-555555555555"),
    named(4, LONG, "44444444-2222-3333-4444-555555555555"),
    named(5, "Größe ☃ 𝄞!", "55555555-2222-3333-4444-555555555555"),
    named(6, b"x\0\0\xd8y\0", "66666666-2222-3333-4444-555555555555"),
    named(7, b"x\0\0\xdcy\0", "66666666-2222-3333-4444-555555555555"),
    named(8, "a\0b", "88888888-2222-3333-4444-555555555555"),
    named(9, b"x\0" * 35 + b"\0\xd8", "99999999-2222-3333-4444-555555555555"),
)
NAMES: dict[str, tuple[str, Code, int]] = {
    "label": ("PARTLABEL=logs", Code.OK, 0),
    "label_in_other_case": ("PARTLABEL=Logs", Code.MISSING, 0),
    "beginning_of_a_label": ("PARTLABEL=log", Code.MISSING, 0),
    "more_than_a_label": ("PARTLABEL=logss", Code.MISSING, 0),
    "no_label": ("PARTLABEL=", Code.MISSING, 0),
    "label_of_two": ("PARTLABEL=twice", Code.AMBIGUOUS, 3),
    "label_of_an_unused_entry": ("PARTLABEL=gone", Code.MISSING, 0),
    "label_as_long_as_it_may_be": (f"PARTLABEL={LONG}", Code.OK, 4),
    "label_longer_than_it_may_be": (f"PARTLABEL={LONG}0", Code.MISSING, 0),
    "label_of_characters_of_each_length": ("PARTLABEL=Größe ☃ 𝄞!", Code.OK, 5),
    "other_last_byte_of_a_character": ("PARTLABEL=Größe ☄ 𝄞!", Code.MISSING, 0),
    "half_of_a_pair_is_no_character": ("PARTLABEL=x", Code.MISSING, 0),
    "label_ends_with_a_zero": ("PARTLABEL=a", Code.OK, 8),
    "uuid": (f"PARTUUID={GUID}", Code.OK, 0),
    "uuid_other_last_digit": (f"PARTUUID={GUID[:-1]}e", Code.MISSING, 0),
    "beginning_of_a_uuid": (f"PARTUUID={GUID[:-1]}", Code.MISSING, 0),
    "uuid_of_two": ("PARTUUID=66666666-2222-3333-4444-555555555555", Code.AMBIGUOUS, 7),
    "uuid_of_an_unused_entry": ("PARTUUID=00000000-0000-0000-0000-000000000000", Code.MISSING, 0),
    "an_mbrs": ("PARTUUID=00000000-01", Code.MISSING, 0),
}
SIGNED = bytes(440) + bytes.fromhex("c4b3a2f1")
MBR_NAMES: dict[str, tuple[str, Code, int]] = {
    "first": ("PARTUUID=f1a2b3c4-01", Code.OK, 0),
    "third": ("PARTUUID=f1a2b3c4-03", Code.OK, 2),
    "unused": ("PARTUUID=f1a2b3c4-02", Code.MISSING, 0),
    "zeroth": ("PARTUUID=f1a2b3c4-00", Code.MISSING, 0),
    "of_another_disk": ("PARTUUID=f1a2b3c5-01", Code.MISSING, 0),
    "no_labels": ("PARTLABEL=logs", Code.MISSING, 0),
    "not_even_empty_ones": ("PARTLABEL=", Code.MISSING, 0),
}


def find(program: str, image: str, name: str) -> tuple[Code, int]:
    code, index = map(int, run((program, image, "512", name)).split())
    return Code(code), index


@pytest.mark.parametrize("name", NAMES)
def test_a_gpts_partition_is_found_by(partition_test: str, tmp_path: Path, name: str) -> None:
    text, code, index = NAMES[name]
    copies = copy(ranges=NAMED)
    assert find(partition_test, write(tmp_path, gpt_disk(copies, copies)), text) == (code, index)


@pytest.mark.parametrize("name", MBR_NAMES)
def test_an_mbrs_partition_is_found_by(partition_test: str, tmp_path: Path, name: str) -> None:
    text, code, index = MBR_NAMES[name]
    image = mbr_disk(MbrEntry(8, 8), MbrEntry(0, 0, 0), MbrEntry(16, 8))
    assert find(partition_test, write(tmp_path, SIGNED + image[len(SIGNED) :]), text) == (code, index)


def test_nothing_is_found_without_a_table(partition_test: str, tmp_path: Path) -> None:
    image = write(tmp_path, bytes(DISK_BLOCKS * BLOCK))
    assert find(partition_test, image, "PARTUUID=00000000-01") == (Code.NO_TABLE, 0)


SCRIPTS = {
    "dos_two": "label: dos\nstart=2048, size=1024, type=83\nstart=4096, size=8192, type=83\n",
    "dos_extended": "label: dos\nstart=2048, size=1024\nstart=4096, size=8192, type=5\nstart=6144, size=512\n",
    "gpt_two": "label: gpt\nstart=2048, size=1024\nstart=4096, size=8000\n",
    "gpt_many": "label: gpt\n" + "size=1MiB\n" * 20,
    "gpt_table_of_4_entries": "label: gpt\ntable-length: 4\nstart=2048, size=64\n",
}


def as_sfdisk_sees(dump: str, disk: str) -> list[Found]:
    """The partitions in `sfdisk --dump`, whose numbers are sectors of 512 bytes."""
    found = []
    for line in dump.splitlines():
        device, is_partition, rest = line.partition(" : ")
        if is_partition:
            fields = dict(field.strip().split("=", 1) for field in rest.split(",") if "=" in field)
            index = int(device.removeprefix(disk)) - 1
            usable = ok(index, int(fields["start"]) // 8, int(fields["size"]) // 8)
            found.append(bad(index, Code.EXTENDED) if fields["type"].strip() == "5" else usable)
    return found


@pytest.mark.skipif(SFDISK is None, reason="sfdisk is not installed (Debian: fdisk)")
@pytest.mark.parametrize("name", SCRIPTS)
def test_sfdisk_and_we_agree(partition_test: str, tmp_path: Path, name: str) -> None:
    sfdisk = SFDISK or "sfdisk"
    disk = str(tmp_path / "disk")
    with open(disk, "wb") as file:
        file.truncate(64 << 20)
    subprocess.run((sfdisk, "--quiet", disk), input=SCRIPTS[name], text=True, check=True, capture_output=True)
    primary = [row for row in as_sfdisk_sees(run((sfdisk, "--dump", disk)), disk) if name[:3] == "gpt" or row[0] < 4]
    answer = parse(partition_test, disk)
    assert (answer.code, answer.used_mirror) == (Code.OK, False)
    assert answer.found
    assert list(answer.found) == primary

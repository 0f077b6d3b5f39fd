"""Disk images, as sfdisk and the virtualiser's own parser see them."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.run.partition_table import ALIGNMENT_BYTES, SECTOR_BYTES, TABLES, DiskError, Partition, place, write_disk
from tests.native.test_partition import SFDISK, SOURCES, Code, find, parse
from tests.native.toolchain import include_flags, run

if TYPE_CHECKING:
    from pathlib import Path

MIB = ALIGNMENT_BYTES
BLOCK_SECTORS = 8
NO_SFDISK = "sfdisk is not installed"

# Wanted partitions as (entry, MiB), in the order of the description; MiB from which each lies, in the order of entries.
LAYOUTS: dict[str, tuple[str, tuple[tuple[int, int], ...], tuple[int, ...]]] = {
    "gpt_two": ("gpt", ((0, 64), (1, 64)), (1, 65)),
    "gpt_gaps_between_entries": ("gpt", ((0, 1), (5, 3), (127, 2)), (1, 2, 5)),
    "gpt_entries_in_another_order": ("gpt", ((3, 4), (1, 8), (2, 16)), (1, 9, 25)),
    "gpt_sixty_one": ("gpt", tuple((i, 1) for i in range(61)), tuple(range(1, 62))),
    "gpt_large": ("gpt", ((0, 1 << 12), (1, 1 << 14)), (1, 1 + (1 << 12))),
    "mbr_one": ("mbr", ((0, 7),), (1,)),
    "mbr_four": ("mbr", ((0, 1), (1, 2), (2, 3), (3, 4)), (1, 2, 4, 7)),
    "mbr_only_the_last": ("mbr", ((3, 5),), (1,)),
}


@pytest.fixture(scope="session")
def parser(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The virtualiser's parser, compiled for this machine."""
    compiler = next(filter(shutil.which, ("gcc", "clang", "cc")), None)
    if compiler is None:
        pytest.skip("no native C compiler is installed")
    program = str(tmp_path_factory.mktemp("parser") / "partition_test")
    run((compiler, "-std=c11", *include_flags(), *SOURCES, "-o", program))
    return program


def wanted(entries: tuple[tuple[int, int], ...]) -> list[Partition]:
    return [Partition(entry, f"client{entry}", mib * MIB) for entry, mib in entries]


def made(folder: Path, layout: str) -> str:
    table, entries, _ = LAYOUTS[layout]
    path = str(folder / "disk.img")
    assert write_disk(path, "test", table, wanted(entries)) == os.path.getsize(path)
    return path


def rows(layout: str) -> list[tuple[int, int, int]]:
    """Entry, first sector, sectors."""
    _, entries, starts = LAYOUTS[layout]
    sectors = MIB // SECTOR_BYTES
    sizes = sorted(entries)
    return [(entry, start * sectors, mib * sectors) for (entry, mib), start in zip(sizes, starts, strict=True)]


@pytest.mark.skipif(SFDISK is None, reason=NO_SFDISK)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sfdisk_sees_the_partitions(layout: str, tmp_path: Path) -> None:
    disk = made(tmp_path, layout)
    table: dict[str, Any] = json.loads(run((str(SFDISK), "--json", disk)))["partitiontable"]
    assert table["label"] == {"gpt": "gpt", "mbr": "dos"}[LAYOUTS[layout][0]]
    seen = [(int(p["node"].removeprefix(disk)) - 1, p["start"], p["size"]) for p in table["partitions"]]
    assert seen == rows(layout)
    if table["label"] == "gpt":
        assert [p["name"] for p in table["partitions"]] == [f"client{entry}" for entry, _, _ in rows(layout)]
        assert len({p["uuid"] for p in table["partitions"]} | {table["id"]}) == len(seen) + 1


@pytest.mark.skipif(SFDISK is None, reason=NO_SFDISK)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sfdisk_finds_no_errors(layout: str, tmp_path: Path) -> None:
    command = (str(SFDISK), "--verify", made(tmp_path, layout))
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
    assert "No errors detected." in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_virtualiser_sees_the_partitions(layout: str, tmp_path: Path, parser: str) -> None:
    answer = parse(parser, made(tmp_path, layout))
    assert (answer.code, answer.used_mirror) == (Code.OK, False)
    assert answer.found == tuple(
        (entry, Code.OK, first // BLOCK_SECTORS, count // BLOCK_SECTORS) for entry, first, count in rows(layout)
    )


def test_the_mirror_is_as_good_as_the_table(tmp_path: Path, parser: str) -> None:
    disk = made(tmp_path, "gpt_gaps_between_entries")
    sound = parse(parser, disk)
    with open(disk, "r+b") as file:
        file.seek(SECTOR_BYTES)
        file.write(bytes(SECTOR_BYTES))
    answer = parse(parser, disk)
    assert (answer.code, answer.used_mirror) == (Code.OK, True)
    assert answer.found == sound.found


NAMES = {
    "gpt": (
        Partition(0, "one", MIB, None, "0fc63daf-8483-4772-8e79-3d69d8477de4"),
        Partition(1, "two", MIB, None, None, "Größe"),
        ("PARTUUID=0fc63daf-8483-4772-8e79-3d69d8477de4", "PARTLABEL=Größe", "PARTLABEL=one"),
    ),
    "mbr": (
        Partition(0, "one", MIB, None, "f1a2b3c4-01"),
        Partition(1, "two", MIB),
        ("PARTUUID=f1a2b3c4-01", "PARTUUID=f1a2b3c4-02", "PARTUUID=f1a2b3c4-01"),
    ),
}


@pytest.mark.parametrize("table", NAMES)
def test_the_virtualiser_finds_partitions_by_their_names(table: str, tmp_path: Path, parser: str) -> None:
    one, two, names = NAMES[table]
    disk = str(tmp_path / "disk.img")
    write_disk(disk, "test", table, [one, two])
    assert [find(parser, disk, name) for name in names] == [(Code.OK, 0), (Code.OK, 1), (Code.OK, 0)]


def test_equal_wishes_make_equal_bytes(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"x" * 1000)
    images = []
    for name in ("one", "two"):
        path = tmp_path / name
        write_disk(str(path), "label", "gpt", [Partition(0, "client", MIB, str(content))])
        images.append(path.read_bytes())
    assert images[0] == images[1]


@pytest.mark.parametrize("table", TABLES)
def test_another_label_makes_other_identifiers(table: str, tmp_path: Path) -> None:
    images = set()
    for label in ("one", "two"):
        path = tmp_path / label
        write_disk(str(path), label, table, [Partition(0, "client", MIB)])
        images.add(path.read_bytes())
    assert len(images) == 2


def test_sizes_are_rounded_up_to_whole_mebibytes() -> None:
    extents = place([Partition(0, "a", 1), Partition(1, "b", MIB + 1), Partition(2, "c", 2 * MIB)])
    assert [extent.sectors * SECTOR_BYTES // MIB for extent in extents] == [1, 2, 2]


def test_content_lies_at_the_start_of_its_partition_and_zero_behind_it(tmp_path: Path) -> None:
    contents = [os.urandom(MIB), os.urandom(70_001)]
    parts = []
    for i, data in enumerate(contents):
        (tmp_path / f"content{i}").write_bytes(data)
        parts.append(Partition(i, f"client{i}", 1, str(tmp_path / f"content{i}")))
    write_disk(str(tmp_path / "disk"), "label", "mbr", parts)
    image = (tmp_path / "disk").read_bytes()
    for i, data in enumerate(contents):
        assert image[(1 + i) * MIB : (2 + i) * MIB] == data.ljust(MIB, b"\0")


def test_what_is_zero_takes_no_room(tmp_path: Path) -> None:
    content = tmp_path / "content"
    with open(content, "wb") as file:
        file.truncate(64 * MIB)
        file.seek(32 * MIB)
        file.write(b"in the middle")
    disk = tmp_path / "disk"
    write_disk(str(disk), "label", "gpt", [Partition(0, "client", 4096 * MIB, str(content))])
    stat = disk.stat()
    assert stat.st_size > 4096 * MIB
    assert stat.st_blocks * 512 < MIB
    with open(disk, "rb") as file:
        file.seek(33 * MIB)
        assert file.read(13) == b"in the middle"


def test_the_protective_entry_of_a_huge_disk_ends_where_its_numbers_do() -> None:
    extents = place([Partition(0, "client", 3 << 40)])
    sectors = extents[-1].last + 1 + TABLES["gpt"].tail
    first, count = struct.unpack_from("<II", TABLES["gpt"].pieces("label", extents, sectors)[0].content, 446 + 8)
    assert (first, count) == (1, 0xFFFF_FFFF)


REFUSED: dict[str, tuple[str, Partition, str]] = {
    "entry_of_a_large_mbr": ("mbr", Partition(4, "client", 1), "partition 4 of `client`: a table of kind mbr has 4"),
    "entry_of_a_large_gpt": ("gpt", Partition(128, "client", 1), "a table of kind gpt has 128 entries"),
    "mbr_above_2_tib": ("mbr", Partition(0, "client", 2 << 40), "more than a table of kind mbr can describe"),
    "content_larger_than_its_partition": ("gpt", Partition(0, "client", 1, "content"), "do not fit into the 1 MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_disk_that_cannot_be_made_leaves_the_old_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content").write_bytes(bytes(MIB + 1))
    (tmp_path / "disk").write_bytes(b"old")
    table, partition, message = REFUSED[name]
    with pytest.raises(DiskError, match=message):
        write_disk("disk", "label", table, [partition])
    assert (tmp_path / "disk").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content", "disk"]

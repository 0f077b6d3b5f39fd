"""QEMU's command line and the partitions of its disk, as description and command line want them."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.run.partition_table import Partition
from sdfgen.run.partitions import partitions
from sdfgen.run.qemu import command
from sdfgen.run.status import RunError, UsageError
from tests.paths import EXAMPLE, GOLDENS, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System
    from tests.conftest import Golden

LINES = GOLDENS / "run"
MIB = 1 << 20


def example(*settings: str, board: str = "qemu_virt_aarch64") -> System:
    return describe(str(EXAMPLE), settings, (board,)).systems[board]


# --disk-size and --fill; sizes of the two clients in MiB.
SIZES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[int, int]]] = {
    "neither": ((), (), (64, 64)),
    "one_size_for_all": (("8MiB",), (), (8, 8)),
    "one_client": (("client2=1 GiB",), (), (64, 1024)),
    "one_client_and_the_others": (("client1=2MiB", "8MiB"), (), (2, 8)),
    "a_small_content": ((), ("client1=small",), (64, 64)),
    "a_large_content": ((), ("client2=large",), (64, 80)),
    "a_size_and_a_content": (("8MiB",), ("client1=small",), (8, 8)),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_of_partitions(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file, mib in (("small", 1), ("large", 80)):
        os.truncate(os.open(file, os.O_CREAT | os.O_WRONLY), mib * MIB)
    sizes, fills, (one, two) = SIZES[name]
    content = dict(text.split("=") for text in fills)
    wanted = [
        Partition(0, "client1", one * MIB, content.get("client1")),
        Partition(1, "client2", two * MIB, content.get("client2")),
    ]
    assert partitions(example(), "gpt", sizes, fills) == {"block": wanted}


NAMED = {
    "by_label": ("gpt", '{partition="PARTLABEL=logs"}', Partition(0, "client1", 64 * MIB, None, None, "logs")),
    "by_guid": (
        "gpt",
        '{partition="PARTUUID=0fc63daf-8483-4772-8e79-3d69d8477de4"}',
        Partition(0, "client1", 64 * MIB, None, "0fc63daf-8483-4772-8e79-3d69d8477de4"),
    ),
    "by_signature": (
        "mbr",
        '{partition="PARTUUID=f1a2b3c4-04"}',
        Partition(3, "client1", 64 * MIB, None, "f1a2b3c4-04"),
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_named_partitions_get_entries_that_nobody_has(name: str) -> None:
    table, disk, wanted = NAMED[name]
    system = example(f"guest.client1.disk=[{disk}]")
    assert partitions(system, table, (), ())["block"] == [Partition(1, "client2", 64 * MIB), wanted]


WRONG_TABLES = {
    "label_in_an_mbr": ("mbr", "PARTLABEL=logs", "partition `logs` of `client1`: a table of kind mbr has no labels"),
    "guid_in_an_mbr": (
        "mbr",
        "PARTUUID=0fc63daf-8483-4772-8e79-3d69d8477de4",
        "partition 0fc63daf-8483-4772-8e79-3d69d8477de4 of `client1`: a table of kind mbr has no such identifiers",
    ),
    "signature_in_a_gpt": (
        "gpt",
        "PARTUUID=f1a2b3c4-01",
        "partition f1a2b3c4-01 of `client1`: a table of kind gpt has no such identifiers",
    ),
    "entry_of_another": ("mbr", "PARTUUID=f1a2b3c4-02", "partition 1 is `client1`'s and `client2`'s"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_names_that_the_table_does_not_have(name: str) -> None:
    table, text, message = WRONG_TABLES[name]
    with pytest.raises(UsageError) as caught:
        partitions(example(f'guest.client1.disk=[{{partition="{text}"}}]'), table, (), ())
    assert str(caught.value) == message


def test_a_disk_has_one_signature() -> None:
    system = example(
        'guest.client1.disk=[{partition="PARTUUID=f1a2b3c4-01"}]',
        'guest.client2.disk=[{partition="PARTUUID=f1a2b3c5-02"}]',
    )
    with pytest.raises(UsageError, match=r"^a disk has one signature, not f1a2b3c4 and f1a2b3c5$"):
        partitions(system, "mbr", (), ())


NONSENSE: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "no_size": (("large",), (), "--disk-size large: 'large' is not a size"),
    "no_bytes": (("0",), (), "'0' is not a size"),
    "no_client": (("client3=1MiB",), (), "there is no client 'client3'"),
    "nearly_a_client": (("clint1=1MiB",), (), "did you mean `client1`"),
    "no_file": ((), ("client1=absent",), "there is no file 'absent'"),
    "no_name": ((), ("absent",), "write CLIENT=FILE"),
    "content_of_no_client": ((), (f"storage={EXAMPLE}",), "there is no client 'storage'"),
}


def test_a_table_too_small_for_a_client() -> None:
    with pytest.raises(UsageError, match="partition 4 of `client1`: a table of kind mbr has 4 entries"):
        partitions(example("guest.client1.disk=[{partition=4}]"), "mbr", (), ())


@pytest.mark.parametrize("name", NONSENSE)
def test_sizes_and_contents_that_make_no_sense(name: str) -> None:
    sizes, fills, message = NONSENSE[name]
    with pytest.raises(UsageError) as caught:
        partitions(example(), "gpt", sizes, fills)
    assert message in str(caught.value)


# Settings, image, disk, more arguments.
COMMANDS: dict[str, tuple[tuple[str, ...], str, str, tuple[str, ...]]] = {
    "example": ((), "build/loader.img", "disk.img", ()),
    "another_slot": (("guest.storage.devices=['uart', 'virtio_mmio3', 'virtio_mmio4']",), "l", "d", ()),
    "several_cores": (("system.config=smp-debug", "system.microkit='2.1.0'"), "l", "d", ()),
    "more_arguments": ((), "l", "d", ("-s", "-S")),
    "commas": ((), "a,b", "c,d", ()),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_of_qemu(name: str, golden: Golden) -> None:
    settings, loader, disk, extra = COMMANDS[name]
    words = command(example(*settings), loader, {"block": disk}, extra)
    golden.check(LINES / f"{name}.txt", "\n".join(words) + "\n")


def test_a_system_without_a_disk_gets_none() -> None:
    (system,) = describe(str(SYSTEMS / "lone_guest.toml"), boards=["qemu_virt_aarch64"]).systems.values()
    assert "-drive" not in command(system, "loader", {})


def test_each_block_subsystem_has_a_disk() -> None:
    (system,) = describe(str(SYSTEMS / "three_disks_two_blocks.toml")).systems.values()
    assert {name: [p.entry for p in found] for name, found in partitions(system, "gpt", (), ()).items()} == {
        "fast": [0],
        "slow": [0, 1],
    }
    words = command(system, "loader", {"slow": "slow.img", "fast": "fast.img"})
    drives = [word for before, word in itertools.pairwise(words) if before == "-drive"]
    assert [drive.split(",")[0] for drive in drives] == ["file=fast.img", "file=slow.img"]
    buses = [word.rpartition(".")[2] for word in words if word.startswith("virtio-blk-device")]
    assert buses == ["23", "31"]


def test_a_board_that_qemu_does_not_have() -> None:
    with pytest.raises(RunError, match=r"QEMU can't run odroidc4: its board file has no \[qemu\] section"):
        command(example(board="odroidc4"), "loader", {"block": "disk"})


def test_a_driver_without_a_slot_for_a_disk() -> None:
    with pytest.raises(RunError, match=r"guest `storage` is given no virtio slot, so QEMU can't show it a disk$"):
        command(example("guest.storage.devices=['uart']"), "loader", {"block": "disk"})

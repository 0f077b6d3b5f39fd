"""Weights and limits of disks, from what is written to the virtualiser's table; who needs the time for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.generate import generated_files
from sdfgen.subsystems.block.model import blocks_of
from sdfgen.subsystems.block.rules import weight_carried
from sdfgen.subsystems.block.spec import BLOCK_BYTES, MAX_IOPS, MAX_WEIGHT, SHARED_BYTES, SHARED_REQUESTS
from sdfgen.units import U64_MAX, parse_rate
from tests.laws import far_ends
from tests.paths import ROOT, SYSTEMS
from tests.shapes import QEMU, Tree, disks, linux, native, resolved, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sdfgen.model.system import System

MIB = 2**20
# What is written of a disk, and what the virtualiser is told: weight, bytes and requests a second.
WRITTEN = [
    ({}, (1, 0, 0)),
    ({"weight": 1}, (1, 0, 0)),
    ({"weight": MAX_WEIGHT}, (16, 0, 0)),
    ({"bandwidth": 4096}, (1, 4096, 0)),
    ({"bandwidth": "4096 B/s"}, (1, 4096, 0)),
    ({"bandwidth": "20 MiB/s"}, (1, 20 * MIB, 0)),
    ({"bandwidth": " 1GiB / s "}, (1, 1024 * MIB, 0)),
    ({"bandwidth": hex(U64_MAX) + "/s"}, (1, U64_MAX, 0)),
    ({"iops": 1}, (1, 0, 1)),
    ({"iops": MAX_IOPS}, (1, 0, 1_000_000)),
    ({"weight": 2, "bandwidth": "1 MiB/s", "iops": 500}, (2, MIB, 500)),
]


# A guest's disk, or a program's, just so that its weight counts, or one unit of it less.
CARRIED = [
    (linux, {"weight": 8}, 0),
    (linux, {"weight": 9}, 1),
    (linux, {"weight": 9, "data_size": 9 * 256 * 1024}, 0),
    (linux, {"weight": 4, "queue_capacity": 64}, 0),
    (linux, {"weight": 4, "queue_capacity": 32}, 1),
    (native, {"weight": 4, "queue_capacity": 32}, 0),
    (native, {"weight": 4, "queue_capacity": 16}, 1),
    (linux, {"weight": 16, "queue_capacity": 2}, 2),
    (linux, {"data_size": 4096, "queue_capacity": 2}, 0),
]


@pytest.mark.parametrize(("make", "keys", "count"), CARRIED)
def test_a_weight_is_carried(tmp_path: Path, make: Callable[..., Tree], keys: Tree, count: int) -> None:
    description = with_timeout(tree(QEMU, [make(0, **keys), linux(1)]), 0)
    assert len(list(weight_carried(resolved(tmp_path, description)))) == count


def test_a_unit_of_weight_is_the_virtualisers() -> None:
    header = ROOT / "templates" / "c" / "include" / "sdfgen" / "block_virt.h"
    defined = dict(re.findall(r"#define BLOCK_VIRT_SHARED_(\w+) (\d+)u", header.read_text(encoding="utf-8")))
    assert defined == {"BLOCKS": str(SHARED_BYTES // BLOCK_BYTES), "REQUESTS": str(SHARED_REQUESTS)}


def with_timeout(what: Tree, timeout: int) -> Tree:
    return what | {"block": what["block"] | {"timeout": timeout}}


def has_time(system: System) -> bool:
    """Whether the virtualiser is told of the guest timer, which then reaches it."""
    (block,) = blocks_of(system)
    reached = "guest_timer" in {other for _, other in far_ends(system, block.virt)}
    assert reached == (block.timer is not None)
    return reached


@pytest.mark.parametrize("client", [linux, native])
@pytest.mark.parametrize(("keys", "told"), WRITTEN)
def test_limits_are_told(tmp_path: Path, client: object, keys: Tree, told: tuple[int, int, int]) -> None:
    make = linux if client is linux else native
    system = resolved(tmp_path, tree(QEMU, [make(0, **keys), linux(1)]))
    disk, other = blocks_of(system)[0].disks
    assert (disk.weight, disk.bandwidth, disk.iops) == told
    assert (other.weight, other.bandwidth, other.iops) == (1, 0, 0)
    table = generated_files(system)["src/block_virt_table.c"].decode()
    weight, bandwidth, iops = told
    assert [table.count(f".weight = {weight},"), table.count(".weight = 1,")] == [1 + (weight == 1), 1 + (weight == 1)]
    assert f".bandwidth = {bandwidth}" in table
    assert f".iops = {iops}," in table


@pytest.mark.parametrize("timeout", [0, 30])
@pytest.mark.parametrize("keys", [{}, {"weight": 16}, {"bandwidth": "1 MiB/s"}, {"iops": 1}])
def test_who_waits_for_a_time_has_a_timer(tmp_path: Path, keys: Tree, timeout: int) -> None:
    system = resolved(tmp_path, with_timeout(tree(QEMU, [linux(0), linux(1, **keys)]), timeout))
    assert has_time(system) == (timeout != 0 or bool(keys.keys() & {"bandwidth", "iops"}))


def test_a_limit_takes_the_room_of_a_disk(tmp_path: Path) -> None:
    """Of 62 channels one is the driver's and one the timer's: tests/faults/SDF014 has one disk more."""
    clients = [linux(i, *disks(6 * i, 6, data_size="64 KiB"), ram="4 MiB") for i in range(10)]
    clients[3]["disk"][4]["iops"] = 7
    most = with_timeout(tree(QEMU, clients, "2.1.0"), 0)
    assert has_time(resolved(tmp_path, most))
    del clients[3]["disk"][4]["iops"]
    one_more = with_timeout(tree(QEMU, [*clients, linux(60)], "2.1.0"), 0)
    assert not has_time(resolved(tmp_path, one_more))


def test_a_system_with_all_of_it_is_good() -> None:
    described = describe(str(SYSTEMS / "limited.toml"))
    assert not described.faults
    (system,) = described.systems.values()
    assert has_time(system)
    (block,) = blocks_of(system)
    found = {disk.label: (disk.weight, disk.bandwidth, disk.iops) for disk in block.disks}
    assert found == {
        "client1_0": (4, 0, 0),
        "client1_logs": (1, 20 * MIB, 500),
        "database_0": (2, 0, MAX_IOPS),
    }


def test_what_is_no_rate() -> None:
    texts = ("", "/", "/s", "4096", "4 KiB", "4 KiB/", "4 KiB/ms", "4 KB/s", "4 KiB/s/s", "-1 KiB/s", "1.5 MiB/s")
    assert [parse_rate(text) for text in texts] == [None] * len(texts)

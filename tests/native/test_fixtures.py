"""The tables that the C is tested with are those that a build of the example makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.emit.c.tables import c_files

from .toolchain import TEMPLATES_C, TWO_CLIENTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

EXAMPLE = os.path.join(os.path.dirname(os.path.dirname(TEMPLATES_C)), "examples", "two-clients", "system.toml")
QEMU, ODROID = "qemu_virt_aarch64", "odroidc4"
# Of two clients alike, one is tested.
TABLES = {
    "blk_virt_table.c": (QEMU, "src/blk_virt_table.c"),
    "client_vmm_table.c": (QEMU, "src/client1_vmm_table.c"),
    "driver_vmm_table.c": (QEMU, "src/blk_driver_vmm_table.c"),
    "guest_timer_table.c": (QEMU, "src/guest_timer_table.c"),
    "guest_timer_by_period_table.c": (ODROID, "src/guest_timer_table.c"),
    "uio_table.c": (QEMU, "src/uio_table.c"),
}


@pytest.mark.parametrize("table", TABLES)
def test_table_is_as_a_build_makes_it(table: str, tmp_path: Path, golden: Golden) -> None:
    board, name = TABLES[table]
    files = c_files(describe(EXAMPLE, boards=[board]).systems[board])
    golden.check(type(tmp_path)(TWO_CLIENTS, table), files[name].decode())


def test_every_table_is_made() -> None:
    assert sorted(os.listdir(TWO_CLIENTS)) == sorted(TABLES)

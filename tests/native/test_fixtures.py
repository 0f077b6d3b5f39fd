"""The tables that the C is tested with are those that a build of the example makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.generate import generated_files
from tests.paths import SYSTEMS

from .toolchain import TEMPLATES_C, TWO_CLIENTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

EXAMPLE = os.path.join(os.path.dirname(os.path.dirname(TEMPLATES_C)), "examples", "two-clients", "system.toml")
QEMU, ODROID = "qemu_virt_aarch64", "odroidc4"
# Of two clients alike, one is tested.
TABLES = {
    "block_virt_table.c": (QEMU, "src/block_virt_table.c"),
    "client_vmm_table.c": (QEMU, "src/client1_vmm_table.c"),
    "driver_vmm_table.c": (QEMU, "src/storage_vmm_table.c"),
    "guest_timer_table.c": (QEMU, "src/guest_timer_table.c"),
    "guest_timer_by_period_table.c": (ODROID, "src/guest_timer_table.c"),
    "block_uio_table.c": (QEMU, "src/block_uio_table.c"),
}
# Of the example with another disk of client1, and with a native client that has the same two.
LOGS = "disk = [{{ partition = {} }}, {{ name = 'logs', partition = {} }}]\n"
NATIVE = '\n[[protection_domain]]\nname = "native"\nprogram_image = "native.elf"\npriority = 60\n' + LOGS.format(2, 3)
MORE = {
    "two_disks_vmm_table.c": ("disk = [{ partition = 0 }]\n", LOGS.format(0, 5), "src/client1_vmm_table.c"),
    "native_block_table.c": ("\n[block]\n", f"{NATIVE}\n[block]\n", "src/native_block_table.c"),
}

# Of the example with settings.
LIMITED = ["block.timeout=0", "guest.client1.disk.0.iops=100", 'guest.client2.disk.0.bandwidth="1 MiB/s"']
SET = {"limited_virt_table.c": ([*LIMITED, "guest.client2.disk.0.weight=3"], "src/block_virt_table.c")}
CONSOLE = "console_vmm_table.c"


def test_table_of_a_console_is_as_a_build_makes_it(tmp_path: Path, golden: Golden) -> None:
    files = generated_files(describe(str(SYSTEMS / "consoles.toml"), boards=[QEMU]).systems[QEMU])
    golden.check(type(tmp_path)(TWO_CLIENTS, CONSOLE), files["src/client1_vmm_table.c"].decode())


@pytest.mark.parametrize("table", TABLES)
def test_table_is_as_a_build_makes_it(table: str, tmp_path: Path, golden: Golden) -> None:
    board, name = TABLES[table]
    files = generated_files(describe(EXAMPLE, boards=[board]).systems[board])
    golden.check(type(tmp_path)(TWO_CLIENTS, table), files[name].decode())


@pytest.mark.parametrize("table", MORE)
def test_table_of_two_disks_is_as_a_build_makes_it(table: str, tmp_path: Path, golden: Golden) -> None:
    before, after, name = MORE[table]
    with open(EXAMPLE, encoding="utf-8") as file:
        text = file.read()
    assert text.count(before) == 1
    (tmp_path / "system.toml").write_text(text.replace(before, after), encoding="utf-8")
    files = generated_files(describe(str(tmp_path / "system.toml"), boards=[QEMU]).systems[QEMU])
    golden.check(type(tmp_path)(TWO_CLIENTS, table), files[name].decode())


@pytest.mark.parametrize("table", SET)
def test_table_of_a_setting_is_as_a_build_makes_it(table: str, tmp_path: Path, golden: Golden) -> None:
    settings, name = SET[table]
    files = generated_files(describe(EXAMPLE, settings, boards=[QEMU]).systems[QEMU])
    golden.check(type(tmp_path)(TWO_CLIENTS, table), files[name].decode())


def test_every_table_is_made() -> None:
    assert sorted(os.listdir(TWO_CLIENTS)) == sorted({*TABLES, *MORE, *SET, CONSOLE})

"""Native clients on cores of their own, small queues kept full: nothing that is waited for is lost."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from sdfgen.build.toolchain import PD_FLAGS, PD_LINKER, SDK, ZIG_FLAGS
from tests.guest.disks import Disk
from tests.guest.guests import client_guest, driver_guest

from .trial import BLOCK, BOARD, DRIVER, LAST_SLOT, QEMU, SMP_CORES, needed, needed_config, sdfgen, write_driver

pytestmark = pytest.mark.sel4

HERE: Final = Path(__file__).parent
TEMPLATES_C: Final = HERE.parents[1] / "templates" / "c"
MICROKIT: Final = "2.3.0"
TIMEOUT_S: Final = 1500
SIZES_MIB: Final = (4, 4)
# What a client is linked from, besides its table.
SOURCES: Final = ("block/block_queue.c", "pd/mem.c", "microkit/pd_say.c")
CAPACITIES: Final = {"load1": 4, "load2": 8}
CLIENT: Final = """
[[protection_domain]]
name = "{name}"
program_image = "{name}.elf"
priority = 20
{cpu}disk = [{{ partition = {partition}, data_size = "64 KiB", queue_capacity = {capacity} }}]
"""
# Of each placement: the driver's guest and its VMM, the virtualiser, the two clients. On the only core they have none.
PLACEMENTS: Final = {"four": (0, 1, 2, 3), "two": (0, 1, 0, 1), "only": ()}


def config_of(cores: tuple[int, ...]) -> str:
    """The kernel of a placement."""
    return "smp-debug" if cores else "debug"


def description(cores: tuple[int, ...]) -> str:
    """The system of a placement."""
    driver, virt = [f"core = {core}\n" for core in cores[:2]] or ["", ""]
    places = [f"cpu = {core}\n" for core in cores[2:]] or ["", ""]
    head = f'microkit = "{MICROKIT}"\nconfig = "{config_of(cores)}"\n[[guest]]\n{driver}'
    clients = [
        CLIENT.format(name=name, cpu=cpu, partition=partition, capacity=capacity)
        for partition, ((name, capacity), cpu) in enumerate(zip(CAPACITIES.items(), places, strict=True))
    ]
    system = DRIVER.format(name="cores", slot=LAST_SLOT, kernel="kernel").replace("[[guest]]\n", head)
    return "".join([system, *clients, BLOCK, f"[block.virtualiser]\n{virt}"])


def link(folder: Path, name: str, table: Path, config: str) -> None:
    """A client with a table."""
    board = os.path.join(os.environ[SDK], "board", BOARD, config)
    flags = f"{ZIG_FLAGS} -target aarch64-freestanding {PD_FLAGS} -isystem {board}/include -I {TEMPLATES_C}/include"
    sources = (HERE / "c" / "load.c", *(TEMPLATES_C / source for source in SOURCES), table)
    objects = []
    for source in sources:
        objects.append(f"{name}_{source.stem}.o")
        compile_one = shlex.split(f"{shlex.quote(sys.executable)} -m ziglang cc {flags}")
        subprocess.run((*compile_one, "-c", str(source), "-o", objects[-1]), cwd=folder, check=True)
    linker = shlex.split(PD_LINKER.replace("$python", shlex.quote(sys.executable)))
    libraries = (f"{board}/lib/libmicrokit.a", "-T", f"{board}/lib/microkit.ld")
    subprocess.run((*linker, *objects, *libraries, "-o", f"{name}.elf"), cwd=folder, check=True)


def empty_table(folder: Path) -> Path:
    """In place of the tables that the first build makes."""
    path = folder / "no_block_table.c"
    path.write_text(
        "#include <sdfgen/block_config.h>\n"
        "const struct block_client_config block_disks[1];\n"
        "const uint32_t block_disks_count = 1;\n"
    )
    return path


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_nothing_is_lost_between_cores(tmp_path: Path, placement: str) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    cores = PLACEMENTS[placement]
    config = config_of(cores)
    needed_config(config, SMP_CORES if cores else 1)
    (tmp_path / "kernel").symlink_to(client.kernel)
    write_driver(driver, tmp_path / "driver")
    (tmp_path / "system.toml").write_text(description(cores))
    disk = Disk(str(tmp_path / "disk"), SIZES_MIB)
    disk.write_mbr()
    nothing = empty_table(tmp_path)
    for name in CAPACITIES:
        link(tmp_path, name, nothing, config)
    done = sdfgen("build", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in CAPACITIES:
        link(tmp_path, name, tmp_path / "build" / BOARD / "src" / f"{name}_block_table.c", config)
    expected = [word for name in CAPACITIES for word in ("--expect", f"{name}: all done")]
    done = sdfgen("run", "--disk", disk.path, "--timeout", str(TIMEOUT_S), *expected, cwd=tmp_path)
    (tmp_path / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "a request failed" not in done.stdout
    assert "other data" not in done.stdout

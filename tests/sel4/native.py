"""Native clients that keep a disk's queue full: linked with an empty table for the first build, then with their own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sdfgen.build.toolchain import LLD, PD_FLAGS, PD_LINKER, SDK, ZIG_FLAGS

from .trial import BOARD, sdfgen

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE: Final = Path(__file__).parent
TEMPLATES_C: Final = HERE.parents[1] / "templates" / "c"
# What a client is linked from, besides its table.
SOURCES: Final = ("block/block_queue.c", "pd/mem.c", "microkit/pd_say.c")
CLIENT: Final = """
[[protection_domain]]
name = "{name}"
program_image = "{name}.elf"
priority = 20
{more}disk = [{{ partition = {partition}, data_size = "64 KiB", queue_capacity = {capacity} }}]
"""


class Load(NamedTuple):
    """What clients do: so many requests each, in a configuration of the SDK."""

    requests: int
    config: str

    def build(self, folder: Path, names: Iterable[str]) -> None:
        """Build the description of a folder, whose clients are these."""
        clients = tuple(names)
        nothing = _empty_table(folder)
        for name in clients:
            self._link(folder, name, nothing)
        done = sdfgen("build", cwd=folder)
        assert done.returncode == 0, done.stderr
        for name in clients:
            self._link(folder, name, folder / "build" / BOARD / "src" / f"{name}_block_table.c")

    def _link(self, folder: Path, name: str, table: Path) -> None:
        board = os.path.join(os.environ[SDK], "board", BOARD, self.config)
        flags = f"{ZIG_FLAGS} -target aarch64-freestanding {PD_FLAGS} -isystem {board}/include -I {TEMPLATES_C}/include"
        compiler = shlex.split(f"{shlex.quote(sys.executable)} -m ziglang cc {flags} -DREQUESTS={self.requests}u")
        objects = []
        for source in (HERE / "c" / "load.c", *(TEMPLATES_C / source for source in SOURCES), table):
            is_own = source == table
            objects.append(f"{name}_{source.stem}.o" if is_own else f"{source.stem}.o")
            if is_own or not (folder / objects[-1]).exists():
                subprocess.run((*compiler, "-c", str(source), "-o", objects[-1]), cwd=folder, check=True)
        linker = shlex.split(PD_LINKER.replace("$python", shlex.quote(sys.executable)))
        libraries = (f"{board}/lib/libmicrokit.a", "-T", f"{board}/lib/microkit.ld")
        subprocess.run((*linker, *objects, *libraries, "-o", f"{name}.elf"), cwd=folder, check=True)


def link_with_types(folder: Path, name: str, sources: Iterable[str], *defines: str) -> None:
    """Link an image of tests/sel4/c and templates/c, with debug information by which structures are filled in."""
    board = os.path.join(os.environ[SDK], "board", BOARD, "debug")
    headers = f"-isystem {board}/include -I {TEMPLATES_C}/include"
    flags = f"{ZIG_FLAGS} -target aarch64-freestanding {PD_FLAGS.replace('-g0', '-g')} {headers}"
    zig = (sys.executable, "-m", "ziglang")
    paths = (HERE / "c" / f"{name}.c", *(TEMPLATES_C / source for source in sources))
    library = (f"{board}/lib/libmicrokit.a", "-T", f"{board}/lib/microkit.ld")
    objects = tuple(f"{path.stem}.o" for path in paths)
    compiled = ((*zig, "cc", *flags.split(), *defines, "-c", str(path)) for path in paths)
    linked = (*zig, LLD, "--build-id=none", *objects, *library, "-o", f"{name}.elf")
    for step in (*compiled, linked):
        subprocess.run(step, cwd=folder, check=True)


def _empty_table(folder: Path) -> Path:
    """In place of the tables that the first build makes."""
    path = folder / "no_block_table.c"
    path.write_text(
        "#include <sdfgen/block_config.h>\n"
        "const struct block_client_config block_disks[1];\n"
        "const uint32_t block_disks_count = 1;\n"
    )
    return path

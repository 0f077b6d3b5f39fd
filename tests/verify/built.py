"""Systems that are built once, and verified in this process: what is compiled is kept by its content."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sdfgen.commands.verify import surroundings
from sdfgen.describe import describe
from sdfgen.emit.devicetree.tree import ROOT, Cells, Node, Property, blob, cells64, flag, numbers, strings
from sdfgen.guest_files.initrd import empty
from sdfgen.verify import compiled
from sdfgen.verify.board import verify_board
from tests.paths import EXAMPLE

if TYPE_CHECKING:
    from sdfgen.faults.fault import Fault
    from sdfgen.verify.board import Surroundings, Verified
    from sdfgen.verify.compiled import CompileError

QEMU, ODROID = BOARDS = ("qemu_virt_aarch64", "odroidc4")
KERNEL = bytes(56) + b"ARMd" + bytes(4)
# What the example has not: cores, a prefilled page, a tree of the author's, files of guests, a native client.
FULL = f"""
[system]
name = "full"
boards = ["{QEMU}"]
microkit = "2.3.0"
config = "smp-debug"
[[guest]]
name = "storage"
ram = "64 MiB"
devices = ["virtio_mmio31"]
kernel = "Image"
initrd = "disk.cpio"
dtb = "own.dtb"
[[guest]]
name = "client"
ram = "64 MiB"
cpus = 2
disk = [{{ partition = 0 }}, {{ name = "logs", partition = 1, read_only = true }}]
[block]
driver = "storage"
storage = "/dev/vda"
phys_addr_page = "prefilled"
"""
MORE = """
[[protection_domain]]
name = "database"
program_image = "database.elf"
priority = 60
disk = [{ partition = 2, data_size = "64 KiB", queue_capacity = 16 }]
"""
OWN_TREE = Node(
    ROOT,
    (
        strings("model", "a machine"),
        numbers("#address-cells", 2),
        numbers("#size-cells", 2),
        Property("interrupt-parent", (Cells(("gic",)),)),
    ),
    (
        Node("chosen", (strings("stdout-path", "/pl011@9000000"), strings("rng", "kept"))),
        Node("memory@40000000", (strings("device_type", "memory"), Property("reg", (cells64(0x4000_0000, 0x1000),)))),
        Node("psci", (strings("compatible", "arm,psci-0.2"), strings("method", "smc"))),
        Node(
            "intc@8000000",
            (
                strings("compatible", "arm,cortex-a15-gic"),
                flag("interrupt-controller"),
                numbers("#interrupt-cells", 3),
                Property("reg", (cells64(0x800_0000, 0x1_0000), cells64(0x801_0000, 0x1_0000))),
            ),
            label="gic",
        ),
        Node("clock", (strings("compatible", "fixed-clock"),), label="clock"),
        Node(
            "virtio_mmio@a003e00",
            (strings("compatible", "virtio,mmio"), Property("reg", (cells64(0xA00_3E00, 0x200),))),
        ),
    ),
)


class Project(NamedTuple):
    """A folder with a description and what was built of it."""

    folder: Path

    def board(self, board: str) -> Path:
        return self.folder / "build" / board

    def copied(self, folder: Path) -> Project:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, symlinks=True)
        return Project(folder)


def example(folder: Path) -> Project:
    shutil.copy(EXAMPLE, folder / "system.toml")
    return _built(folder)


def full(folder: Path) -> Project:
    (folder / "system.toml").write_text("include = ['more.toml']\n" + FULL)
    (folder / "more.toml").write_text(MORE)
    (folder / "Image").write_bytes(KERNEL)
    (folder / "disk.cpio").write_bytes(empty())
    (folder / "own.dtb").write_bytes(blob(OWN_TREE))
    return _built(folder)


def _built(folder: Path) -> Project:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", "build", "-q", "system.toml"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Project(folder)


def verified(board: str, around: Surroundings | None = None) -> Verified:
    """Verify the system.toml of the current folder; a description with errors has nothing to verify."""
    description = describe("system.toml", (), (board,))
    assert not description.faults.errors
    return verify_board(description, board, os.path.join("build", board), around or surroundings(description, board))


def faults(board: str) -> list[Fault]:
    found = verified(board).faults
    return sorted(found, key=lambda fault: (fault.where.source.name, fault.place, fault.message))


_OBJECTS: dict[tuple[str, bytes], bytes | CompileError] = {}
_compile = compiled.objects


def kept_objects(command: tuple[str, ...], paths: list[str]) -> dict[str, bytes | CompileError]:
    """What `compiled.objects` returns, for the same content only once: a compiler is slow."""
    keys = {path: (shlex.join(command).split("-I")[0], Path(path).read_bytes()) for path in paths}
    missing = [path for path in paths if keys[path] not in _OBJECTS]
    if missing:
        _OBJECTS.update({keys[path]: result for path, result in _compile(command, missing).items()})
    return {path: _OBJECTS[keys[path]] for path in paths}


_MACROS: dict[bytes, dict[str, str] | CompileError] = {}
_include = compiled.macros


def kept_macros(command: tuple[str, ...], header: str) -> dict[str, str]:
    """What `compiled.macros` returns, for the same content only once."""
    content = Path(header).read_bytes()
    if content not in _MACROS:
        try:
            _MACROS[content] = _include(command, header)
        except compiled.CompileError as error:
            _MACROS[content] = error
    found = _MACROS[content]
    if isinstance(found, compiled.CompileError):
        raise found
    return found


def replace(path: Path, content: bytes) -> None:
    """Write a file anew: the working folder of the build has it by another name."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)

"""Makes what the benchmarks work on: descriptions, an ELF with a blob inside, the peer's environment."""

from __future__ import annotations

import os
import random
import shutil
import sys
from typing import Final

import fdt

from benchmarks.measure import ROOT, BenchmarkError, place, program, run

PEER_VERSION: Final = "0.35.1"
PEER_SOURCES: Final = os.path.join("benchmarks", "peer")
PEER_CLASSES: Final = ("blk/mmc", "gpio", "gpu", "i2c", "timer")
"""Folders of sDDF that the peer looks into; where one is missing it says so, which takes time."""

PEER_OUTCOME: Final = {"<protection_domain ": 10, "<memory_region ": 37, "<channel>": 11, ".data": 16}
"""What libvmm's virtio_mmio example makes for QEMU; this repository's metaprogram has to make as much."""

BLOB_BYTES: Final = 32 << 20
PATCHED_SECTION: Final = ".patched"

_HEAD: Final = """\
[system]
name = "many"
boards = ["qemu_virt_aarch64", "odroidc4"]
microkit = "2.1.0"

[[guest]]
name = "storage"
devices = ["virtio_mmio31"]

[block]
driver = "storage"
storage = "/dev/vda"

[board.odroidc4.guest.storage]
ram = "96 MiB"
devices = ["sd", "bus1", "bus2_low", "bus2_high", "bus3"]

[board.odroidc4.block]
storage = "/dev/mmcblk0"
"""

_CLIENTS: Final = {
    "linux": """
[[guest]]
name = "client{index}"
ram = "16 MiB"
disk = [{{ partition = {index} }}]
""",
    "native": """
[[protection_domain]]
name = "client{index}"
program_image = "client{index}.elf"
priority = 60
stack_size = 0x5000
disk = [{{ partition = {index} }}]
""",
}

_BLOB_SOURCE: Final = """\
__attribute__((used, section("{section}"))) volatile unsigned long long io_base = 1;
__asm__(".section .rodata.blob, \\"a\\"\\nblob: .incbin \\"{blob}\\"\\n.text\\n");
extern const volatile unsigned char blob[];
void _start(void) {{ while (io_base) {{ (void)blob[io_base]; }} }}
"""


def compile_bytecode() -> None:
    """Compile our packages as `make` does; the peer's installer has done the same for the peer."""
    run(sys.executable, "-m", "compileall", "-q", "sdfgen", "patcher")


def description(kind: str, clients: int) -> str:
    """Write a description for two boards and return its path.

    Args:
        kind: `linux` (each with 16 MiB of RAM) or `native`.
        clients: Their number.
    """
    text = _HEAD + "".join(_CLIENTS[kind].format(index=index) for index in range(clients))
    return written(place("inputs", f"{kind}{clients}.toml"), text.encode())


def written(path: str, content: bytes) -> str:
    """Write a file and return its path.

    Args:
        path: Where, in the project's folder.
        content: What.
    """
    real = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(real), exist_ok=True)
    with open(real, "wb") as file:
        file.write(content)
    return path


def elf_with_blob() -> str:
    """Link an ELF for AArch64 with one variable and a large blob, and return its path.

    Raises:
        BenchmarkError: The blob is not in it.
    """
    elf = place("inputs", "blob.elf")
    real = os.path.join(ROOT, elf)
    if not os.path.exists(real):
        _link(elf)
    if os.path.getsize(real) < BLOB_BYTES:
        raise BenchmarkError(f"{elf} is smaller than the blob that should be in it")
    return elf


def _link(elf: str) -> None:
    blob = place("inputs", "blob.bin")
    write_noise(os.path.join(ROOT, blob), BLOB_BYTES)
    text = _BLOB_SOURCE.format(section=PATCHED_SECTION, blob=blob)
    link_bare(elf, written(place("inputs", "blob.c"), text.encode()))


def link_bare(elf: str, source: str) -> None:
    """Link a program for AArch64 that needs no operating system.

    Args:
        elf: Its path.
        source: The C file.
    """
    target = ("-target", "aarch64-freestanding-none", "-nostdlib", "-static", "-O1")
    run(sys.executable, "-m", "ziglang", "cc", *target, "-o", elf, source)


def write_noise(path: str, size_bytes: int) -> None:
    """Write bytes that look like a compressed RAM disk, the same ones every time.

    Args:
        path: The file.
        size_bytes: How many, whole MiB.
    """
    noise = random.Random(0)  # noqa: S311 - not a secret
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.writelines(noise.randbytes(1 << 20) for _ in range(size_bytes >> 20))


def new_value(number: int) -> str:
    """Write the file that replaces the ELF's section, and return its path.

    Args:
        number: The value of the section's only variable.
    """
    return written(place("inputs", "value.bin"), number.to_bytes(8, "little"))


def gnu_objcopy() -> str | None:
    """Return the path of a GNU objcopy that knows AArch64, or None."""
    for name in ("aarch64-linux-gnu-objcopy", "objcopy"):
        path = shutil.which(name)
        if path and "GNU" in run(path, "--version") and "elf64-littleaarch64" in run(path, "--info"):
            return path
    return None


def peer_python() -> str:
    """Return the interpreter of the peer's environment, which is made when it is missing.

    Raises:
        BenchmarkError: It cannot be made, for example without a network.
    """
    folder = place("peer-venv")
    python = os.path.join(folder, "bin", "python")
    marker = os.path.join(ROOT, folder, f"installed-{PEER_VERSION}")
    if not os.path.exists(marker):
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"sdfgen=={PEER_VERSION}")
        with open(marker, "wb"):
            pass
    return python


def peer_arguments() -> tuple[str, ...]:
    """Make the peer's input files and return the metaprogram with its arguments, except for the output folder."""
    drivers = place("peer", "sddf", "drivers")
    shutil.copytree(os.path.join(ROOT, PEER_SOURCES, "drivers"), os.path.join(ROOT, drivers), dirs_exist_ok=True)
    for name in PEER_CLASSES:
        os.makedirs(os.path.join(ROOT, drivers, name), exist_ok=True)
    script = os.path.join(PEER_SOURCES, "virtio_mmio.py")
    trees = ("--dtb", _blob("board"), "--guest-dtb", _blob("guest"))
    return script, "--board", "qemu_virt_aarch64", "--sddf", os.path.dirname(drivers), *trees


def _blob(name: str) -> str:
    with open(os.path.join(ROOT, PEER_SOURCES, f"{name}.dts"), encoding="utf-8") as file:
        return written(place("peer", f"{name}.dtb"), fdt.parse_dts(file.read()).to_dtb(version=17))


def check_own_outcome(folder: str) -> None:
    """Check that ours made a system file and device trees for both boards.

    Args:
        folder: Its output folder.

    Raises:
        BenchmarkError: It made something else.
    """
    for board in ("qemu_virt_aarch64", "odroidc4"):
        names = {name for _, _, found in os.walk(os.path.join(ROOT, folder, board)) for name in found}
        if not {"two-clients.system", "client1.dtb", "client2.dtb", "manifest.json"} <= names:
            raise BenchmarkError(f"ours made {sorted(names)} for {board}")


def check_peer_outcome(folder: str) -> None:
    """Check that the peer's metaprogram made a whole system.

    Args:
        folder: Its output folder.

    Raises:
        BenchmarkError: It made something else.
    """
    names = os.listdir(os.path.join(ROOT, folder))
    with open(os.path.join(ROOT, folder, "virtio_mmio.system"), encoding="utf-8") as file:
        text = file.read()
    counts = {what: text.count(what) for what in PEER_OUTCOME}
    counts[".data"] = sum(name.endswith(".data") for name in names)
    if counts != PEER_OUTCOME:
        raise BenchmarkError(f"the peer's metaprogram made {counts}, not {PEER_OUTCOME}")


def check_patched(elf: str, number: int) -> None:
    """Check that the variable of an ELF has a value.

    Args:
        elf: The ELF's path.
        number: The value.
    """
    run(program("python"), "-m", "patcher", "--verify-only", elf, f"io_base={number}")

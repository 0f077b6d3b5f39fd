"""A new SDK makes anew what has to do with it: every compile that reads its headers, every link of a domain."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.build.graph import build_file
from sdfgen.build.plan import plan
from sdfgen.build.toolchain import find_toolchain
from sdfgen.describe import describe
from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BOARD: Final = "qemu_virt_aarch64"
STAMP: Final = "obj/sdk.json"
DESCRIPTION: Final = f"""\
[system]
name = "stamped"
boards = ["{BOARD}"]
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
kernel = "kernel"
[[guest]]
name = "one"
kernel = "kernel"
disk = [{{ partition = 0 }}]
[block]
driver = "storage"
storage = "/dev/vda"
"""
BOTH: Final = ("MICROKIT_SDK", "LIBVMM")
# What is linked with the SDK, and whether that takes libvmm too.
LINKED: Final = {"block_virt": False, "guest_timer": False, "one_vmm": True, "storage_vmm": True}
STATEMENT: Final = re.compile(r"build (?P<output>[^: ]+)[^:]*: (?P<rule>\w+) ?(?P<inputs>[^|\n]*)(?:\| (?P<more>.*))?")
INCLUDE: Final = re.compile(r'^#include ["<](microkit\.h|libvmm/.+)[">]$', re.MULTILINE)
TEMPLATES: Final = ROOT / "templates"


def described(folder: Path) -> Path:
    kernel = bytearray(4096)
    kernel[56:60] = b"ARMd"
    (folder / "kernel").write_bytes(kernel)
    path = folder / "system.toml"
    path.write_text(DESCRIPTION)
    return path


@pytest.mark.parametrize("there", [(), BOTH[:1], BOTH], ids=["neither", "SDK", "both"])
def test_what_has_to_do_with_the_sdk_has_its_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    for name in BOTH:
        monkeypatch.delenv(name, raising=False)
    for name in there:
        monkeypatch.setenv(name, str(tmp_path))
    system = describe(str(described(tmp_path))).systems[BOARD]
    toolchain = find_toolchain(None, system)
    text = build_file(system, toolchain, plan(system, toolchain), "..", lambda _path: "")
    graph = [match for match in map(STATEMENT.fullmatch, text.splitlines()) if match]
    compiled = {m["output"] for m in graph if m["rule"] == "cc_pd" and reads_the_sdk(TEMPLATES / m["inputs"].strip())}
    linked = {m["output"] for m in graph if m["rule"] == "link_pd"}
    stamped = {m["output"] for m in graph if STAMP in (m["more"] or "").split()}
    assert linked == {f"obj/{name}.elf" for name, vmm in LINKED.items() if {*BOTH[: 1 + vmm]} <= {*there}}
    assert bool(compiled) == bool(there)
    assert stamped >= {*compiled, *linked, *(["loader.img"] if there == BOTH else [])}
    assert bool(stamped) == bool(there)


def test_no_output_is_made_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's program is patched, goes into a RAM disk, that into a VMM, and that is patched too."""
    for name in BOTH:
        monkeypatch.setenv(name, str(tmp_path))
    system = describe(str(described(tmp_path))).systems[BOARD]
    toolchain = find_toolchain(None, system)
    text = build_file(system, toolchain, plan(system, toolchain), "..", lambda _path: "")
    made_of: dict[str, set[str]] = {}
    for outputs, inputs in re.findall(r"^build ([^:\n]+): \w+ ?(.*)$", text, re.MULTILINE):
        for output in outputs.replace("|", " ").split():
            made_of[output] = set(inputs.replace("|", " ").split())

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " <- ".join((*way, name))
        for source in made_of.get(name, ()):
            walk(source, (*way, name))

    walk("loader.img", ())
    assert {"elf/block_uio_driver.elf", "elf/storage_vmm.elf", "guest/storage.initrd"} <= made_of.keys()


def reads_the_sdk(source: Path) -> bool:
    """Whether C of the tool's, by its path as in the graph, names a header of the SDK's or libvmm's."""
    return source.is_file() and INCLUDE.search(source.read_text()) is not None


# The least that domains can be linked with.
LIBRARY: Final = """\
#include <microkit.h>
#include "version.h"
void seL4_Yield(void) { }
char microkit_name[MICROKIT_PD_NAME_LENGTH] = VERSION;
void microkit_dbg_puts(const char *text) { (void)text; }
void microkit_notify(microkit_channel channel) { (void)channel; }
void microkit_irq_ack(microkit_channel channel) { (void)channel; }
void _start(void);
void _start(void) { init(); notified(0); }
"""
SCRIPT: Final = "ENTRY(_start)\nSECTIONS {{ . = {base:#x}; .all : {{ *(.text* .rodata* .data* .bss* COMMON) }} }}\n"
ZIG: Final = (sys.executable, "-m", "ziglang")


def put_library(folder: Path, version: str) -> None:
    (folder / "version.h").write_text(f'#define VERSION "{version}"\n')
    (folder / "library.c").write_text(LIBRARY)
    compiler = (*ZIG, "cc", "-target", "aarch64-freestanding", "-ffreestanding", "-g0", "-Iinclude", "-c")
    subprocess.run((*compiler, "library.c", "-o", "library.o"), cwd=folder, check=True)
    (folder / "lib" / "libmicrokit.a").unlink(missing_ok=True)
    subprocess.run((*ZIG, "ar", "rcsD", "lib/libmicrokit.a", "library.o"), cwd=folder, check=True)


def put_script(folder: Path, base: int) -> None:
    (folder / "lib" / "microkit.ld").write_text(SCRIPT.format(base=base))


def put_header(folder: Path, more: str) -> None:
    shutil.copy(ROOT / "tests" / "native" / "libvmm" / "include" / "microkit.h", folder / "include" / "microkit.h")
    with (folder / "include" / "microkit.h").open("a") as file:
        file.write(more)


def put_sdk(folder: Path) -> Path:
    """A Microkit SDK as far as a build without libvmm looks into it; the folder of its board."""
    board = folder / "board" / BOARD / "debug"
    for name in (board / "lib", board / "include", folder / "bin"):
        name.mkdir(parents=True)
    (folder / "VERSION").write_text("2.3.0\n")
    tool = folder / "bin" / "microkit"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    put_header(board, "")
    put_script(board, 0x20_0000)
    put_library(board, "old")
    return board


def build(folder: Path) -> dict[str, bytes]:
    """The domains' programs that a build links."""
    environment = {name: value for name, value in os.environ.items() if name not in BOTH}
    environment["MICROKIT_SDK"] = str(folder / "an SDK")
    command = [sys.executable, "-m", "sdfgen", "build", "system.toml"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    elves = (folder / "build" / BOARD / "elf").iterdir()
    return {path.stem: path.read_bytes() for path in elves if path.stem in LINKED}


def test_what_is_new_in_the_sdk_is_in_the_next_programs(tmp_path: Path) -> None:
    board = put_sdk(tmp_path / "an SDK")
    described(tmp_path)
    made = [build(tmp_path)]
    put_library(board, "new library")
    made.append(build(tmp_path))
    put_script(board, 0x40_0000)
    made.append(build(tmp_path))
    put_header(board, 'static const char newer[] __attribute__((used)) = "new header";\n')
    made.append(build(tmp_path))
    for name in ("block_virt", "guest_timer"):
        elves = [one[name] for one in made]
        entries = [int.from_bytes(elf[24:32], "little") & ~0xF_FFFF for elf in elves]
        assert [b"new library" in elf for elf in elves] == [False, True, True, True]
        assert entries == [0x20_0000, 0x20_0000, 0x40_0000, 0x40_0000]
        assert [b"new header" in elf for elf in elves] == [False, False, False, True]

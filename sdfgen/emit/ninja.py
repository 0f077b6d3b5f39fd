"""The build graph: C to objects, objects to ELFs, ELFs to patched ELFs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.resolve import UIO_DRIVER_ELF
from sdfgen.toolchain import LINUX_FLAGS, PD_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model import Block, Patch, System
    from sdfgen.toolchain import Toolchain

UIO_SOURCES = ("c/uio/uio_blk_driver.c", "c/uio/libuio.c", "c/common/phys_addr.c", "src/uio_table.c")
PATCHED_FOLDER = "elf"
RECORD_SUFFIX = ".patches.json"

_HEAD = """\
# Made by sdfgen: changes are lost at the next build.
# Runs in this folder: ninja
ninja_required_version = 1.10
builddir = obj
root = $${{PWD}}
python = $${{SDFGEN_PYTHON:-python3}}
cc_linux = {cc_linux}
cc_pd = {cc_pd}
flags_linux = {linux_flags} -Ic/include -Ic/uio -Iinclude
flags_pd = {pd_flags} -Ic/include -Iinclude{microkit}
flags_link = {link_flags}

rule cc_linux
  command = $cc_linux $flags_linux -MMD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = compile $in

rule cc_pd
  command = $cc_pd $flags_pd -MMD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = compile $in for a protection domain

rule link
  command = $cc_linux $flags_linux $flags_link $in -o $out
  description = link $out

rule copy
  command = cp $in $out
  description = copy $out

rule patch
  command = $python -m patcher $in -o $out --format json $values > $record
  description = patch $out

"""


def build_file(system: System, toolchain: Toolchain, up: str) -> str:
    """Return the text of `build.ninja`.

    Args:
        system: The system.
        toolchain: What compiles.
        up: Path from the board's folder to the description's.
    """
    lines = [_head(system, toolchain)]
    if system.block is not None:
        lines += _driver(system)
        lines += _pd_objects(system.block, with_sdk=toolchain.microkit_sdk is not None)
    lines += _foreign_patches(system, up)
    return "".join(lines)


def _head(system: System, toolchain: Toolchain) -> str:
    include = f"$${{MICROKIT_SDK}}/board/{system.board.name}/{system.config}/include"
    return _HEAD.format(
        cc_linux=toolchain.cc_linux,
        cc_pd=toolchain.cc_pd,
        linux_flags=LINUX_FLAGS,
        pd_flags=PD_FLAGS,
        link_flags=toolchain.link_flags,
        microkit=f" -isystem {include}" if toolchain.microkit_sdk else "",
    )


def _object(folder: str, source: str) -> str:
    return f"obj/{folder}/{source.rsplit('/', 1)[-1].removesuffix('.c')}.o"


def _driver(system: System) -> Iterator[str]:
    objects = [_object("linux", source) for source in UIO_SOURCES]
    for source, target in zip(UIO_SOURCES, objects, strict=True):
        yield f"build {target}: cc_linux {source}\n"
    linked = f"obj/{UIO_DRIVER_ELF}"
    yield f"build {linked}: link {' '.join(objects)}\n"
    yield from _patch(linked, UIO_DRIVER_ELF, known_patches(system, UIO_DRIVER_ELF))


def known_patches(system: System, elf: str) -> list[Patch]:
    """Return the patches of one ELF whose values are known."""
    return [patch for patch in system.patches if patch.elf == elf and patch.value is not None]


def _patch(source: str, name: str, patches: Iterable[Patch]) -> Iterator[str]:
    values = " ".join(f"{patch.symbol}={patch.value:#x}:{patch.size_bytes}" for patch in patches)
    target = f"{PATCHED_FOLDER}/{name}"
    if not values:
        yield f"build {target}: copy {source}\n\n"
        return
    record = f"obj/{name}{RECORD_SUFFIX}"
    yield f"build {target} | {record}: patch {source}\n  values = {values}\n  record = {record}\n\n"


def _pd_objects(block: Block, *, with_sdk: bool) -> Iterator[str]:
    tables = [block.driver.guest.vmm, block.virt, *(client.pd for client in block.clients)]
    plain = ("c/common/phys_addr.c", *(("c/pd/microkit_limits.c",) if with_sdk else ()))
    for source in (*plain, *(f"src/{pd}_table.c" for pd in tables)):
        yield f"build {_object('pd', source)}: cc_pd {source}\n"
    yield "\n"


def _foreign_patches(system: System, up: str) -> Iterator[str]:
    """Patch the ELFs that lie beside the description."""
    for name in sorted({patch.elf for patch in system.patches if patch.elf in system.images}):
        yield from _patch(_escaped(f"{up}/{system.images[name]}"), name, known_patches(system, name))


def _escaped(path: str) -> str:
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")

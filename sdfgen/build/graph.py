"""The build graph: C to objects, objects to ELFs, ELFs to patched ELFs, and those to an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen.build.graph_image import (
    IMAGE_RULES,
    LIBPD,
    PATCHED_FOLDER,
    SDK_STAMP,
    beside,
    driver_files,
    image,
    links,
)
from sdfgen.resolve.system import UIO_DRIVER_ELF
from sdfgen.build.toolchain import LINUX_FLAGS, PD_FLAGS, PD_LINKER, board_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model.system import Patch, System
    from sdfgen.subsystems.block.model import Block
    from sdfgen.build.plan import Plan
    from sdfgen.build.toolchain import Toolchain

LINUX_SOURCES: Final = ("c/uio/", "c/common/phys_addr.c", "c/blk/blk_queue.c", "src/uio_table.c")
"""What the UIO driver is made of: files, and folders with all in them."""
PD_SOURCES: Final = ("c/common/", "c/blk/", "c/virtio/", "c/pd/")
"""What protection domains are made of and needs nothing of the user's."""
SDK_SOURCES: Final = ("c/microkit/",)
"""What needs the headers of the Microkit SDK."""
VMM_SOURCES: Final = ("c/vmm/",)
"""What needs libvmm's headers as well."""
VIRT_SOURCES: Final = ("c/pd/cache_aarch64.c",)
"""What only the virtualiser is linked with: libvmm has cache operations of its own."""
RECORD_SUFFIX = ".patches.json"

_HEAD = """\
# Made by sdfgen: changes are lost at the next build.
# Runs in this folder: `ninja` makes objects and ELFs, `ninja image` the bootable image
# (MICROKIT_SDK and LIBVMM in the environment).
ninja_required_version = 1.10
builddir = obj
root = $${{PWD}}
python = $${{SDFGEN_PYTHON:-python3}}
cc_linux = {cc_linux}
cc_pd = {cc_pd}
flags_linux = {linux_flags} -Ic/include -Ic/uio -Iinclude
flags_pd = {pd_flags} -Ic/include -Iinclude{foreign}
flags_link = {link_flags}
ar = {ar}
ld_pd = {ld_pd}
libraries_pd = {pd_libraries}

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
  restat = 1

"""


def build_file(system: System, toolchain: Toolchain, plan: Plan, up: str, sources: Iterable[str]) -> str:
    """Return the text of `build.ninja`.

    Args:
        system: The system.
        toolchain: What compiles.
        plan: What of an image can be made.
        up: Path from the board's folder to the description's.
        sources: The C files in the board's folder, generated ones too.
    """
    lines = [_head(system, toolchain)]
    if system.block is not None:
        c_files = sorted(name for name in sources if name.endswith(".c"))
        lines += _driver(system, c_files)
        lines += _pd_objects(system.block, toolchain, c_files)
        lines += driver_files(system, plan, up)
        for linked, made in links(system, plan, up, c_files):
            lines += [made, *_patch(f"obj/{linked.image}", linked.image, known_patches(system, linked.image))]
    lines += _foreign_patches(system, up)
    lines.append("build elves: phony " + " ".join(f"{PATCHED_FOLDER}/{name}" for name in made_elves(system, plan)))
    lines.append(f"\ndefault elves {LIBPD}\n" if system.block else "\ndefault elves\n")
    if plan.packed:
        lines.append(image(system, plan, up))
    return "".join(lines)


def made_elves(system: System, plan: Plan) -> list[str]:
    """Return the names of the ELFs that a build makes."""
    driver = [UIO_DRIVER_ELF] if system.block else []
    patched = {patch.elf for patch in system.patches if patch.elf in system.images}
    return [*driver, *sorted({*patched, *(linked.image for linked in plan.linked)})]


def _head(system: System, toolchain: Toolchain) -> str:
    foreign = ""
    if toolchain.microkit_sdk:
        foreign += f" -isystem $${{MICROKIT_SDK}}/{board_folder(system)}/include"
    if toolchain.libvmm:
        foreign += " -isystem $${LIBVMM}/include"
    head = _HEAD.format(
        cc_linux=toolchain.cc_linux,
        cc_pd=toolchain.cc_pd,
        linux_flags=LINUX_FLAGS,
        pd_flags=PD_FLAGS,
        link_flags=toolchain.link_flags,
        ar=toolchain.ar,
        ld_pd=PD_LINKER,
        pd_libraries=_libraries(system, toolchain),
        foreign=foreign,
    )
    return head + IMAGE_RULES


def _libraries(system: System, toolchain: Toolchain) -> str:
    if not toolchain.microkit_sdk:
        return ""
    folder = f"$${{MICROKIT_SDK}}/{board_folder(system)}/lib"
    libvmm = " $${LIBVMM}/libvmm.a" if toolchain.libvmm else ""
    group = f"{folder}/libmicrokit.a{libvmm} {toolchain.pd_libraries}".rstrip()
    return f"--start-group {group} --end-group -T {folder}/microkit.ld"


def _object(folder: str, source: str) -> str:
    return f"obj/{folder}/{source.rsplit('/', 1)[-1].removesuffix('.c')}.o"


def _chosen(c_files: Iterable[str], wanted: tuple[str, ...]) -> list[str]:
    """Return the files that are named, or lie in a folder that is."""
    return [name for name in c_files if name in wanted or f"{name.rpartition('/')[0]}/" in wanted]


def _driver(system: System, c_files: list[str]) -> Iterator[str]:
    sources = _chosen(c_files, LINUX_SOURCES)
    objects = [_object("linux", source) for source in sources]
    for source, target in zip(sources, objects, strict=True):
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


def _pd_objects(block: Block, toolchain: Toolchain, c_files: list[str]) -> Iterator[str]:
    tables = [block.driver.guest.vmm, block.virt, *(client.pd for client in block.clients), block.timer.pd]
    wanted: tuple[str, ...] = PD_SOURCES
    if toolchain.microkit_sdk:
        wanted += SDK_SOURCES
        if toolchain.libvmm:
            wanted += VMM_SOURCES
    for source in (*_chosen(c_files, wanted), *(f"src/{pd}_table.c" for pd in tables)):
        with_sdk = f" | {SDK_STAMP}" if source.startswith((*SDK_SOURCES, *VMM_SOURCES)) else ""
        yield f"build {_object('pd', source)}: cc_pd {source}{with_sdk}\n"
    library = (_object("pd", source) for source in _chosen(c_files, PD_SOURCES) if source not in VIRT_SOURCES)
    yield f"build {LIBPD}: archive {' '.join(library)}\n\n"


def _foreign_patches(system: System, up: str) -> Iterator[str]:
    """Patch the ELFs that lie beside the description."""
    for name in sorted({patch.elf for patch in system.patches if patch.elf in system.images}):
        yield from _patch(beside(up, system.images[name]), name, known_patches(system, name))

"""The build graph's second half: guests' files, the program images that hold them, the bootable image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sdfgen.subsystems.block.driver import PREFILLED_PAGE
from sdfgen.build.plan import GUEST_FOLDER
from sdfgen.resolve.system import UIO_DRIVER_ELF
from sdfgen.build.toolchain import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System
    from sdfgen.build.plan import Linked, Plan

PATCHED_FOLDER: Final = "elf"
LIBPD: Final = "obj/libpd.a"
"""What protection domains are linked with that needs neither the SDK nor libvmm; each takes of it what it uses."""
SDK_STAMP: Final = "obj/sdk.json"
"""Hashes of what is used of the SDK and libvmm: a new one makes everything anew that has to do with them."""
LOADER: Final = "loader.img"
REPORT: Final = "report.txt"
TOOL_LOG: Final = "obj/microkit.log"
HOOK_FILE: Final = f"{GUEST_FOLDER}/start-driver"
DISK_FILE: Final = f"{GUEST_FOLDER}/disk"

IMAGE_RULES: Final = f"""\
rule archive
  command = rm -f $out && $ar rcsD $out $in
  description = archive $out

rule stamp
  command = : > $out
  generator = 1

build {SDK_STAMP}: stamp

rule guest
  command = $python -m sdfgen.guest_files.steps $step $out $in
  description = make $out

rule link_pd
  command = $ld_pd $in $libraries_pd -o $out
  description = link $out

rule image
  command = $${{MICROKIT_SDK}}/{TOOL} $in $options -o obj/{LOADER} -r obj/{REPORT} > {TOOL_LOG} 2>&1 $
    && mv obj/{LOADER} obj/{REPORT} . || {{ cat {TOOL_LOG}; exit 1; }}
  description = pack {LOADER}

"""
"""Files appear under their names when they are whole: an earlier one may be in use, or be published.

The stamp is sdfgen's to write; whoever runs Ninja without it gets an empty one.
"""

_VMM_FOLDER: Final = "c/vmm/"
_VMM_ENTRIES: Final = {True: "driver_vmm", False: "client_vmm"}
"""The file of c/vmm/ that only the driver's VMM has, and the one that only a client's has."""
_VIRT_OBJECTS: Final = ("blk_virt_pd", "pd_say", "cache_aarch64")
_TIMER_OBJECTS: Final = ("guest_timer_pd",)


def driver_initrd(guest: Guest) -> str:
    """Return where the driver VM's initial RAM disk is made."""
    return f"{GUEST_FOLDER}/{guest.name}.initrd"


def driver_files(system: System, plan: Plan, up: str) -> Iterator[str]:
    """Yield the steps that make the driver VM's initial RAM disk and device tree.

    Args:
        system: A system with the block subsystem.
        plan: What can be made.
        up: Path from the board's folder to the description's.
    """
    assert system.block is not None  # noqa: S101 - the caller looked
    driver = system.block.driver
    made = []
    if plan.driver_initrd:
        base = beside(up, driver.guest.initrd) if driver.guest.initrd else ""
        inputs = f"{PATCHED_FOLDER}/{UIO_DRIVER_ELF} {HOOK_FILE} {DISK_FILE} {base}".rstrip()
        made.append(driver_initrd(driver.guest))
        yield f"build {made[-1]}: guest {inputs}\n  step = initrd\n"
    if plan.driver_tree_is_merged and driver.dtb:
        overlay = f"dtb/{driver.guest.name}.uio.dtbo"
        made.append(str(plan.driver_tree))
        yield f"build {made[-1]}: guest {beside(up, driver.dtb)} {overlay}\n  step = tree\n"
    if made:
        yield f"default {' '.join(made)}\n\n"


def links(system: System, plan: Plan, up: str, c_files: Iterable[str]) -> Iterator[tuple[Linked, str]]:
    """Yield each program image that is linked here with the steps that make it."""
    driver = system.block.driver.guest if system.block else None
    sources = [name.removeprefix(_VMM_FOLDER) for name in c_files if name.startswith(_VMM_FOLDER)]
    common = [name.removesuffix(".c") for name in sources if name.removesuffix(".c") not in _VMM_ENTRIES.values()]
    for linked in plan.linked:
        if linked.guest is None:
            is_virt = system.block is not None and linked.pd == system.block.virt
            yield linked, _link(linked, _VIRT_OBJECTS if is_virt else _TIMER_OBJECTS)
            continue
        is_driver = linked.guest is driver
        files = _guest_files(linked.guest, str(plan.driver_tree) if is_driver else None, up)
        guest_object = f"obj/{GUEST_FOLDER}/{linked.guest.name}.o"
        made = f"build {guest_object}: guest {' '.join(files)}\n  step = object\n"
        yield linked, made + _link(linked, (_VMM_ENTRIES[is_driver], *common, "pd_say"), guest_object)


def _guest_files(guest: Guest, driver_tree: str | None, up: str) -> list[str]:
    """Return kernel, device tree and, if there is one, initial RAM disk of a guest."""
    files = [beside(up, str(guest.kernel)), driver_tree or f"dtb/{guest.name}.dtb"]
    if driver_tree is not None:
        files.append(driver_initrd(guest))
    elif guest.initrd is not None:
        files.append(beside(up, guest.initrd))
    return files


def _link(linked: Linked, objects: Iterable[str], *more: str) -> str:
    names = [*(f"obj/pd/{name}.o" for name in (*objects, f"{linked.pd}_table")), *more, LIBPD]
    return f"build obj/{escaped(linked.image)}: link_pd {' '.join(names)} | {SDK_STAMP}\n"


def image(system: System, plan: Plan, up: str) -> str:
    """Return the step that packs the image; program images made here stand before the author's."""
    names = {pd.program_image for pd in system.all_pds()}
    made = {linked.image for linked in plan.linked} | {patch.elf for patch in system.patches if patch.elf in names}
    inputs = [escaped(f"{PATCHED_FOLDER}/{name}") if name in made else beside(up, name) for name in sorted(names)]
    prefills = {region.prefill_path for region in system.regions if region.prefill_path}
    inputs += [name if name == PREFILLED_PAGE else beside(up, name) for name in sorted(prefills)]
    options = f"--board {system.board.name} --config {system.config} --search-path {PATCHED_FOLDER} . {_quoted(up)}"
    return (
        f"\nbuild {LOADER} {REPORT}: image {system.name}.system | {' '.join(inputs)} {SDK_STAMP}\n"
        f"  options = {options}\n"
        f"build image: phony {LOADER} {REPORT}\n"
    )


def _quoted(path: str) -> str:
    """Quote a path for the shell inside a variable of Ninja's."""
    import shlex

    return shlex.quote(path).replace("$", "$$")


def beside(up: str, path: str) -> str:
    """Return a file of the author's for a build statement.

    Args:
        up: Path from the board's folder to the description's.
        path: As the description has it: from its folder, or absolute.
    """
    return escaped(os.path.join(up, path))


def escaped(path: str) -> str:
    """Escape a path for a build statement."""
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")

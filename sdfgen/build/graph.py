"""The build graph: C to objects, objects to programs, those to patched ELFs, and those to an image.

Ninja compares times, which deceive: a file can be replaced by another that is older. So the content of what is made
elsewhere stands in the commands, behind `#`: of the tool's own C, and of the author's files. What differs between
machines and makes the same, SDK and compiler, has a stamp, which is written when the content is another.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final

from sdfgen import outputs
from sdfgen.build.graph_image import IMAGE_RULES, guest_files, guest_object, image
from sdfgen.build.graph_patch import PATCH_RULE, finished
from sdfgen.build.ninja_text import Author, escaped, joined
from sdfgen.build.toolchain import LINUX_FLAGS, PD_FLAGS, board_folder
from sdfgen.facts.data import data_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.build.plan import Plan
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.model.program import Program
    from sdfgen.model.system import System

LINUX: Final = "linux"
DOMAIN: Final = "pd"

_HEAD = """\
# Made by sdfgen: changes are lost at the next build.
# Runs in this folder: `ninja` makes objects and ELFs, `ninja image` the bootable image
# (MICROKIT_SDK and LIBVMM in the environment).
ninja_required_version = 1.10
builddir = obj
root = $${{PWD}}
python = "$${{SDFGEN_PYTHON:-python3}}"
cc_linux = {cc_linux}
cc_pd = {cc_pd}
flags_linux = {linux_flags} -Ic/include -Iinclude
flags_pd = {pd_flags} -Ic/include -Iinclude{foreign}
flags_link = {link_flags}
headers = {headers}
ar = {ar}
ld_pd = {ld_pd}
libraries_pd = {pd_libraries}

rule cc_linux
  command = $cc_linux $flags_linux -MMD -MF $out.d -c $in -o $out # $content $headers
  depfile = $out.d
  deps = gcc
  description = compile $in

rule cc_pd
  command = $cc_pd $flags_pd -MMD -MF $out.d -c $in -o $out # $content $headers
  depfile = $out.d
  deps = gcc
  description = compile $in for a protection domain

rule link
  command = $cc_linux $flags_linux $flags_link $in -o $out.new && mv $out.new $out
  description = link $out

rule copy
  command = cp $in $out.new && mv $out.new $out # $content
  description = copy $out

"""


def build_file(system: System, toolchain: Toolchain, plan: Plan, up: str, digest: Callable[[str], str]) -> str:
    """Return the text of `build.ninja`.

    Args:
        system: The system.
        toolchain: What compiles.
        plan: What can be made.
        up: Path from the board's folder to the description's.
        digest: Returns the hash of a file's content, by its path.
    """
    author = Author(system.folder, up, digest)
    domains = [program for program in plan.compiled if program.domain is not None]
    lines = [
        _head(system, toolchain, digest),
        *_objects(plan, toolchain, digest),
        *_library(domains),
        *guest_files(plan, author),
        *(text for program in plan.programs for text in _program(plan, program, author)),
        *finished(system, {program.elf: _linked(program) for program in plan.programs}, plan.inside, author),
        f"build elves: phony {' '.join(escaped(outputs.elf(name)) for name in made_elves(system, plan))}\n",
        f"\ndefault elves {' '.join(_wanted(plan, toolchain, domains))}".rstrip() + "\n",
    ]
    if plan.packed:
        lines.append(image(system, author, made_elves(system, plan)))
    return "".join(lines)


def made_elves(system: System, plan: Plan) -> list[str]:
    """Return the names of the ELFs that a build makes."""
    patched = {patch.elf for patch in system.patches if patch.elf in system.images}
    return sorted({*patched, *(program.elf for program in plan.programs)})


def _head(system: System, toolchain: Toolchain, digest: Callable[[str], str]) -> str:
    foreign = ""
    if toolchain.microkit_sdk:
        foreign += f' -isystem "$${{MICROKIT_SDK}}"/{board_folder(system)}/include'
    if toolchain.libvmm:
        foreign += ' -isystem "$${LIBVMM}"/include'
    head = _HEAD.format(
        cc_linux=toolchain.cc_linux,
        cc_pd=toolchain.cc_pd,
        linux_flags=LINUX_FLAGS,
        pd_flags=PD_FLAGS,
        link_flags=toolchain.link_flags,
        headers=joined(map(digest, own_headers())),
        ar=toolchain.ar,
        ld_pd=toolchain.ld_pd,
        pd_libraries=_libraries(system, toolchain),
        foreign=foreign,
    )
    return head + PATCH_RULE + IMAGE_RULES


def _libraries(system: System, toolchain: Toolchain) -> str:
    if not toolchain.microkit_sdk:
        return ""
    folder = f'"$${{MICROKIT_SDK}}"/{board_folder(system)}/lib'
    libvmm = ' "$${LIBVMM}"/libvmm.a' if toolchain.libvmm else ""
    group = f"{folder}/libmicrokit.a{libvmm} {toolchain.pd_libraries}".rstrip()
    return f"--start-group {group} --end-group -T {folder}/microkit.ld"


def c_files(folders: Iterable[str]) -> list[str]:
    """Return the C files of folders of templates/c, by their path in the board's folder."""
    return [path for folder in folders for path in _c_files_of(folder)]


@cache
def _c_files_of(folder: str) -> tuple[str, ...]:
    """Read a folder of the tool's once, however many programs are made of it."""
    names = sorted(os.listdir(data_path("templates", "c", folder)))
    return tuple(f"{outputs.C_FOLDER}/{folder}/{name}" for name in names if name.endswith(".c"))


@cache
def own_headers() -> tuple[str, ...]:
    """Return the paths of the tool's own headers."""
    folder = data_path("templates", "c")
    return tuple(
        sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names if name.endswith(".h"))
    )


def sources(plan: Plan, toolchain: Toolchain) -> dict[tuple[str, str], bool]:
    """Return what is compiled: flavour and C file, and whether it needs the SDK's headers."""
    found: dict[tuple[str, str], bool] = {(DOMAIN, table): False for table in plan.tables}
    for program in plan.compiled:
        flavour = LINUX if program.domain is None else DOMAIN
        found |= {(flavour, table): False for table in program.tables}
        found |= {(flavour, name): False for name in c_files(program.libraries)}
        if flavour == LINUX:
            found |= {(flavour, name): False for name in c_files(program.folders)}
        elif toolchain.microkit_sdk and (toolchain.libvmm or not program.vmm):
            found |= {(flavour, name): True for name in c_files(program.folders)}
    return found


def _objects(plan: Plan, toolchain: Toolchain, digest: Callable[[str], str]) -> Iterator[str]:
    for (flavour, source), with_sdk in sources(plan, toolchain).items():
        stamps = f"{outputs.TOOLS_STAMP} {outputs.SDK_STAMP}" if with_sdk else outputs.TOOLS_STAMP
        yield f"build {outputs.object_of(flavour, source)}: cc_{flavour} {source} | {stamps}\n"
        if source.startswith(f"{outputs.C_FOLDER}/"):
            yield f"  content = {digest(data_path('templates', source))}\n"


def _library(domains: list[Program]) -> Iterator[str]:
    """Yield the archive of what domains are linked with that needs nothing of the user's."""
    folders = dict.fromkeys(folder for program in domains for folder in program.libraries)
    if folders:
        objects = " ".join(outputs.object_of(DOMAIN, name) for name in c_files(folders))
        yield f"build {outputs.LIBRARY}: archive {objects} | {outputs.TOOLS_STAMP}\n\n"


def _wanted(plan: Plan, toolchain: Toolchain, domains: list[Program]) -> Iterator[str]:
    """Yield what is made beside the ELFs: whatever can be compiled is, so that its faults are seen."""
    if any(program.libraries for program in domains):
        yield outputs.LIBRARY
    for flavour, source in sources(plan, toolchain):
        if flavour == DOMAIN:
            yield outputs.object_of(flavour, source)


def _linked(program: Program) -> str:
    return f"{outputs.OBJECT_FOLDER}/{program.elf}"


def _program(plan: Plan, program: Program, author: Author) -> Iterator[str]:
    linked = _linked(program)
    flavour = LINUX if program.domain is None else DOMAIN
    objects = [outputs.object_of(flavour, name) for name in (*c_files(program.folders), *program.tables)]
    if program.guest is not None:
        files, made = guest_object(plan.guests[program.guest], author)
        yield files
        objects.append(made)
    if flavour == LINUX:
        yield f"build {escaped(linked)}: link {' '.join(objects)} | {outputs.TOOLS_STAMP}\n"
    else:
        stamps = f"{outputs.TOOLS_STAMP} {outputs.SDK_STAMP}"
        yield f"build {escaped(linked)}: link_pd {' '.join(objects)} {outputs.LIBRARY} | {stamps}\n"

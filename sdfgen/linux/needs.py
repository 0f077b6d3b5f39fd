"""What an ELF needs beside itself: kernel modules, shared libraries."""

from __future__ import annotations

import io
import lzma
import os
from typing import TYPE_CHECKING

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from sdfgen.linux.cache import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


PROGRAM_FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin")
# Debian compresses modules from Linux 6.4 on.
COMPRESSED = ".xz"


def find_modules(root: str) -> dict[str, str]:
    """Kernel modules by the names that modules call each other."""
    files = _files(os.path.join(root, "lib", "modules"))
    plain = {name.removesuffix(COMPRESSED).replace("-", "_"): path for name, path in files.items()}
    return {name: path for name, path in plain.items() if name.endswith(".ko")}


def module_data(path: str) -> bytes:
    """What a kernel without a decompressor of its own loads."""
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(COMPRESSED) else data


def built_in(root: str) -> frozenset[str]:
    """Modules that the kernel has in itself, by the names that modules call each other."""
    names: set[str] = set()
    for name, path in _files(os.path.join(root, "lib", "modules")).items():
        if name == "modules.builtin":
            with open(path, encoding="utf-8") as file:
                names.update(os.path.basename(line.strip()).replace("-", "_") for line in file)
    return frozenset(names)


def find_programs(root: str) -> dict[str, str]:
    """Programs and shared libraries by file name."""
    found = {name: path for name, path in _files(root).items() if ".so" in name}
    for folder in PROGRAM_FOLDERS:
        found.update(_files(os.path.join(root, folder)))
    return found


def _files(folder: str) -> dict[str, str]:
    return {name: os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names}


def module_order(modules: dict[str, str], wanted: Iterable[str], built_in: frozenset[str]) -> list[str]:
    """The modules and what they depend on, in an order that can be loaded. What is built in is left out."""
    return _order(modules, [name for name in wanted if name not in built_in], _module_needs)


def libraries(files: dict[str, str], programs: Iterable[str]) -> list[str]:
    """The shared libraries that the programs load."""
    own = list(programs)
    for name in own:
        if name not in files:
            raise UnavailableError(f"no program called {name} in the packages")
    return [name for name in _order(files, own, _library_needs) if name not in own]


def _order(files: dict[str, str], wanted: Iterable[str], needs: Callable[[str], list[str]]) -> list[str]:
    done: dict[str, None] = {}
    open_names: set[str] = set()

    def visit(name: str) -> None:
        if name in done or name in open_names:
            return
        if name not in files:
            raise UnavailableError(f"{name} is in none of the packages")
        open_names.add(name)
        for other in needs(files[name]):
            visit(other)
        done[name] = None

    for name in wanted:
        visit(name)
    return list(done)


def _module_needs(path: str) -> list[str]:
    section = ELFFile(io.BytesIO(module_data(path))).get_section_by_name(".modinfo")
    entries = section.data().split(b"\0") if section is not None else []
    prefix = b"depends="
    text = next((entry[len(prefix) :].decode() for entry in entries if entry.startswith(prefix)), "")
    return [name.replace("-", "_") + ".ko" for name in text.split(",") if name]


def _library_needs(path: str) -> list[str]:
    with open(path, "rb") as file:
        section = ELFFile(file).get_section_by_name(".dynamic")
        if not isinstance(section, DynamicSection):
            return []
        return [str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED")]

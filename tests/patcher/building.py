"""Builds the ELF files of the tests once per source and options, and edits their bytes."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

SOURCES = Path(__file__).parent / "sources"
FREESTANDING = ("-target", "aarch64-freestanding", "-ffreestanding", "-nostdlib", "-O1", "-Wl,--no-gc-sections")


class Builder:
    """Runs `zig`; what was built before is taken from the folder it was built in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def cc(self, name: str, *options: str, sources: tuple[str, ...]) -> Path:
        return self._built(name, ("cc", *options), tuple(SOURCES / source for source in sources))

    def lld(self, name: str, *options: str, objects: tuple[Path, ...]) -> Path:
        return self._built(name, ("ld.lld", *options), objects)

    def assembled(self, name: str, text: str) -> Path:
        source = self._folder / f"{name}.s"
        source.write_text(text, encoding="utf-8")
        return self._built(name, ("cc", *FREESTANDING), (source,))

    def _built(self, name: str, command: tuple[str, ...], inputs: tuple[Path, ...]) -> Path:
        digest = hashlib.sha256(repr((command, version("ziglang"))).encode())
        for path in inputs:
            digest.update(path.read_bytes())
        folder = self._folder / digest.hexdigest()[:16]
        output = folder / name
        if not output.exists():
            folder.mkdir(exist_ok=True)
            unfinished = folder / f"{name}.{os.getpid()}"
            arguments = [*command[1:], *map(str, inputs), "-o", str(unfinished)]
            subprocess.run([sys.executable, "-m", "ziglang", command[0], *arguments], check=True, cwd=folder)
            unfinished.rename(output)
        return output


Fields = dict[str, tuple[int, str]]
HEADER: Fields = {
    "class": (4, "B"),
    "data": (5, "B"),
    "type": (16, "H"),
    "phoff": (32, "Q"),
    "shoff": (40, "Q"),
    "phentsize": (54, "H"),
    "phnum": (56, "H"),
    "shentsize": (58, "H"),
    "shnum": (60, "H"),
    "shstrndx": (62, "H"),
}
SECTION: Fields = {
    "name": (0, "I"),
    "type": (4, "I"),
    "flags": (8, "Q"),
    "offset": (24, "Q"),
    "size": (32, "Q"),
    "link": (40, "I"),
    "entsize": (56, "Q"),
}
SEGMENT: Fields = {"type": (0, "I"), "offset": (8, "Q"), "vaddr": (16, "Q"), "filesz": (32, "Q"), "memsz": (40, "Q")}
SYMBOL: Fields = {"name": (0, "I"), "info": (4, "B"), "shndx": (6, "H"), "value": (8, "Q"), "size": (16, "Q")}
DYNAMIC: Fields = {"tag": (0, "Q"), "value": (8, "Q")}


class Elf:
    """The bytes of an ELF file, addressed by names."""

    def __init__(self, path: Path) -> None:
        self.data = bytearray(path.read_bytes())

    def get(self, table: Fields, start: int, field: str) -> int:
        offset, form = table[field]
        return int(struct.unpack_from("<" + form, self.data, start + offset)[0])

    def set(self, table: Fields, start: int, **fields: int) -> None:
        for field, value in fields.items():
            offset, form = table[field]
            struct.pack_into("<" + form, self.data, start + offset, value)

    def header(self, **fields: int) -> None:
        self.set(HEADER, 0, **fields)

    def segments(self, kind: int = 1) -> list[int]:
        start, count = (self.get(HEADER, 0, field) for field in ("phoff", "phnum"))
        found = [start + 56 * number for number in range(count)]
        return [at for at in found if self.get(SEGMENT, at, "type") == kind]

    def sections(self) -> dict[str, int]:
        start, count, names = (self.get(HEADER, 0, field) for field in ("shoff", "shnum", "shstrndx"))
        strings = self.get(SECTION, start + 64 * names, "offset")
        at = [start + 64 * number for number in range(count)]
        return {self._text(strings + self.get(SECTION, one, "name")): one for one in at}

    def section(self, name: str, /, **fields: int) -> None:
        self.set(SECTION, self.sections()[name], **fields)

    def symbol_at(self, name: str) -> int:
        table, strings = self.sections()[".symtab"], self.sections()[".strtab"]
        start, size = (self.get(SECTION, table, field) for field in ("offset", "size"))
        names = self.get(SECTION, strings, "offset")
        entries = range(start, start + size, 24)
        return next(at for at in entries if self._text(names + self.get(SYMBOL, at, "name")) == name)

    def symbol(self, name: str, /, **fields: int) -> None:
        self.set(SYMBOL, self.symbol_at(name), **fields)

    def vaddr(self, name: str) -> int:
        return self.get(SYMBOL, self.symbol_at(name), "value")

    def dynamic(self, tag: int) -> int:
        start, size = (self.get(SEGMENT, self.segments(2)[0], field) for field in ("offset", "filesz"))
        return next(at for at in range(start, start + size, 16) if self.get(DYNAMIC, at, "tag") == tag)

    def _text(self, start: int) -> str:
        return self.data[start : self.data.index(0, start)].decode()

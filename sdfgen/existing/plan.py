"""`sdfgen-check.toml`: what to check, and what stands beside it, so that nobody has to say it twice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sdfgen.existing.numbers import KINDS
from sdfgen.existing.request import Request
from sdfgen.faults.fault import Fault, suggestion
from sdfgen.read.toml import parse, read_source
from sdfgen.schema.readers import ListOf, Reader, Text
from sdfgen.schema.table import Many, Table, key

if TYPE_CHECKING:
    from sdfgen.faults.fault import Faults
    from sdfgen.read.toml import Node


class Names(Reader):
    """A table of names, each with what it stands for."""

    says = 'a table such as { MY_RAM_SIZE = "ram_bytes" }'
    harmless: tuple[tuple[str, str], ...] = ()

    def read(self, node: Node, faults: Faults) -> tuple[tuple[str, str], ...]:
        """Return names and what they stand for."""
        if not isinstance(node.value, dict):
            return tuple(self.refuse(node, faults))
        for value in node.value.values():
            if value.value not in KINDS:
                near = suggestion(str(value.value), KINDS)
                message = f"{value.value!r} is none of {', '.join(KINDS)}{near}"
                faults.add(Fault("SDF003", message, value.where))
        return tuple((name, str(value.value)) for name, value in node.value.items())

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "object", "additionalProperties": {"enum": list(KINDS)}}


class CheckTable(Table):
    """A system file to check; file names start at this file's folder."""

    system: str = key(Text(), "The system file.")
    board: str | None = key(Text(), "The board.", default=None, default_doc="what boards decide is not judged")
    microkit: str | None = key(Text(), "The Microkit version.", default=None, default_doc="the newest that takes it")
    config: str | None = key(Text(), "The Microkit configuration.", default=None, default_doc="what its cores ask for")
    include: tuple[str, ...] = key(ListOf(Text()), "Folders that files may be included from.", default=())
    search_path: tuple[str, ...] = key(ListOf(Text()), "Folders of its program images and prefill files.", default=())
    dts: tuple[str, ...] = key(ListOf(Text()), "Device trees, as `MACHINE=FILE` where it is not plain.", default=())
    c: tuple[str, ...] = key(ListOf(Text()), "C files of VMMs, likewise.", default=())
    elf: tuple[str, ...] = key(ListOf(Text()), "Program images, as `DOMAIN=FILE`.", default=())
    define: tuple[str, ...] = key(ListOf(Text()), "Macros for both, as `NAME` or `NAME=VALUE`.", default=())
    numbers: tuple[tuple[str, str], ...] = key(
        Names(), "More constants of C files, by what they are: " + ", ".join(KINDS) + ".", default=()
    )


class CheckFile(Table):
    """All that is checked."""

    check: tuple[CheckTable, ...] = key(Many(CheckTable, least=1), "System files.")


def requests(path: str, faults: Faults) -> list[Request]:
    """Return what a file asks to be checked.

    Args:
        path: The file.
        faults: Takes what is wrong with it.
    """
    source = read_source(path, faults)
    node = parse(source, faults) if source is not None else None
    if node is None:
        return []
    table = CheckFile.read(node, faults)
    return [] if faults.errors else [_request(one, os.path.dirname(path)) for one in table.check]


def _request(table: CheckTable, folder: str) -> Request:
    def beside(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_beside(name, folder) for name in names)

    return Request(
        path=os.path.join(folder, table.system),
        board=table.board,
        microkit=table.microkit,
        config=table.config,
        includes=beside(table.include),
        search=beside(table.search_path),
        trees=beside(table.dts),
        numbers=beside(table.c),
        elves=beside(table.elf),
        defines=table.define,
        names=table.numbers,
    )


def _beside(name: str, folder: str) -> str:
    owner, equals, path = name.rpartition("=")
    return f"{owner}{equals}{os.path.join(folder, path)}"

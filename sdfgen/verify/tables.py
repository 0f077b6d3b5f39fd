"""Reads C tables back as programs do: compiled, and linked where there is a linked program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.generate import programs_of
from sdfgen.guests import checks as of_guests
from sdfgen.read.debug_types import Types
from sdfgen.read.memory import UnreadableError, of_object, of_program
from sdfgen.records import NamedTuple
from sdfgen.subsystems import register
from sdfgen.verify.compiled import objects, refused
from sdfgen.verify.initialisers import places
from sdfgen.verify.made import MISSING, NUMBER, START, shown
from sdfgen.verify.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.place import Span
    from sdfgen.model.program import Program
    from sdfgen.model.system import System
    from sdfgen.read.memory import Memory
    from sdfgen.verify.compiled import Compilers
    from sdfgen.verify.made import Made
    from sdfgen.verify.variables import Difference

Decided = dict[str, dict[str, Any]]


class Table(NamedTuple):
    """A C table, compiled.

    Attributes:
        name: Its file.
        content: The object.
    """

    name: str
    content: bytes


def decided(system: System) -> Decided:
    """Return what the variables of all C tables hold, by variable, by file.

    Args:
        system: The system.
    """
    roles = register.checks()
    configs = {kind: checks.device_config for emit, checks in roles for kind in emit.DEVICE_KINDS}
    found = of_guests.tables(system, configs)
    for _, checks in roles:
        found |= {name: dict(variables) for name, variables in checks.tables(system).items()}
    return found


def compiled(system: System, made: Made, compilers: Compilers) -> Iterator[Table | Fault]:
    """Yield every C table there is, compiled, or what keeps it from being that.

    Args:
        system: The system.
        made: The folder.
        compilers: What compiles.

    Raises:
        NoCompilerError: There is no compiler.
    """
    linux = {table for program in programs_of(system).programs if program.domain is None for table in program.tables}
    there = [name for name in decided(system) if made.content(name) is not None]
    for command, names in (
        (compilers.linux, [name for name in there if name in linux]),
        (compilers.domain, [name for name in there if name not in linux]),
    ):
        paths = {os.path.abspath(made.path(name)): name for name in names}
        for path, result in objects(command, list(paths)).items() if paths else ():
            name = paths[path]
            yield Table(name, result) if isinstance(result, bytes) else refused(made, name, result)


def differences(made: Made, table: Table, variables: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what a compiled table says otherwise than the system.

    Args:
        made: The folder.
        table: The table.
        variables: What its variables must hold.
    """
    spots = places(made.text(table.name).text)
    try:
        reader = Variables(Types(table.content), of_object(table.content))
    except (UnreadableError, KeyError, ValueError) as error:
        yield made.fault(MISSING, f"{table.name} cannot be read back: {error}", table.name)
        return
    for variable, value in variables.items():
        try:
            for found in reader.differences(variable, value):
                span = _place(spots, found.spot.source)
                yield made.fault(NUMBER, _message(found), table.name, span, origin=found.spot.origin)
        except UnreadableError as error:
            span = spots.get(f"{variable} ", START)
            yield made.fault(MISSING, f"`{variable}` cannot be read back: {error}", table.name, span)


def _place(spots: Mapping[str, Span], path: str) -> Span:
    """Return the place of a value, or of what it is in."""
    while path and path not in spots:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return spots.get(path, START)


def _message(found: Difference) -> str:
    path = found.spot.path.replace("->.", "->")
    return f"`{path}`: {shown(found.written)} is written, {shown(found.decided)} was decided"


def linked(system: System, made: Made, tables: Mapping[str, Table]) -> Iterator[tuple[Program, Fault | None]]:
    """Yield every program that a table was linked into, and what its memory says otherwise than the system.

    Args:
        system: The system.
        made: The folder.
        tables: The tables, compiled, by file.
    """
    values = decided(system)
    for program in programs_of(system).programs:
        name = outputs.elf(program.elf)
        content = made.content(name)
        names = [table for table in program.tables if table in tables and table in values]
        if content is None or not names:
            continue
        yield program, None
        try:
            memory = of_program(content)
        except Exception as error:  # noqa: BLE001 - the library raises whatever its indexing does
            yield program, made.fault(MISSING, f"{name} cannot be read: {error}", name)
            continue
        for table in names:
            yield from ((program, fault) for fault in _in_memory(made, name, memory, tables[table], values[table]))


def _in_memory(made: Made, elf: str, memory: Memory, table: Table, values: Mapping[str, Any]) -> Iterator[Fault]:
    reader = Variables(Types(table.content), memory)
    for variable, value in values.items():
        try:
            for found in reader.differences(variable, value):
                yield made.fault(NUMBER, f"{elf}: {_message(found)}", elf, origin=found.spot.origin)
        except UnreadableError as error:
            yield made.fault(MISSING, f"{elf}: `{variable}` cannot be read back: {error}", elf)

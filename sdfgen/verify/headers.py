"""Reads the header for hand-written C back: what each macro stands for, as a compiler has it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from sdfgen.emit.c.names import c_name
from sdfgen.faults.place import Span
from sdfgen.model.told import From, plain
from sdfgen.verify.compiled import CompileError, macros, refused
from sdfgen.verify.made import MISSING, NUMBER, START, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System
    from sdfgen.verify.compiled import Compilers
    from sdfgen.verify.made import Made


def differences(system: System, made: Made, compilers: Compilers) -> Iterator[Fault]:
    """Yield what the header says otherwise than the system.

    Args:
        system: The system.
        made: The folder.
        compilers: What compiles.

    Raises:
        NoCompilerError: There is no compiler.
    """
    name = f"include/{system.name}_config.h"
    if made.content(name) is None:
        return
    try:
        found = macros(compilers.domain, os.path.abspath(made.path(name)))
    except CompileError as error:
        yield refused(made, name, error)
        return
    wanted = dict(_wanted(system))
    for macro, value in wanted.items():
        right, origin = plain(value)
        written = _number(found[macro]) if macro in found else None
        if written != right:
            message = f"{macro}: {shown(written)} is written, {shown(right)} was decided"
            yield made.fault(NUMBER, message, name, _place(made.text(name).text, macro), origin=origin)
    text = made.text(name).text
    for macro in re.findall(r"^#define (\w+)", text, re.MULTILINE):
        if macro not in wanted:
            yield made.fault(MISSING, f"{macro} was not decided", name, _place(text, macro))


def _number(text: str) -> int | str:
    try:
        return int(text.rstrip("uUlL"), 0)
    except ValueError:
        return text


def _place(text: str, macro: str) -> Span:
    """Return the place of a macro's value."""
    match = re.search(rf"^#define {macro} (.*)$", text, re.MULTILINE)
    if match is None:
        return START
    before = text[: match.start(1)]
    return Span(before.count("\n") + 1, len(before) - before.rfind("\n"), max(1, len(match[1])))


def _wanted(system: System) -> Iterator[tuple[str, From]]:
    """Yield every macro: ids, sizes and addresses by names of the description. A later one of a name wins."""
    for region in system.regions:
        name = c_name(region.name).upper()
        if region.size_bytes is not None:
            yield f"{name}_SIZE_BYTES", From(region.size_bytes, region.origin, region.key or "size")
        if region.phys_addr is not None:
            yield f"{name}_PHYS_ADDR", From(region.phys_addr, region.origin, region.key or "phys_addr")
    for pd in system.all_pds():
        name = c_name(pd.name).upper()
        for irq in pd.irqs:
            yield f"{name}_IRQ_{irq.irq}_CHANNEL", From(irq.id, irq.origin, "id")
        for m in pd.maps:
            yield f"{name}_{c_name(m.region).upper()}_VADDR", From(m.vaddr, m.origin, "vaddr")
    for channel in system.channels:
        names = [c_name(end.pd).upper() for end in channel.ends]
        for end, near, far in zip(channel.ends, names, reversed(names), strict=True):
            yield f"{near}_{far}_CHANNEL", From(end.id, end.origin, "id")

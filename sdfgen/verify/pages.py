"""Reads binary files back, number by number."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sdfgen.model.told import plain
from sdfgen.subsystems import register
from sdfgen.verify.made import MISSING, NUMBER, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System
    from sdfgen.model.told import Field
    from sdfgen.verify.made import Made


def files(system: System) -> dict[str, list[Field]]:
    """Return what binary files hold, by file.

    Args:
        system: The system.
    """
    return {name: list(fields) for _, checks in register.checks() for name, fields in checks.fields(system).items()}


def differences(made: Made, name: str, fields: list[Field]) -> Iterator[Fault]:
    """Yield each number that a file has otherwise.

    Args:
        made: The folder.
        name: The file; one that is missing has nothing otherwise.
        fields: What it holds.
    """
    content = made.content(name)
    if content is None:
        return
    for field in fields:
        right, origin = plain(field.value)
        try:
            (written,) = struct.unpack_from(field.form, content, field.offset_bytes)
        except struct.error:
            yield made.fault(MISSING, f"{name} ends before {field.name} at {field.offset_bytes:#x}", name)
            return
        if written != right:
            where = f"{name}: {field.name} at offset {field.offset_bytes:#x}"
            message = f"{where}: {shown(written)} is written, {shown(right)} was decided"
            yield made.fault(NUMBER, message, name, origin=origin)

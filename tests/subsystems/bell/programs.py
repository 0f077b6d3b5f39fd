from __future__ import annotations

from typing import TYPE_CHECKING

from .model import bell_of

if TYPE_CHECKING:
    from sdfgen.model.program import Folders, Program
    from sdfgen.model.system import System

DEVICE_FOLDERS: dict[str, Folders] = {}


def programs(_system: System) -> tuple[Program, ...]:
    return ()


def tables(system: System) -> tuple[str, ...]:
    return ("src/bell_table.c",) if bell_of(system) else ()

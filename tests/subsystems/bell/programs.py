from __future__ import annotations

from typing import TYPE_CHECKING

from .model import bell_of

if TYPE_CHECKING:
    from sdfgen.model.microkit import Origin
    from sdfgen.model.program import Folders, Program
    from sdfgen.model.system import System

DEVICE_FOLDERS: dict[str, Folders] = {}


def programs(_system: System) -> tuple[Program, ...]:
    return ()


def tables(system: System) -> dict[str, Origin]:
    bell = bell_of(system)
    domains = {pd.name: pd.origin for pd in system.all_pds()}
    return {"src/bell_table.c": domains[bell.pd]} if bell else {}

"""Every generated file of one board, and every program that is made: what guests and subsystems have of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.emit.c.header import config_header
from sdfgen.emit.c.text import with_head
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.guests import programs as guest_programs
from sdfgen.guests.emit import table_files
from sdfgen.guests.trees import tree_files
from sdfgen.records import NamedTuple
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from sdfgen.model.microkit import Origin
    from sdfgen.model.program import Program
    from sdfgen.model.system import System


def generated_files(system: System) -> dict[str, bytes]:
    """Return every generated file of one board by its path in the board's folder, but for the build graph.

    Args:
        system: The system.
    """
    roles = register.emitters()
    kinds = {kind: role.device_config for role in roles for kind in role.DEVICE_KINDS}
    files = {
        f"{system.name}.system": system_file(system).encode(),
        f"include/{system.name}_config.h": with_head(system, config_header(system)),
        **table_files(system, kinds),
        **tree_files(system, [role.nodes for role in roles]),
    }
    for role in roles:
        files |= role.files(system)
    return files


class Programs(NamedTuple):
    """What is compiled for a system: programs, and generated C for programs of the author's, by what it comes from."""

    programs: tuple[Program, ...]
    tables: dict[str, Origin]


def programs_of(system: System) -> Programs:
    """Return what is compiled for a system.

    Args:
        system: The system.
    """
    roles = register.programs()
    kinds = {kind: folders for role in roles for kind, folders in role.DEVICE_FOLDERS.items()}
    of_guests = guest_programs.programs(system, kinds)
    return Programs(
        (*(program for role in roles for program in role.programs(system)), *of_guests),
        {name: origin for role in roles for name, origin in role.tables(system).items()},
    )


def manifest_records(system: System) -> dict[str, list[dict[str, Any]]]:
    """Return what subsystems have to say in the manifest, by section.

    Args:
        system: The system.
    """
    return {name: rows for role in register.emitters() for name, rows in role.records(system).items()}

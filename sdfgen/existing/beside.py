"""What stands beside a system file: device trees, C files and program images, as somebody names them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.existing.images import said_by_images
from sdfgen.existing.numbers import constants_of
from sdfgen.existing.trees import guest_tree, parts, tree_of, whose
from sdfgen.faults.fault import Fault, suggestion
from sdfgen.faults.source import Source, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sdfgen.existing.request import Request
    from sdfgen.faults.fault import Faults
    from sdfgen.model.system import System
    from sdfgen.model.tree import Constant, GuestFile, GuestTree, Resource, ResourceId

CODE = "SDF217"


class Beside(NamedTuple):
    """Fields of a system that come from beside its file."""

    trees: tuple[GuestTree, ...] = ()
    constants: tuple[Constant, ...] = ()
    resources: tuple[Resource, ...] = ()
    resource_ids: tuple[ResourceId, ...] = ()
    guest_files: tuple[GuestFile, ...] = ()
    placed: Mapping[str, str] = {}


class FoundBeside(NamedTuple):
    """What was found, and the files that were read."""

    found: Beside
    files: list[str]


def read_beside(request: Request, board: str | None, system: System, faults: Faults) -> FoundBeside:
    """Read what stands beside a system file.

    Args:
        request: What somebody names.
        board: What the board is called, if somebody says.
        system: The system.
        faults: Takes what is wrong with them.
    """
    files: list[str] = []
    trees = tuple(_trees(request, system, faults, files))
    constants = tuple(constants_of(request, board, system, faults))
    placed = dict(_placed(request.elves, system, faults))
    said = said_by_images(system._replace(placed=placed), faults)
    named = {tree.machine for tree in trees}
    trees += tuple(tree for tree in said.trees if tree.machine not in named)
    found = Beside(trees, (*constants, *said.constants), said.resources, said.ids, said.files, placed)
    return FoundBeside(found, [*files, *_paths(request.numbers)])


def _trees(request: Request, system: System, faults: Faults, files: list[str]) -> Iterator[GuestTree]:
    machines = [vm.name for _, vm in system.vms()]
    for machine, paths in parts(request.trees).items():
        where = Where(Source(f"--dts {machine}={paths[0]}" if machine else f"--dts {paths[0]}", paths[0]))
        if machine and machine not in machines:
            faults.add(_no_machine(machine, machines, where))
            continue
        read = tree_of(paths, request.includes, faults, request.macros)
        if read is None:
            continue
        root, found = read
        files += found
        owner = machine or whose(root, system)
        if owner:
            yield guest_tree(root, owner)
        else:
            message = "nobody can tell which virtual machine this device tree is for"
            faults.add(Fault(CODE, message, where, f"write MACHINE=FILE; machines: {_listed(machines)}"))


def _no_machine(name: str, known: Sequence[str], where: Where) -> Fault:
    message = f"there is no virtual machine `{name}`{suggestion(name, known)}"
    return Fault(CODE, message, where, f"machines: {_listed(known)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _placed(elves: Sequence[str], system: System, faults: Faults) -> Iterator[tuple[str, str]]:
    images = system.images_by_pd()
    for text in elves:
        name, _, path = text.partition("=")
        where = Where(Source(f"--elf {text}", text))
        if name not in images:
            message = f"there is no protection domain `{name}`{suggestion(name, images)}"
            faults.add(Fault(CODE, message, where, "write DOMAIN=FILE"))
        elif not os.path.isfile(path):
            faults.add(Fault("SDF001", f"{path!r} cannot be read: it is no file", where, "name an ELF"))
        else:
            yield images[name], path


def not_found(system: System) -> Iterator[Fault]:
    """Yield program images that are nowhere, each once.

    Args:
        system: The system, with the folders that somebody names.
    """
    told: set[str] = set()
    for pd in system.all_pds():
        for key, name in (("program_image", pd.program_image), ("path_for_symbols", pd.path_for_symbols)):
            if name and name not in told and pd.origin.given(key) and not os.path.isfile(system.find(name)):
                told.add(name)
                message = f"{name!r} of `{pd.name}` is in none of the folders that are named"
                advice = "build it first, or name its folder by --search-path"
                yield Fault("SDF219", message, pd.origin.at(key), advice, (), "warning")


def _paths(named: Sequence[str]) -> list[str]:
    return [path for paths in parts(named).values() for path in paths]

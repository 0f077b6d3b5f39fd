"""Everything that was made for one board, held against description and manifest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.facts.data import data_path
from sdfgen.generate import generated_files, programs_of
from sdfgen.guests.trees import is_complete
from sdfgen.records import NamedTuple
from sdfgen.verify import elves, hashes, headers, manifest, pages, report, system_file, tables, texts, trees
from sdfgen.verify.compiled import NoCompilerError
from sdfgen.verify.made import INPUT, MISSING, NUMBER, START, Made
from sdfgen.verify.manifest import Manifest
from sdfgen.verify.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.describe import Description
    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System
    from sdfgen.verify.compiled import Compilers

_OF_THE_TOOL = "templates/"
_VARIABLES = ("MICROKIT_SDK/", "LIBVMM/")


class Surroundings(NamedTuple):
    """What of this machine takes part.

    Attributes:
        compilers: What compiles.
        foreign: Paths of the SDK's and libvmm's files by name, as far as there is an SDK.
    """

    compilers: Compilers
    foreign: Mapping[str, str]


class Verified(NamedTuple):
    """What was compared.

    Attributes:
        faults: What differs.
        compared: What was compared, in words.
        left_out: What could not be compared, and why.
    """

    faults: tuple[Fault, ...]
    compared: tuple[str, ...]
    left_out: tuple[str, ...]


def verify_board(description: Description, board: str, folder: str, around: Surroundings) -> Verified:
    """Compare everything that was made for a board.

    Args:
        description: The description.
        board: The board.
        folder: Where its files are.
        around: What of this machine takes part.
    """
    system = description.systems[board]
    made = Made(folder)
    if not os.path.isdir(folder):
        name = f"{system.name}.system"
        return Verified((made.fault(MISSING, f"{folder}: nothing was built here", name, advice=_FIRST),), (), ())
    return _Verification(description, system, made, around).result()


_FIRST = "run `sdfgen build` first"


def disagreements(system: System, folder: str) -> Iterator[Fault]:
    """Yield each number that a file states differently than the system; files that are not there are passed over.

    Args:
        system: The system.
        folder: The files made of it.
    """
    made = Made(folder)
    yield from system_file.differences(system, made, f"{system.name}.system")
    for guest in system.guests:
        yield from trees.differences(system, made, guest)
    for name, fields in pages.files(system).items():
        yield from pages.differences(made, name, fields)
    yield from elves.patched(system, made)


_MOST_OF_A_FILE = 10
_MOST_NOTES = 5


def _most_telling(fault: Fault) -> tuple[object, ...]:
    """Return an order in which those come first that have a line to show."""
    return (fault.place == START, fault.where.source.name, fault.place)


class _Verification:
    """Collects faults, and what was compared."""

    def __init__(self, description: Description, system: System, made: Made, around: Surroundings) -> None:
        self._description = description
        self._system = system
        self._made = made
        self._around = around
        self._faults: list[Fault] = []
        self._compared: list[str] = []
        self._left_out: list[str] = []
        self._of_description: list[Fault] = []

    def result(self) -> Verified:
        """Compare everything: what files mean first, then every byte of them."""
        self._image()
        self._numbers()
        self._tables()
        generated = generated_files(self._system)
        for name, content in generated.items():
            self._faults += texts.differences(self._made, name, content, self._lines(name))
        self._guests()
        read = manifest.read_manifest(self._made)
        if isinstance(read, Manifest):
            self._manifest(read, generated)
            faults = self._causes(read)
        else:
            faults = [read, *self._faults]
        return Verified(tuple(self._short(faults)), tuple(self._compared), tuple(self._left_out))

    def _causes(self, read: Manifest) -> list[Fault]:
        """Return the faults without those that follow from inputs that have changed: of files as they were built."""
        if not any(fault.code == INPUT for fault in self._faults):
            return self._faults
        same = {n for n, digest in read.outputs.items() if hashes.file_digest(self._made.path(n)) == digest}
        names = {self._made.path(name) for name in same}
        follows = [fault for fault in self._faults if fault.where.source.name in names]
        dropped = {*map(id, follows), *map(id, self._of_description)}
        numbers = sorted((fault for fault in follows if fault.code == NUMBER), key=_most_telling)
        notes = tuple((fault.where, f"made from it: {fault.message}") for fault in numbers[:_MOST_NOTES])
        return [
            fault._replace(notes=(*fault.notes, *notes)) if fault.code == INPUT else fault
            for fault in self._faults
            if id(fault) not in dropped
        ]

    def _short(self, faults: list[Fault]) -> Iterator[Fault]:
        """Yield the first faults of each file, and how many more it has."""
        by_file: dict[str, list[Fault]] = {}
        for fault in faults:
            by_file.setdefault(fault.where.source.name, []).append(fault)
        for of_file in by_file.values():
            of_file.sort(key=lambda fault: fault.place)
            yield from of_file[:_MOST_OF_A_FILE]
            if more := of_file[_MOST_OF_A_FILE:]:
                yield more[0]._replace(message=f"{len(more)} more differences from here on", notes=())

    def _lines(self, name: str) -> set[int]:
        """Return the lines of a file that something has been told of."""
        path = self._made.path(name)
        return {fault.place.line for fault in self._faults if fault.where.source.name == path}

    def _image(self) -> None:
        """Read the tool's report, which tells addresses that the system leaves to it, and the image."""
        made = self._made
        if made.content(outputs.REPORT) is None:
            self._left_out.append("the image: none was packed")
            return
        self._placed()
        found = list(report.unpacked(self._system, made))
        self._faults += [fault for fault in found if fault is not None]
        if None in found:
            self._left_out.append(f"whether {outputs.LOADER} holds the program images: its form is unknown")

    def _placed(self) -> None:
        """Read what lies and is mapped where from what the tool says of it."""
        from sdfgen.image.extents import UnknownFormError
        from sdfgen.image.learned import with_learned
        from sdfgen.image.placed import read_placed, source

        made = self._made
        name = source(made.folder)
        try:
            tool = read_placed(made.folder)
        except UnknownFormError as error:
            self._left_out.append(f"what lies and is mapped where: the form of {name} is unknown: {error}")
            return
        extents, maps = tool.extents(), tool.maps()
        self._faults += report.misplaced(self._system, extents, made, name)
        self._faults += report.mismapped(self._system, maps, made, name)
        self._system = with_learned(self._system, extents.regions)
        self._compared.append(f"{len(extents.regions)} regions and {len(maps)} maps of the tool's {name}")

    def _numbers(self) -> None:
        self._faults += disagreements(self._system, self._made.folder)
        made = {patch.elf for patch in self._system.patches if self._made.content(outputs.elf(patch.elf)) is not None}
        known = sum(patch.value is not None and patch.elf in made for patch in self._system.patches)
        self._compared += ["every attribute of the system file", f"{len(self._trees())} device trees"]
        if known:
            self._compared.append(f"{known} patched symbols")

    def _trees(self) -> list[str]:
        names = [outputs.tree(guest, complete=is_complete(self._system, guest)) for guest in self._system.guests]
        return [name for name in names if name is not None and self._made.content(name) is not None]

    def _tables(self) -> None:
        """Compile what is C, where there is a compiler."""
        values = tables.decided(self._system)
        try:
            found = list(tables.compiled(self._system, self._made, self._around.compilers))
            self._faults += headers.differences(self._system, self._made, self._around.compilers)
        except NoCompilerError as error:
            self._left_out.append(f"C tables and headers as programs see them: {error}")
            return
        objects = {one.name: one for one in found if isinstance(one, Table)}
        self._faults += [one for one in found if not isinstance(one, Table)]
        for table in objects.values():
            self._faults += tables.differences(self._made, table, values[table.name])
        in_programs = list(tables.linked(self._system, self._made, objects))
        self._faults += [fault for _, fault in in_programs if fault is not None]
        programs = {program.elf for program, _ in in_programs}
        self._compared += [f"{len(objects)} compiled C tables", "the header"]
        if programs:
            self._compared.append(f"the tables in {len(programs)} linked programs")

    def _guests(self) -> None:
        images = self._system.images_by_pd()
        linked = [g for g in self._system.guests if self._made.content(outputs.elf(images[g.vmm])) is not None]
        for guest in self._system.guests:
            self._faults += elves.initrd(self._system, self._made, guest)
        for guest in linked:
            self._faults += elves.embedded(self._system, self._made, guest)
        if linked:
            self._compared.append(f"the files in {len(linked)} linked guests")

    def _manifest(self, read: Manifest, generated: Mapping[str, bytes]) -> None:
        """Hold the manifest against the description, and every file against the manifest."""
        made = self._made
        self._of_description = list(manifest.differences(self._description, self._system, made))
        self._faults += self._of_description
        told = {name for name in read.outputs if self._lines(name)}
        wanted = {*generated, *self._compiled(read)}
        self._faults += hashes.made_files(made, read, wanted, told)
        self._faults += hashes.unknown_files(made, read, {outputs.C_FOLDER: data_path("templates", "c")})
        paths = {name: self._input(name) for name in read.inputs}
        self._faults += hashes.inputs(made, read, paths, self._inputs())
        lost = sorted(name for name, path in paths.items() if path is None)
        self._compared.append(f"{len(read.outputs)} outputs and {len(paths) - len(lost)} inputs with the manifest")
        if lost:
            self._left_out.append(f"{len(lost)} inputs, which are not here: {', '.join(lost[:3])}")

    def _compiled(self, read: Manifest) -> Iterator[str]:
        """Yield what is made wherever anything is compiled: what needs nothing of the user's."""
        if any(name.startswith(_OF_THE_TOOL) for name in read.inputs):
            yield from (outputs.elf(one.elf) for one in programs_of(self._system).programs if one.domain is None)
            for guest in self._system.guests:
                tree = outputs.tree(guest, complete=is_complete(self._system, guest))
                yield from (name for name in (outputs.initrd(guest), tree) if name is not None)
        else:
            self._left_out.append("ELFs: nothing was compiled")

    def _input(self, name: str) -> str | None:
        """Return where an input is; None when it is of an SDK or libvmm that is not here."""
        if name.startswith(_VARIABLES):
            return self._around.foreign.get(name)
        if name == f"boards/{self._system.board.name}.toml":
            return self._system.board.path
        own = data_path(*name.split("/"))
        if name.startswith(_OF_THE_TOOL) and os.path.isfile(own):
            return own
        return os.path.join(os.path.dirname(self._description.path), name)

    def _inputs(self) -> Iterator[str]:
        """Yield the names of what a build reads whatever else there is."""
        folder, shipped = os.path.dirname(self._description.path) or ".", data_path("boards")
        yield f"boards/{self._system.board.name}.toml"
        paths = [path for path in self._description.files if os.path.dirname(path) != shipped]
        paths += [os.path.join(folder, name) for guest in self._system.guests for name in guest.files]
        yield from (os.path.relpath(path, folder) for path in paths)
        prefills = (region for region in self._system.regions if region.prefill_path and not region.prefill_made)
        yield from (os.path.relpath(os.path.join(folder, str(one.prefill_path)), folder) for one in prefills)

"""The law of importing: the description makes the system that was read, or what it can't say is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen import judge
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.existing.forms import read
from sdfgen.existing.system import Surroundings, system_of
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.fault import Fault, Faults
from sdfgen.faults.source import Source
from sdfgen.importing.meaning import CODE, differences
from sdfgen.read.element import XmlText
from sdfgen.read.toml import parse
from sdfgen.read.xml import parse_xml
from sdfgen.resolve.needs import board_suffices
from sdfgen.resolve.system import resolve
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.system import System
    from sdfgen.read.toml import Node

UNSAID = "SDF220"


def broken(node: Node, text: str, system: System, folder: str) -> Faults:
    """Return what keeps a description from making a system; nothing where it does.

    The description is read and resolved, the system file is emitted and read again, and the two systems are compared.

    Args:
        node: The description, each value with its place in the system file.
        text: Its text.
        system: The system.
        folder: The folder that the description will be in, where files that it names are looked for.
    """
    faults, found = Faults(), Faults()
    made = made_of(node, system, folder, found)
    faults.extend(_unsaid(fault) for fault in found if fault.severity == "error")
    if made is None or faults.errors:
        return faults
    faults.extend(_otherwise(node, text))
    again = _read_back(made, found)
    faults.extend(_unsaid(fault) for fault in found if fault.severity == "error")
    faults.extend(differences(system, again) if again is not None else ())
    return faults


def made_of(node: Node, system: System, folder: str, faults: Faults) -> System | None:
    """Return what a description makes of itself, judged by all rules; None where it can't be read.

    Args:
        node: The description.
        system: The system that it is to make, for the same board.
        folder: The folder that the description will be in.
        faults: Takes what is wrong with it.
    """
    spec = register.spec().read(node, faults)
    if faults.errors or not board_suffices(spec, system.board, faults):
        return None
    made = resolve(spec, system.board, DIALECTS[spec.system.microkit], folder, faults)
    awaited = {region.name for region in system.regions if region.prefill_made}
    regions = tuple(region._replace(prefill_made=region.name in awaited) for region in made.regions)
    made = made._replace(regions=regions)
    judge.check(made, faults, board_is_known=bool(system.board.name))
    return made


def _unsaid(fault: Fault) -> Fault:
    message = f"a description cannot say this: {fault.message}"
    return Fault(UNSAID, message, fault.where, fault.advice, fault.notes, span=fault.span)


def _otherwise(node: Node, text: str) -> Iterator[Fault]:
    """Yield that a text does not say what it was made from, which would be a defect of what writes it."""
    own = Faults()
    read_again = parse(Source("the description", text), own)
    if read_again is None or _plain(read_again) != _plain(node):
        said = next((fault.message for fault in own), "it reads as other values")
        yield Fault(CODE, f"the description is not written as it was meant: {said}", node.where)


def _plain(node: Node) -> Any:  # noqa: ANN401 - values of TOML
    if isinstance(node.value, dict):
        return {name: _plain(item) for name, item in node.value.items()}
    return [_plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def _read_back(made: System, faults: Faults) -> System | None:
    """Return the system that the emitted file describes; None, with faults, where it is no system file."""
    root = parse_xml(XmlText("the system file that would be built", system_file(made)), faults)
    if root is None:
        return None
    read(root, faults)
    folders = (made.folder, *made.folders)
    return system_of(root, made.name, Surroundings(made.board, made.dialect, made.config, folders, {}))

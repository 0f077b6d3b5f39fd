"""From the name of a system file to a judged system: read, hold against the grammar, choose a version, judge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen import judge
from sdfgen.existing.beside import Beside, not_found, read_beside
from sdfgen.existing.forks import fork_of
from sdfgen.existing.forms import read
from sdfgen.existing.system import Surroundings, system_of
from sdfgen.existing.target import Target, target_of
from sdfgen.existing.text import read_text
from sdfgen.existing.versions import candidates, is_of_version, refused
from sdfgen.existing.wording import in_xml
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.fault import Fault, Faults
from sdfgen.read.element import Element, XmlText
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.existing.forms import Use
    from sdfgen.existing.request import Request
    from sdfgen.existing.text import Read
    from sdfgen.facts.dialects import Dialect
    from sdfgen.model.system import System


class Examined(NamedTuple):
    """A system file with everything made of it.

    Attributes:
        request: What was asked for.
        root: The file's root, with the values of all attributes read; None where the file has none.
        system: The system; None likewise.
        faults: Everything that is wrong.
        files: Every file that was read.
        said: What was taken for granted, in words.
    """

    request: Request
    root: Element | None
    system: System | None
    faults: Faults
    files: tuple[str, ...]
    said: tuple[str, ...] = ()


def examine(request: Request) -> Examined:
    """Read and judge a system file.

    Args:
        request: What to check.
    """
    faults = Faults()
    target = target_of(request.board, request.microkit, request.config, faults)
    text = read_text(request.path, request.includes, faults)
    if text is None or target is None:
        return Examined(request, None, None, faults, ())
    return _Examination(request, target, text, faults).run()


def system_for(request: Request, faults: Faults) -> System | None:
    """Return a system of nothing, for what is asked of a board alone; None, with faults, where there is no such board.

    Args:
        request: The board and the Microkit version.
        faults: Takes names that lead nowhere.
    """
    target = target_of(request.board, request.microkit, request.config, faults)
    dialect = DIALECTS[request.microkit] if target and request.microkit else next(reversed(DIALECTS.values()))
    if target is None:
        return None
    around = Surroundings(target.board, dialect, request.config or "debug", (".",), target.options)
    return system_of(Element("system", {}, XmlText("no system file", ""), ()), "none", around)


class _Examination:
    def __init__(self, request: Request, target: Target, text: Read, faults: Faults) -> None:
        self._request = request
        self._target = target
        self._text = text
        self._faults = faults
        self._files: list[str] = [*text.files]
        self._beside = Beside()

    def run(self) -> Examined:
        """Judge for the version that is asked for, or for the newest that takes the file."""
        root = self._text.root
        fork = fork_of(root)
        if fork.fault is not None:
            self._faults.add(fork.fault)
        uses = read(root, self._faults, fork.forms)
        if fork.fault is not None:
            _forget_domains(root)
        self._faults.extend(_order(root))
        self._faults.extend(_foreign(uses, self._target))
        self._beside = self._read_beside()
        asked = self._request.microkit
        wanted = candidates(uses) if asked is None else [DIALECTS[asked]]
        system, found = self._newest(wanted, uses)
        self._faults.extend(map(in_xml, found))
        self._faults.extend(not_found(system) if self._request.search else ())
        said = tuple(self._said(system, forked=fork.fault is not None))
        return Examined(self._request, root, system, self._faults, tuple(self._files), said)

    def _newest(self, wanted: list[Dialect], uses: list[Use]) -> tuple[System, Faults]:
        """Return what is found for the newest version that refuses least; what a newer one refuses is noted."""
        best = self._judged(wanted[0], uses)
        refusals: list[Fault] = []
        for dialect in wanted[1:]:
            errors = [fault for fault in best[1] if fault.severity == "error"]
            if not errors or not all(map(is_of_version, errors)):
                break
            system, found = self._judged(dialect, uses)
            if found.errors < len(errors):
                message = f"Microkit {best[0].dialect.version} refuses this: {errors[0].message}"
                refusals.append(errors[0]._replace(message=message, severity="note"))
                best = system, found
        best[1].extend(refusals)
        return best

    def _judged(self, dialect: Dialect, uses: list[Use]) -> tuple[System, Faults]:
        system = self._system(dialect)._replace(**self._beside._asdict())
        found = Faults()
        found.extend(self._faults)
        found.extend(refused(uses, dialect, self._target.options.get("microkit")))
        known = self._target.known
        own = Faults()
        own.extend(found)
        judge.check(system, own, board_is_known=known)
        found.extend(fault for fault in own if known or not _of_architecture(fault))
        return system, found

    def _read_beside(self) -> Beside:
        """Read what stands beside the system file; whose it is does not depend on the version."""
        asked = self._request.microkit
        request, system = self._request, self._system(DIALECTS[asked] if asked else next(iter(DIALECTS.values())))
        beside = read_beside(request, self._target.name, system, self._faults)
        self._files += beside.files
        return beside.found

    def _system(self, dialect: Dialect) -> System:
        return system_of(self._text.root, self._name(), self._around(dialect))

    def _name(self) -> str:
        return os.path.splitext(os.path.basename(self._request.path))[0] or "system"

    def _around(self, dialect: Dialect) -> Surroundings:
        folder = os.path.dirname(self._request.path) or "."
        config = self._request.config or self._target.config_for(self._text.root, dialect)
        folders = (folder, *self._request.search)
        return Surroundings(self._target.board, dialect, config, folders, self._target.options)

    def _said(self, system: System, *, forked: bool) -> Iterator[str]:
        version = system.dialect.version
        if self._request.microkit is None:
            how = "all else is judged" if forked else "read"
            yield f"{how} as Microkit {version}, the newest version that takes it"
        if self._request.config is None and system.config != "debug":
            yield f"its cores are those of an smp configuration: judged as for `{system.config}`"
        if self._target.name is None:
            yield "no board was named: what a board decides was not judged (--board NAME)"


def _of_architecture(fault: Fault) -> bool:
    """Tell whether a fault is one on AArch64 only: x86 has boot information of its own."""
    return fault.code == "SDF044" and fault.severity == "warning"


def _forget_domains(root: Element) -> None:
    """Leave out what only a fork's kernel can judge."""
    for element in root.walk():
        if element.tag == "protection_domain":
            element.values.pop("domain", None)


def _order(root: Element) -> Iterator[Fault]:
    """Yield what stands before the domains that it is in: the tool reads once, from above."""
    below = next((number for number, child in enumerate(root.children) if child.tag == "domains"), 0)
    for child in root.children[:below]:
        if child.tag == "protection_domain":
            notes = ((root.children[below].where, "<domains> is here"),)
            message = f"`{child.values.get('name', '?')}` stands before <domains>, which Microkit has to know by then"
            yield Fault("SDF205", message, child.where, "put <domains> first", notes)


def _foreign(uses: list[Use], target: Target) -> Iterator[Fault]:
    """Yield one fault for all that is of x86: Microkit refuses it on other boards, and no rule here knows it."""
    found = [use for use in uses if use.foreign]
    if found and target.known:
        for use in found:
            message = f"{use.what} is for x86, and board `{target.board.name}` is AArch64"
            yield Fault("SDF009", message, use.where, "leave it out")
    elif found:
        message = f"{found[0].what} is for x86, whose interrupts, ports and IO address spaces are read and not judged"
        yield Fault("SDF009", message, found[0].where, "all else is", (), "note")

"""A system as it was built: read from the system file and the manifest of a board's folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.source import Text, Where
from sdfgen.model.microkit import (
    Cap,
    Channel,
    Domains,
    End,
    Irq,
    Map,
    Paddr,
    ProtectionDomain,
    Region,
    ScheduleEntry,
    Setvar,
    Vaddr,
    Vcpu,
    VirtualMachine,
)
from sdfgen.model.system import Patch, Service, System
from sdfgen.outputs import MANIFEST
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from lxml import etree

    from sdfgen.facts.board import Board


class BuiltError(Exception):
    """Why a folder is none that a build made, in words."""


def built_folders(path: str) -> dict[str, str]:
    """Return the boards' folders of a build, by board.

    Args:
        path: A board's folder, or the one around those of all boards.

    Raises:
        BuiltError: When there is none.
    """
    folders = [path, *(os.path.join(path, name) for name in sorted(os.listdir(path)))]
    made = [folder for folder in folders if os.path.isfile(os.path.join(folder, MANIFEST))]
    if not made:
        raise BuiltError(f"{path} is no output folder of a build: no {MANIFEST} is in it")
    return {_manifest(folder)["board"]: folder for folder in (made[:1] if made[0] == path else made)}


def built_system(folder: str) -> System:
    """Return the system that a board's folder was built from.

    What the system file has is there; what guests are beyond their virtual machines is not.

    Args:
        folder: The board's folder.

    Raises:
        BuiltError: When it is not as a build leaves it.
    """
    from lxml import etree

    manifest = _manifest(folder)
    path = os.path.join(folder, f"{manifest['system']}.system")
    try:
        with open(path, "rb") as file:
            content = file.read()
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        root = etree.fromstring(content, parser)
        source = Text(path, content.decode(), path)
        return _Reader(source).system(root, manifest, _board(manifest["board"], folder), folder)
    except OSError as error:
        raise BuiltError(f"{path}: {error.strerror or error}") from error
    except (etree.XMLSyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuiltError(f"{path} is not as sdfgen wrote it: {error}") from error


def _manifest(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        kinds = {"system": str, "board": str, "microkit": str, "config": str, "patches": list, "services": list}
        if all(isinstance(found[key], kind) for key, kind in kinds.items()) and "/" not in found["system"]:
            return dict(found)
    except OSError as error:
        raise BuiltError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BuiltError(f"{path} is no manifest of a build by this version of sdfgen")


def _board(name: str, folder: str) -> Board:
    """Return the board, whose file lies among the tool's or beside the description above the output folder."""
    from sdfgen.facts.board import board_files, load_board
    from sdfgen.faults.fault import Faults
    from sdfgen.subsystems import register

    files = board_files(os.path.dirname(os.path.dirname(os.path.abspath(folder))))
    board = load_board(name, files[name], Faults(), register.board_keys()) if name in files else None
    if board is None:
        raise BuiltError(f"{folder} was built for board {name!r}, which has no file here")
    return board


class _Placed(NamedTuple):
    """An element's place, for all of its attributes."""

    source: Text
    line: int

    def at(self, name: str) -> Where:  # noqa: ARG002 - as all origins are asked
        """Return the place."""
        return Where(self.source, (self.line, 1))

    def given(self, name: str) -> bool:  # noqa: ARG002 - as all origins are asked
        """Tell that the element says it."""
        return True


def _number(element: etree._Element, name: str) -> int | None:
    text = element.get(name)
    return None if text is None else int(text, 0)


def _needed(element: etree._Element, name: str) -> int:
    return int(element.attrib[name], 0)


class _Reader:
    def __init__(self, source: Text) -> None:
        self._source = source

    def _at(self, element: etree._Element) -> _Placed:
        return _Placed(self._source, int(element.sourceline or 1))

    def system(self, root: etree._Element, manifest: dict[str, Any], board: Board, folder: str) -> System:
        """Return the system of a system file and a manifest."""
        domains = root.find("domains")
        return System(
            name=manifest["system"],
            board=board,
            dialect=DIALECTS[manifest["microkit"]],
            config=manifest["config"],
            image="",
            pds=tuple(self._domain(one, None) for one in root.findall("protection_domain")),
            regions=tuple(map(self._region, root.findall("memory_region"))),
            channels=tuple(map(self._channel, root.findall("channel"))),
            domains=None if domains is None else self._domains(domains),
            guests=(),
            guest_timer=None,
            parts={},
            storage=(),
            more_names=(),
            chains={},
            counted=(),
            told_regions=frozenset(),
            patches=tuple(self._patch(one, root) for one in manifest["patches"]),
            elves=(),
            made_images=frozenset(),
            images={},
            folder=folder,
            origin=self._at(root),
            services=tuple(
                Service(one["who"], tuple(one["may"]), one["what"], self._at(root), "") for one in manifest["services"]
            ),
        )

    def _region(self, one: etree._Element) -> Region:
        phys_addr = _number(one, "phys_addr")
        return Region(
            name=one.attrib["name"],
            size_bytes=_number(one, "size"),
            origin=self._at(one),
            page_size_bytes=_number(one, "page_size"),
            phys_addr=None if phys_addr is None else Paddr(phys_addr),
            prefill_path=one.get("prefill_path"),
            prefill_bootinfo=one.get("prefill_bootinfo"),
        )

    def _domain(self, one: etree._Element, parent: str | None) -> ProtectionDomain:
        image, machine, fpu = one.find("program_image"), one.find("virtual_machine"), one.get("fpu")
        name = one.attrib["name"]
        return ProtectionDomain(
            name=name,
            origin=self._at(one),
            program_image=image.attrib["path"],
            path_for_symbols=image.get("path_for_symbols"),
            priority=_number(one, "priority") or 0,
            budget_us=_number(one, "budget"),
            period_us=_number(one, "period"),
            passive=one.get("passive") == "true",
            stack_size_bytes=_number(one, "stack_size"),
            smc=one.get("smc") == "true",
            cpu=_number(one, "cpu"),
            fpu=None if fpu is None else fpu == "true",
            domain=one.get("domain"),
            id=_number(one, "id"),
            setvar_id=one.get("setvar_id"),
            parent=parent,
            maps=tuple(map(self._map, one.findall("map"))),
            irqs=tuple(map(self._irq, one.findall("irq"))),
            setvars=tuple(
                Setvar(s.attrib["symbol"], s.attrib["region_paddr"], self._at(s)) for s in one.findall("setvar")
            ),
            caps=tuple(map(self._cap, one.findall("cspace/*"))),
            vm=None if machine is None else self._machine(machine),
            children=tuple(self._domain(child, name) for child in one.findall("protection_domain")),
        )

    def _map(self, one: etree._Element) -> Map:
        return Map(
            region=one.attrib["mr"],
            vaddr=Vaddr(_needed(one, "vaddr")),
            origin=self._at(one),
            perms=one.get("perms", "rw"),
            cached=one.get("cached") != "false",
            setvar_vaddr=one.get("setvar_vaddr"),
            setvar_size=one.get("setvar_size"),
            setvar_prefill_size=one.get("setvar_prefill_size"),
        )

    def _irq(self, one: etree._Element) -> Irq:
        trigger = one.get("trigger", "level")
        return Irq(_needed(one, "irq"), _needed(one, "id"), self._at(one), trigger, one.get("setvar_id"))

    def _cap(self, one: etree._Element) -> Cap:
        return Cap(one.tag.removeprefix("cap_"), _needed(one, "slot"), one.attrib["pd"], self._at(one))

    def _machine(self, one: etree._Element) -> VirtualMachine:
        return VirtualMachine(
            name=one.attrib["name"],
            origin=self._at(one),
            vcpus=tuple(
                Vcpu(_needed(cpu, "id"), self._at(cpu), _number(cpu, "cpu"), cpu.get("setvar_id"))
                for cpu in one.findall("vcpu")
            ),
            maps=tuple(map(self._map, one.findall("map"))),
            priority=_number(one, "priority") or 0,
            budget_us=_number(one, "budget"),
            period_us=_number(one, "period"),
        )

    def _channel(self, one: etree._Element) -> Channel:
        return Channel(tuple(map(self._end, one.findall("end"))), self._at(one))

    def _end(self, one: etree._Element) -> End:
        notify = one.get("notify") != "false"
        called = one.get("pp") == "true"
        return End(one.attrib["pd"], _needed(one, "id"), self._at(one), called, notify, one.get("setvar_id"))

    def _domains(self, one: etree._Element) -> Domains:
        schedule = one.find("domain_schedule")
        entries = (
            ScheduleEntry(e.get("domain"), e.get("duration"), e.tag == "schedule_end_marker", self._at(e))
            for e in schedule
            if isinstance(e.tag, str)
        )
        names = one.findall("domain")
        return Domains(
            names=tuple(name.attrib["name"] for name in names),
            schedule=tuple(entries),
            start_index=_number(schedule, "start_index") or 0,
            index_shift=_number(schedule, "index_shift"),
            origin=self._at(one),
            ids=tuple(_number(name, "id") for name in names),
        )

    def _patch(self, record: dict[str, Any], root: etree._Element) -> Patch:
        return Patch(record["elf"], record["symbol"], _value(record["value"]), None, self._at(root), record["why"])


def _value(written: str | list[str] | None) -> int | tuple[int, ...] | str | None:
    """Return a value as the manifest writes it: numbers in hexadecimal."""
    if isinstance(written, list):
        return tuple(int(one, 16) for one in written)
    return int(written, 16) if written is not None and written.startswith("0x") else written

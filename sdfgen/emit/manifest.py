"""The manifest: every input, output, address and patch of a build, and where each comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sdfgen import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sdfgen.model.microkit import Map, Origin, ProtectionDomain, Vcpu
    from sdfgen.model.system import System

Record = dict[str, Any]
SEAL = "sha256"
_END = "\n}\n"


def manifest(
    system: System,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    patches: Mapping[str, list[Record]],
    names: Mapping[str, str],
    more: Mapping[str, list[Record]],
    tools: Mapping[str, str],
) -> str:
    """Return the text of `manifest.json`.

    Args:
        system: The system.
        inputs: SHA-256 of every file read, by name.
        outputs: SHA-256 of every file made, by path in the board's folder.
        patches: What was patched, by ELF.
        names: The name of each file of the description that is the same on every machine, by its path.
        more: Further sections: what subsystems have to say.
        tools: Version of each program and library that took part, by name.
    """
    decides = decided(system, patches, names, more)
    sections = {
        "tools": [{"name": name, "version": version} for name, version in sorted(tools.items())],
        "inputs": [{"file": name, "sha256": digest} for name, digest in sorted(inputs.items())],
        "outputs": [{"file": name, "sha256": digest} for name, digest in sorted(outputs.items())],
    }
    return text_of({**head(system), **sections, **decides})


def sealed(text: str, digest: Callable[[bytes], str]) -> str:
    """Return a manifest with its own SHA-256 at its end, so that one that was edited is told from one that was not.

    Args:
        text: The manifest.
        digest: Returns the SHA-256 of some bytes.
    """
    body = text.removesuffix(_END)
    return f'{body},\n  "{SEAL}": "{digest(body.encode())}"{_END}'


def unsealed(text: str) -> str:
    """Return what the SHA-256 at a manifest's end is of.

    Args:
        text: The manifest.
    """
    return text.rpartition(f',\n  "{SEAL}": ')[0]


def head(system: System) -> dict[str, str]:
    """Return what the manifest begins with: who made it of what.

    Args:
        system: The system.
    """
    return {
        "generator": f"sdfgen {__version__}",
        "system": system.name,
        "board": system.board.name,
        "microkit": system.dialect.version,
        "config": system.config,
    }


def decided(
    system: System,
    patches: Mapping[str, list[Record]],
    names: Mapping[str, str],
    more: Mapping[str, list[Record]],
) -> dict[str, list[Record]]:
    """Return the sections that follow from the system.

    Args:
        system: The system.
        patches: What was patched, by ELF.
        names: The name of each file of the description that is the same on every machine, by its path.
        more: Further sections: what subsystems have to say.
    """
    places = _Places(names)
    return {
        "regions": list(_regions(system, places)),
        "maps": list(_maps(system, places)),
        "channels": list(_channels(system, places)),
        "interrupts": list(_interrupts(system, places)),
        "services": list(_services(system, places)),
        "cores": list(_cores(system, places)),
        **more,
        "patches": list(_patches(system, patches, places)),
        "board_facts_of_sdk": [
            {"key": fact.key, "value": fact.value, "from": f"MICROKIT_SDK/{fact.file}"} for fact in system.board.filled
        ],
    }


def text_of(content: Mapping[str, Any]) -> str:
    """Return a manifest as it is written: a line for each value and each record.

    Args:
        content: Values and sections by name.
    """
    lines = [
        _section(name, value) if isinstance(value, list) else f"  {json.dumps(name)}: {json.dumps(value)}"
        for name, value in content.items()
    ]
    return "{\n" + ",\n".join(lines) + _END


def _section(name: str, records: list[Record]) -> str:
    """Write one record a line: short to read, short to diff.

    The encoder runs once for all of them, with line ends for commas: inside JSON text there are no others.
    """
    if not records:
        return f'  "{name}": []'
    text = json.dumps(records, separators=(",\n", ": "))
    rows = [row.replace(",\n", ", ") for row in text[1:-1].split("},\n{")]
    return f'  "{name}": [\n    ' + "},\n    {".join(rows) + "\n  ]"


class _Places:
    """Where things stand in the description, in the same words on every machine."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._known: dict[tuple[int, str], str] = {}

    def of(self, origin: Origin, key: str) -> str:
        """Return file and path of a key; the many maps of one table are asked for once."""
        known = (id(origin), key)
        if known not in self._known:
            where = origin.at(key)
            name = where.source.name
            self._known[known] = f"{self._names.get(name, name)}: {where.text}".rstrip(": ")
        return self._known[known]


def _regions(system: System, places: _Places) -> Iterator[Record]:
    for region in system.regions:
        yield {
            "name": region.name,
            "size_bytes": region.size_bytes,
            "phys_addr": None if region.phys_addr is None else hex(region.phys_addr),
            "why": region.why or "chosen by Microkit",
            "from": places.of(region.origin, "phys_addr"),
        }


def _maps(system: System, places: _Places) -> Iterator[Record]:
    def record(kind: str, owner: str, m: Map) -> Record:
        return {
            kind: owner,
            "region": m.region,
            "vaddr" if kind == "pd" else "gpa": hex(m.vaddr),
            "why": m.why,
            "from": places.of(m.origin, "vaddr"),
        }

    for pd in system.all_pds():
        yield from (record("pd", pd.name, m) for m in pd.maps)
        if pd.vm is not None:
            yield from (record("vm", pd.vm.name, m) for m in pd.vm.maps)


def _channels(system: System, places: _Places) -> Iterator[Record]:
    for channel in system.channels:
        yield {
            "ends": [[end.pd, end.id] for end in channel.ends],
            "from": places.of(channel.origin, "ends"),
        }


def _interrupts(system: System, places: _Places) -> Iterator[Record]:
    for pd in system.all_pds():
        for irq in pd.irqs:
            yield {"pd": pd.name, "irq": irq.irq, "id": irq.id, "from": places.of(irq.origin, "irq")}


def _services(system: System, places: _Places) -> Iterator[Record]:
    """Yield what somebody may do through others; a build is compared with another by these too."""
    for one in system.services:
        yield {"who": one.who, "may": list(one.may), "what": one.what, "from": places.of(one.origin, one.key)}


def _cores(system: System, places: _Places) -> Iterator[Record]:
    """Yield the core of every protection domain and virtual CPU; nothing where there is one core."""

    def end(thread: ProtectionDomain | Vcpu) -> Record:
        default = "Microkit's default" if thread.cpu is None else "description"
        return {"from": places.of(thread.origin, "cpu"), "why": thread.core_why or default}

    for pd in system.all_pds() if system.core_count > 1 else ():
        yield {"pd": pd.name, "core": pd.cpu or 0, **end(pd)}
        if pd.vm is not None:
            for vcpu, core in zip(pd.vm.vcpus, system.vcpu_cores(pd), strict=True):
                yield {"vm": pd.vm.name, "vcpu": vcpu.id, "core": core, **end(vcpu)}


def _told(value: int | tuple[int, ...] | str | None) -> str | list[str] | None:
    if isinstance(value, int):
        return hex(value)
    return [hex(number) for number in value] if isinstance(value, tuple) else value


def _patches(system: System, done: Mapping[str, list[Record]], places: _Places) -> Iterator[Record]:
    """Join what was asked for with what the patcher recorded; without a record the patch still waits."""
    records = {(elf, record["symbol"]): record for elf, rows in done.items() for record in rows}
    for patch in system.patches:
        record = records.get((patch.elf, patch.symbol), {})
        yield {
            "elf": patch.elf,
            "symbol": patch.symbol,
            "value": _told(patch.value),
            "why": patch.expression,
            "from": places.of(patch.origin, "value"),
            "state": "done" if record else "waits for the ELF" if patch.value is not None else "waits for the address",
            **{name: record[name] for name in ("vaddr", "file_offset", "old", "new") if name in record},
        }

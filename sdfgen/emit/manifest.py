"""The manifest: every input, output, address and patch of a build, and where each comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sdfgen import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.model import Map, Origin, System

Record = dict[str, Any]


def manifest(
    system: System,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    patches: Mapping[str, list[Record]],
    names: Mapping[str, str],
) -> str:
    """Return the text of `manifest.json`.

    Args:
        system: The system.
        inputs: SHA-256 of every file read, by name.
        outputs: SHA-256 of every file made, by path in the board's folder.
        patches: What was patched, by ELF.
        names: The name of each file of the description that is the same on every machine, by its path.
    """
    sections = {
        "inputs": [{"file": name, "sha256": digest} for name, digest in sorted(inputs.items())],
        "outputs": [{"file": name, "sha256": digest} for name, digest in sorted(outputs.items())],
        "regions": list(_regions(system, names)),
        "maps": list(_maps(system, names)),
        "uio_maps": list(_uio_maps(system)),
        "channels": list(_channels(system, names)),
        "interrupts": list(_interrupts(system, names)),
        "patches": list(_patches(system, patches, names)),
    }
    head = {
        "generator": f"sdfgen {__version__}",
        "system": system.name,
        "board": system.board.name,
        "microkit": system.dialect.version,
        "config": system.config,
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    lines += [_section(name, records) for name, records in sections.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _section(name: str, records: list[Record]) -> str:
    """Write one record a line: short to read, short to diff, fast to make."""
    if not records:
        return f'  "{name}": []'
    rows = ",\n".join(f"    {_row(record)}" for record in records)
    return f'  "{name}": [\n{rows}\n  ]'


def _row(record: Record) -> str:
    """Return a record as JSON; most values are text, for which the whole encoder is not needed."""
    quoted = json.encoder.encode_basestring_ascii
    values = (quoted(v) if isinstance(v, str) else json.dumps(v) if v is not None else "null" for v in record.values())
    return "{" + ", ".join(f'"{key}": {value}' for key, value in zip(record, values, strict=True)) + "}"


def _place(origin: Origin, key: str, names: Mapping[str, str]) -> str:
    where = origin.at(key)
    name = where.source.name
    return f"{names.get(name, name)}: {where.text}".rstrip(": ")


def _regions(system: System, names: Mapping[str, str]) -> Iterator[Record]:
    for region in system.regions:
        yield {
            "name": region.name,
            "size_bytes": region.size_bytes,
            "phys_addr": None if region.phys_addr is None else hex(region.phys_addr),
            "why": region.why or "chosen by Microkit",
            "from": _place(region.origin, "phys_addr", names),
        }


def _maps(system: System, names: Mapping[str, str]) -> Iterator[Record]:
    def record(kind: str, owner: str, m: Map) -> Record:
        return {
            kind: owner,
            "region": m.region,
            "vaddr" if kind == "pd" else "gpa": hex(m.vaddr),
            "why": m.why,
            "from": _place(m.origin, "vaddr", names),
        }

    for pd in system.all_pds():
        yield from (record("pd", pd.name, m) for m in pd.maps)
        if pd.vm is not None:
            yield from (record("vm", pd.vm.name, m) for m in pd.vm.maps)


def _uio_maps(system: System) -> Iterator[Record]:
    if system.block is None:
        return
    driver = system.block.driver
    for m in driver.maps:
        yield {
            "device": driver.devices[m.device],
            "map": m.number,
            "name": m.name,
            "gpa": hex(m.gpa),
            "size_bytes": m.size_bytes,
            "region": m.region,
        }


def _channels(system: System, names: Mapping[str, str]) -> Iterator[Record]:
    for channel in system.channels:
        yield {
            "ends": [{"pd": end.pd, "id": end.id} for end in channel.ends],
            "from": _place(channel.origin, "ends", names),
        }


def _interrupts(system: System, names: Mapping[str, str]) -> Iterator[Record]:
    for pd in system.all_pds():
        for irq in pd.irqs:
            yield {"pd": pd.name, "irq": irq.irq, "id": irq.id, "from": _place(irq.origin, "irq", names)}


def _patches(system: System, done: Mapping[str, list[Record]], names: Mapping[str, str]) -> Iterator[Record]:
    """Join what was asked for with what the patcher recorded; without a record the patch still waits."""
    records = {(elf, record["symbol"]): record for elf, rows in done.items() for record in rows}
    for patch in system.patches:
        record = records.get((patch.elf, patch.symbol), {})
        yield {
            "elf": patch.elf,
            "symbol": patch.symbol,
            "value": None if patch.value is None else hex(patch.value),
            "why": patch.why,
            "from": _place(patch.origin, "value", names),
            "state": "done" if record else "waits for the ELF" if patch.value is not None else "waits for the address",
            **{name: record[name] for name in ("vaddr", "file_offset", "old", "new") if name in record},
        }

"""Values for symbols of ELFs, and the ELFs that take them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.model.system import Patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model.system import System
    from sdfgen.spec.description import PatchTable
    from sdfgen.subsystems.roles import ElfPatch, ElfValue

ADDRESS_BYTES = 8


def own_patches(system: System, wanted: Iterable[ElfPatch], known: Iterable[ElfValue]) -> Iterator[Patch]:
    """Yield the patches that subsystems ask for.

    Args:
        system: The system, with every address that is known.
        wanted: The addresses that they ask for.
        known: The values that they have themselves.
    """
    regions = system.region_index()
    for patch in wanted:
        value = regions[patch.region].phys_addr
        expression = f"phys_addr('{patch.region}')"
        yield Patch(patch.elf, patch.symbol, value, ADDRESS_BYTES, patch.origin, expression, (patch.region,))
    for one in known:
        yield Patch(one.elf, one.symbol, one.value, one.size_bytes, one.origin, one.why)


def written_patches(system: System, tables: tuple[PatchTable, ...], faults: Faults) -> Iterator[Patch]:
    """Yield the patches that the description writes; a value that cannot be computed is a fault."""
    for table in tables:
        if table.given("value") == table.given("text"):
            which = "both `value` and `text`" if table.given("text") else "neither `value` nor `text`"
            faults.add(Fault("SDF143", f"a patch has {which}", table.where, "give one of them"))
        elif table.text is not None:
            yield Patch(table.elf, table.symbol, table.text, table.size, table, table.text, written=True)
        elif table.value is not None:
            yield from _computed(system, table, table.value, faults)


def _computed(
    system: System, table: PatchTable, written: int | str | tuple[int | str, ...], faults: Faults
) -> Iterator[Patch]:
    numbers = [number for number in _items(written) if isinstance(number, int)]
    text = f"[{', '.join(map(str, written))}]" if isinstance(written, tuple) else str(written)
    if len(numbers) == len(_items(written)):
        yield Patch(
            table.elf,
            table.symbol,
            tuple(numbers) if isinstance(written, tuple) else numbers[0],
            table.size,
            table,
            text,
            written=True,
        )
        return
    from sdfgen.resolve.expressions import ExpressionError, UnknownYet, evaluate, evaluate_all, regions_in

    value = None
    try:
        value = evaluate_all(text, system) if isinstance(written, tuple) else evaluate(text, system)
    except UnknownYet:
        pass
    except ExpressionError as error:
        advice = "see `[[patch]]` in docs/reference.md"
        faults.add(Fault("SDF017", f"value {text!r}: {error}", table.at("value"), advice))
        return
    yield Patch(table.elf, table.symbol, value, table.size, table, text, tuple(sorted(regions_in(text))), written=True)


def _items(written: int | str | tuple[int | str, ...]) -> tuple[int | str, ...]:
    return written if isinstance(written, tuple) else (written,)


def images_of(system: System, patches: tuple[Patch, ...], faults: Faults) -> dict[str, str]:
    """Find the ELFs to patch; a program image that is not there yet waits, anything else is a fault."""
    found = {}
    awaited = {*system.elves, *(pd.program_image for pd in system.all_pds())}
    for patch in {patch.elf: patch for patch in patches}.values():
        if os.path.isabs(patch.elf) or ".." in patch.elf.split("/") or not patch.elf.isprintable():
            message = f"{patch.elf!r} leaves the folder of the description"
            faults.add(Fault("SDF018", message, patch.origin.at("elf"), "give a path below the description"))
        elif patch.elf not in system.elves and os.path.isfile(os.path.join(system.folder, patch.elf)):
            found[patch.elf] = patch.elf
        elif patch.elf not in awaited:
            near = suggestion(patch.elf, awaited)
            message = f"no ELF {patch.elf!r} beside the description{near}"
            faults.add(Fault("SDF018", message, patch.origin.at("elf"), "name a program image or an existing file"))
    return found

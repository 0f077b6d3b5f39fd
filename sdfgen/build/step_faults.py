"""What a failed step has to do with the description."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from sdfgen import outputs
from sdfgen.build.graph import LINUX, sources
from sdfgen.build.toolchain import LIBVMM, SDK
from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Text, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sdfgen.build.plan import Plan
    from sdfgen.build.run_ninja import Failed
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.model.system import System

CODE: Final = "SDF161"
_COMPLAINT: Final = re.compile(
    r"(?P<file>[^:\s][^:\n]*):(?P<line>\d+):(?P<column>\d+): (?:fatal )?error: (?P<words>.*)"
)
_TELLING: Final = re.compile(r"error: |not found|No such file|cannot |sdfgen: ")
_OWN: Final = re.compile(r"^sdfgen: [^:]*: ")
_SHOWN_NOTES: Final = 3


class _Step(NamedTuple):
    """What a step makes: in words, and where in the description that is asked for."""

    what: str
    where: Where


def step_faults(system: System, toolchain: Toolchain, plan: Plan, failed: Sequence[Failed], folder: str) -> list[Fault]:
    """Return the faults of failed steps; those that fail alike count once.

    Args:
        system: The system.
        toolchain: What the steps were done with.
        plan: What was to be made.
        failed: The steps.
        folder: Where they ran.
    """
    steps = _steps(system, toolchain, plan)
    alike: dict[str, list[Failed]] = {}
    for one in failed:
        alike.setdefault(_words(one.said), []).append(one)
    log = os.path.join(folder, outputs.FAILED_LOG)
    return [_fault(system, steps, words, found, log) for words, found in alike.items()]


def _fault(system: System, steps: dict[str, _Step], words: str, failed: Sequence[Failed], log: str) -> Fault:
    first = failed[0]
    named = [steps[name] for name in first.outputs if name in steps]
    step = named[0] if named else _Step(f"make {', '.join(first.outputs)}", system.origin.at("name"))
    what = step.what if first.outputs else "the build graph cannot be run"
    more = f" (and {len(failed) - 1} more steps fail alike)" if len(failed) > 1 else ""
    advice = f"all that it wrote is in {log}"
    return Fault(CODE, f"{what}: {words}{more}", step.where, advice, tuple(_notes(first.said, os.path.dirname(log))))


def _words(said: str) -> str:
    """Return what matters of what a program wrote: the first line that tells, or the first."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaint = _COMPLAINT.search(said)
    if complaint:
        return complaint["words"]
    return _OWN.sub("", next((line for line in lines if _TELLING.search(line)), lines[0] if lines else "it failed"))


def _notes(said: str, folder: str) -> Iterator[tuple[Where, str]]:
    """Yield the places that a compiler complains about."""
    base = os.path.dirname(folder)
    for match in list(_COMPLAINT.finditer(said))[:_SHOWN_NOTES]:
        path = os.path.normpath(os.path.join(base, match["file"]))
        yield Where(Text(path, _text(path), path), (int(match["line"]), int(match["column"]))), match["words"]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _steps(system: System, toolchain: Toolchain, plan: Plan) -> dict[str, _Step]:
    """Return what each output of a step is, by its path in the board's folder.

    When the tool's own C does not compile, what the user brings is to blame: the SDK's headers, or the compiler.
    """
    compiler = toolchain.places.get("cc", system.origin.at("name"))
    brought = next((toolchain.places[name] for name in (LIBVMM, SDK) if name in toolchain.places), compiler)
    found = {outputs.LIBRARY: _Step(f"make {outputs.LIBRARY}", brought)}
    of_table = dict(plan.tables)
    for program in plan.compiled:
        of_table |= dict.fromkeys(program.tables, program.origin)
        for name in (f"{outputs.OBJECT_FOLDER}/{program.elf}", outputs.elf(program.elf)):
            found[name] = _Step(f"link {program.elf}", program.origin.at("name"))
    for flavour, source in sources(plan, toolchain):
        origin = of_table.get(source)
        of_tool = compiler if flavour == LINUX else brought
        where = of_tool if origin is None else origin.at("name")
        found[outputs.object_of(flavour, source)] = _Step(f"compile {source}", where)
    for files in plan.guests.values():
        guest = files.guest
        made = {files.tree: "dtb", files.initrd: "initrd", outputs.guest_object(guest.name): "kernel"}
        found |= {name: _Step(f"make {name}", guest.origin.at(key)) for name, key in made.items() if name is not None}
    for patch in system.patches:
        found[outputs.elf(patch.elf)] = _Step(f"patch {patch.elf}", patch.origin.at("elf"))
    return found


def log_text(failed: Iterable[Failed]) -> str:
    """Return all that failed steps wrote."""
    return "".join(f"{' '.join(one.outputs)}:\n{one.said}\n\n" for one in failed)

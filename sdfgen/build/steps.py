"""Does the steps of a board's graph, and holds what they make against the system."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.build.digest import digest
from sdfgen.build.errors import BuildFaultsError
from sdfgen.build.graph import made_elves
from sdfgen.build.job import add, generated
from sdfgen.build.publish import write_files
from sdfgen.faults.fault import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.build.job import Job
    from sdfgen.image.extents import Extents, UnknownFormError
    from sdfgen.model.system import Patch


def do_steps(job: Job) -> Job:
    """Make ELFs and, if all program images are there, the bootable image."""
    _run(job)
    _verify(job)
    if not job.plan.packed:
        return job
    extents = _pack(job)
    is_learned = extents is not None and any(patch.value is None for patch in job.system.patches)
    return _with_learned(job, extents) if extents is not None and is_learned else job


def _run(job: Job, *targets: str) -> None:
    """Do steps; those that fail become faults, and what they wrote is kept for whoever wants to read it."""
    from sdfgen.build.patch_faults import patch_faults
    from sdfgen.build.run_ninja import run_ninja

    of_patcher = {outputs.patch_record(step): outputs.patch_faults(step) for step in outputs.PATCH_STEPS}
    for name in (outputs.FAILED_LOG, *of_patcher.values()):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(job.work, name))
    failed = run_ninja(job.work, job.run(), *targets)
    told = patch_faults(job.system, job.work)
    if failed:
        from sdfgen.build.step_faults import log_text, step_faults

        for name in (name for step in failed for name in step.outputs):
            with suppress(OSError):  # half a result, which Ninja would take for a whole one
                os.unlink(os.path.join(job.work, name))
        write_files(job.work, {outputs.FAILED_LOG: log_text(failed).encode()})
        said = {record for record, name in of_patcher.items() if os.path.exists(os.path.join(job.work, name))}
        others = [step for step in failed if not said & {*step.outputs}]
        told += step_faults(job.system, job.toolchain, job.plan, others, job.work)
    add(told, job.faults)


def _verify(job: Job) -> None:
    from sdfgen.verify.board import disagreements

    _agree(job, disagreements(job.system, job.work))


def _agree(job: Job, disagreements: Iterable[Fault]) -> None:
    """Tell where what was made is not what was decided: then this program is wrong."""
    where = job.system.origin.at("name")
    said = [f"{fault.where.source.name}: {fault.message}" for fault in disagreements]
    add((Fault("SDF162", words, where, "please report this") for words in said), job.faults)


def _pack(job: Job) -> Extents | None:
    """Run the Microkit tool on program images that fit, and hold its report against the system.

    Returns:
        What the report says; None, and a warning, when nobody needs to know it and it is not understood.
    """
    from sdfgen.image.capdl import CapdlSpec
    from sdfgen.image.extents import UnknownFormError
    from sdfgen.image.placed import read_placed, source
    from sdfgen.image.programs import program_faults
    from sdfgen.image.slots import slot_faults
    from sdfgen.image.tool_faults import tool_faults
    from sdfgen.verify.made import Made
    from sdfgen.verify.report import misplaced

    add(program_faults(job.system, lambda name: _program(job, name), job.plan.linked), job.faults)
    log = os.path.join(job.work, outputs.TOOL_LOG)
    stale = () if job.system.dialect.writes_capdl else (os.path.join(job.work, outputs.CAPDL),)
    for path in (log, *stale):
        with suppress(FileNotFoundError):
            os.unlink(path)
    try:
        _run(job._replace(faults=(failed := Faults())), "image")
    except BuildFaultsError:
        if os.path.exists(log):
            system_file = os.path.join(job.work, f"{job.system.name}.system")
            add(tool_faults(job.system, _text(log), _text(system_file)), job.faults)
        add(failed, job.faults)
    try:
        placed = read_placed(job.work)
    except UnknownFormError as error:
        add(_unread(job, error), job.faults)
        return None
    if isinstance(placed, CapdlSpec):
        add(slot_faults(job.system, placed, _text(log) if os.path.exists(log) else ""), job.faults)
    extents = placed.extents()
    add(_untold(job, extents), job.faults)
    _agree(job, misplaced(job.system, extents, Made(job.work), source(job.work)))
    return extents


def _program(job: Job, name: str) -> str:
    """Return where a program image is that the tool is given."""
    made = os.path.join(job.work, outputs.elf(name))
    return made if name in made_elves(job.system, job.plan) else os.path.join(job.folder, name)


def _with_learned(job: Job, extents: Extents) -> Job:
    """Patch the addresses that Microkit chose, pack again, and see that nothing moved."""
    from sdfgen.image.extents import EMPTY
    from sdfgen.image.learned import with_learned

    job = job._replace(system=with_learned(job.system, extents.regions))
    add((_unlearned(job, patch) for patch in job.system.patches if patch.value is None), job.faults)
    files = generated(job)
    write_files(job.work, files)
    _run(job)
    _verify(job)
    again = _pack(job) or EMPTY
    moved = sorted(name for name, extent in again.regions.items() if extents.regions.get(name) != extent)
    if again != extents:
        message = f"patching moved what Microkit had placed: {', '.join(moved) or 'program images'}"
        add([Fault("SDF163", message, job.system.origin.at("name"), _LEARNED_ADVICE)], job.faults)
    return job._replace(digests={name: digest(data) for name, data in files.items()})


_LEARNED_ADVICE = 'give the region a phys_addr, or let sdfgen place it: physical_addresses = "assigned"'
_SETVAR_ADVICE = (
    "name the region in a [[setvar]] with `region_paddr`, for which Microkit chooses, or give it a phys_addr"
)


def _untold(job: Job, extents: Extents) -> Iterator[Fault]:
    """Yield the regions that somebody is told of, and that have no one address."""
    from sdfgen.image.learned import untold

    advice = _SETVAR_ADVICE if job.system.dialect.writes_capdl else _LEARNED_ADVICE
    for region, message in untold(job.system, extents):
        yield Fault("SDF163", message, region.origin.at(region.key or "name"), advice)


def _unlearned(job: Job, patch: Patch) -> Fault:
    from sdfgen.image.placed import source

    message = f"{source(job.work)} of the Microkit tool does not say what to patch: {patch.expression}"
    advice = _SETVAR_ADVICE if job.system.dialect.writes_capdl else _LEARNED_ADVICE
    return Fault("SDF163", message, patch.origin.at("value"), advice)


def _unread(job: Job, error: UnknownFormError) -> Iterator[Fault]:
    """Yield that the tool is not understood: an error where it should tell an address, or else a warning."""
    from sdfgen.image.placed import source

    message = f"{source(job.work)} of the Microkit tool has a form that is not known here: {error}"
    waiting = [patch.origin.at("value") for patch in job.system.patches if patch.value is None]
    if waiting:
        notes = tuple((place, "neither can this be learned") for place in waiting[1:])
        yield Fault("SDF163", f"an address can't be learned: {message}", waiting[0], _LEARNED_ADVICE, notes)
    else:
        message += "; where regions lie was not compared"
        advice = f"see whether the SDK's tool is that of Microkit {job.system.dialect.version}"
        yield Fault("SDF163", message, job.system.origin.at("name"), advice, severity="warning")


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()

"""Build phase: files and ELFs for every board, incrementally, published only when all of it is good."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.build.digest import digest, file_digest
from sdfgen.build.errors import BuildError, BuildFaultsError
from sdfgen.build.graph import build_file, known_patches, made_elves, sources
from sdfgen.build.plan import plan
from sdfgen.build.publish import make_links, publish, write_files
from sdfgen.build.toolchain import find_toolchain, toolchain_faults
from sdfgen.emit.manifest import manifest, sealed
from sdfgen.facts.data import data_path
from sdfgen.generate import generated_files, manifest_records
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sdfgen.build.plan import Plan
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.describe import Description
    from sdfgen.faults.fault import Fault, Faults
    from sdfgen.image.report import Extents
    from sdfgen.model.system import System


class Options(NamedTuple):
    """How a build is done.

    Attributes:
        out: The output folder.
        compile: Compile, patch and pack too.
        jobs: Steps at once; 0 lets Ninja choose.
    """

    out: str
    compile: bool = True
    jobs: int = 0


class Result(NamedTuple):
    """What was made for one board.

    Attributes:
        system: The system.
        folder: Where its files are.
        files: Their relative paths.
        inputs: Paths of everything they were made from.
        waiting: What was not made, and what it waits for.
    """

    system: System
    folder: str
    files: tuple[str, ...]
    inputs: tuple[str, ...]
    waiting: tuple[str, ...]


class _Job(NamedTuple):
    system: System
    faults: Faults
    toolchain: Toolchain
    plan: Plan
    work: str
    final: str
    folder: str
    digests: dict[str, str]


def build(description: Description, options: Options) -> list[Result]:
    """Build every board of a description that has no errors.

    Nothing is published before the files of all boards are made. What is found on the way joins the description's
    faults.

    Args:
        description: The description.
        options: Where to and how.

    Raises:
        BuildError: When a step fails or an error is found; what was published before stays whole.
        OSError: When files cannot be written.
    """
    jobs = [_prepare(description, board, system, options) for board, system in description.systems.items()]
    if options.compile:
        jobs = [_compile(job, options) for job in jobs]
    finished = [_finish(description, job, options) for job in jobs]
    for job, files in zip(jobs, finished, strict=True):
        publish(job.work, job.final, files, _elves(job), _links())
    return [
        Result(
            system=job.system,
            folder=job.final,
            files=files,
            inputs=(*_inputs(description, job).values(), job.system.board.path, *_sdk_files(job).values()),
            waiting=job.plan.waiting if options.compile else (),
        )
        for job, files in zip(jobs, finished, strict=True)
    ]


def _prepare(description: Description, board: str, system: System, options: Options) -> _Job:
    """Write the generated files into the working folder, which lies beside the published one."""
    folder = os.path.dirname(description.path) or "."
    final = os.path.join(options.out, board)
    work = os.path.join(options.out, f".{board}")
    table = description.specs[board].toolchain
    toolchain = find_toolchain(table, system)
    _add(toolchain_faults(toolchain, table, system), description.faults)
    planned = plan(system, toolchain)
    files = _generated(system, toolchain, planned, _up(folder, final))
    digests = {name: digest(data) for name, data in files.items()}
    job = _Job(system, description.faults, toolchain, planned, work, final, folder, digests)
    stamp = json.dumps([toolchain.microkit_sdk, toolchain.libvmm, _digests(_sdk_files(job))])
    write_files(work, files | {outputs.SDK_STAMP: stamp.encode()})
    make_links(work, _links())
    return job


def _generated(system: System, toolchain: Toolchain, planned: Plan, up: str) -> dict[str, bytes]:
    """Return the generated files, and the graph that makes the rest of them."""
    graph = build_file(system, toolchain, planned, up)
    return generated_files(system) | {outputs.GRAPH: graph.encode()}


def _links() -> dict[str, str]:
    """Return the links in a board's folder, and where they lead."""
    return {outputs.C_FOLDER: data_path("templates", "c")}


def _up(folder: str, final: str) -> str:
    """Return the path from the published folder to the description's, where `..` leads: past no symbolic link."""
    return os.path.relpath(os.path.realpath(folder), os.path.realpath(final))


def _add(found: Iterable[Fault], faults: Faults) -> None:
    """Add what was found; an error ends the build."""
    faults.extend(found)
    if faults.errors:
        raise BuildFaultsError(f"{faults.errors} errors")


def _compile(job: _Job, options: Options) -> _Job:
    """Make ELFs and, if all program images are there, the bootable image."""
    from sdfgen.build.run_ninja import run_ninja

    run_ninja(job.work, options.jobs, job.toolchain)
    _verify(job)
    if not job.plan.packed:
        return job
    extents = _pack(job, options)
    return _with_learned(job, options, extents) if any(p.value is None for p in job.system.patches) else job


def _verify(job: _Job) -> None:
    from sdfgen.verify.board import disagreements

    _agree(disagreements(job.system, job.work))


def _agree(disagreements: Iterable[Fault]) -> None:
    found = [f"{fault.where.source.name}: {fault.message}" for fault in disagreements]
    if found:
        raise BuildError("what was made is not what was decided; please report this:\n" + "\n".join(found))


def _pack(job: _Job, options: Options) -> Extents:
    """Run the Microkit tool on program images that fit, and hold its report against the system."""
    from sdfgen.build.run_ninja import run_ninja
    from sdfgen.image.programs import program_faults
    from sdfgen.image.report import read_extents
    from sdfgen.image.tool_faults import tool_faults
    from sdfgen.verify.made import Made
    from sdfgen.verify.report import misplaced

    _add(program_faults(job.system, lambda name: _program(job, name), job.plan.linked), job.faults)
    log = os.path.join(job.work, outputs.TOOL_LOG)
    with suppress(FileNotFoundError):
        os.unlink(log)
    try:
        run_ninja(job.work, options.jobs, job.toolchain, "image")
    except BuildError:
        if os.path.exists(log):
            system_file = os.path.join(job.work, f"{job.system.name}.system")
            _add(tool_faults(job.system, _text(log), _text(system_file)), job.faults)
        raise
    extents = read_extents(os.path.join(job.work, outputs.REPORT))
    _agree(misplaced(job.system, extents, Made(job.work)))
    return extents


def _program(job: _Job, name: str) -> str:
    """Return where a program image is that the tool is given."""
    made = os.path.join(job.work, outputs.elf(name))
    return made if name in made_elves(job.system, job.plan) else os.path.join(job.folder, name)


def _with_learned(job: _Job, options: Options, extents: Extents) -> _Job:
    """Patch the addresses that Microkit chose, pack again, and see that nothing moved."""
    from sdfgen.build.run_ninja import run_ninja
    from sdfgen.image.learned import with_learned

    job = job._replace(system=with_learned(job.system, extents.regions))
    unknown = [patch.expression for patch in job.system.patches if patch.value is None]
    if unknown:
        raise BuildError(f"the tool's report does not say what to patch: {', '.join(unknown)}")
    files = _generated(job.system, job.toolchain, job.plan, _up(job.folder, job.final))
    write_files(job.work, files)
    run_ninja(job.work, options.jobs, job.toolchain)
    _verify(job)
    again = _pack(job, options)
    if again != extents:
        moved = sorted(name for name, extent in again.regions.items() if extents.regions.get(name) != extent)
        raise BuildError(f"patching moved what Microkit had placed: {', '.join(moved) or 'program images'}")
    return job._replace(digests={name: digest(data) for name, data in files.items()})


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _finish(description: Description, job: _Job, options: Options) -> tuple[str, ...]:
    """Write manifest and depfile; return everything that is to be published."""
    inputs = _inputs(description, job)
    target = os.path.join(os.path.relpath(job.final, job.folder), f"{job.system.name}.system")
    depfile = make_rule(target, sorted(inputs)).encode()
    image = (outputs.LOADER, outputs.REPORT) if job.plan.packed else ()
    made = [*_elves(job), *job.plan.made_guest_files, *image] if options.compile else []
    made_files = job.digests | _digests({name: os.path.join(job.work, name) for name in made})
    made_files[f"{job.system.name}.d"] = digest(depfile)
    digests = _digests(inputs | (_sdk_files(job) | _plain_c(job) if options.compile else {}))
    digests[f"boards/{job.system.board.name}.toml"] = file_digest(job.system.board.path)
    records = _records(job) if options.compile else {}
    names = {path: name for name, path in inputs.items()}
    text = sealed(manifest(job.system, digests, made_files, records, names, manifest_records(job.system)), digest)
    write_files(job.work, {f"{job.system.name}.d": depfile, outputs.MANIFEST: text.encode()})
    return (*made_files, outputs.MANIFEST)


def _inputs(description: Description, job: _Job) -> dict[str, str]:
    """Return the author's files by their path beside the description; boards are part of the tool."""
    shipped = data_path("boards")
    paths = [path for path in description.files if os.path.dirname(path) != shipped]
    named = [name for guest in job.system.guests for name in guest.files]
    named += [region.prefill_path for region in job.system.regions if region.prefill_path and not region.prefill_made]
    named += [*job.system.images.values(), *(job.plan.found if job.plan.packed else ())]
    paths += [os.path.join(job.folder, name) for name in named]
    return {os.path.relpath(path, job.folder): path for path in paths}


def make_rule(target: str, prerequisites: Sequence[str]) -> str:
    """Return a Make rule, and empty ones for the prerequisites so that removing one is no error.

    Args:
        target: The file that is made.
        prerequisites: What it is made from.
    """
    escaped = [name.replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ") for name in (target, *prerequisites)]
    lines = [f"{escaped[0]}: {' '.join(escaped[1:])}", *(f"{name}:" for name in escaped[1:])]
    return "\n".join(lines) + "\n"


def _elves(job: _Job) -> list[str]:
    return [outputs.elf(name) for name in made_elves(job.system, job.plan)]


def _plain_c(job: _Job) -> dict[str, str]:
    """Return the tool's own C that is compiled: path by name."""
    found = {name for _, name in sources(job.plan, job.toolchain)}
    plain = sorted(name for name in found if name.startswith(f"{outputs.C_FOLDER}/"))
    return {f"templates/{name}": os.path.join(job.work, name) for name in plain}


def _sdk_files(job: _Job) -> dict[str, str]:
    return job.toolchain.sdk_files(job.system)


def _digests(paths: Mapping[str, str]) -> dict[str, str]:
    return {name: file_digest(path) for name, path in paths.items()}


def _records(job: _Job) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for elf in {patch.elf for patch in job.system.patches}:
        path = os.path.join(job.work, outputs.patch_record(elf))
        if os.path.isfile(path) and known_patches(job.system, elf):
            with open(path, encoding="utf-8") as file:
                found[elf] = json.load(file)["patches"]
    return found

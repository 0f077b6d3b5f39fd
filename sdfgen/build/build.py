"""Build phase: files and ELFs for every board, incrementally, published only when all of it is good."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.build.brought import toolchain_faults
from sdfgen.build.digest import digest, file_digest
from sdfgen.build.errors import BuildFaultsError
from sdfgen.build.graph import build_file, made_elves, own_headers, sources
from sdfgen.build.graph_patch import known_patches
from sdfgen.build.plan import plan
from sdfgen.build.publish import make_links, publish, write_files
from sdfgen.build.toolchain import ZIG, find_toolchain
from sdfgen.emit.manifest import manifest, sealed
from sdfgen.facts.data import data_path
from sdfgen.faults.fault import Fault, Faults
from sdfgen.faults.source import Source, Where
from sdfgen.generate import generated_files, manifest_records
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sdfgen.build.contents import Contents
    from sdfgen.build.plan import Plan
    from sdfgen.build.run_ninja import Run
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.build.tools import Tool
    from sdfgen.describe import Description
    from sdfgen.image.report import Extents
    from sdfgen.model.system import Patch, System
    from sdfgen.spec.description import ToolchainTable


class Options(NamedTuple):
    """How a build is done.

    Attributes:
        out: The output folder.
        compile: Compile, patch and pack too.
        jobs: Steps at once; 0 lets Ninja choose.
        lock: A descriptor that all children hold until the last of them has ended.
        quiet: Do not say what is being done.
        verbose: Show every step.
    """

    out: str
    compile: bool = True
    jobs: int = 0
    lock: int | None = None
    quiet: bool = False
    verbose: bool = False


class Result(NamedTuple):
    """What was made for one board.

    Attributes:
        system: The system.
        folder: Where its files are.
        files: SHA-256 of each by its relative path.
        inputs: Paths of what it was made from, but for what is the tool's or the compiler's own.
        waiting: What was not made, and what it waits for.
        absent: Paths that were looked for in vain.
        listed: Folders whose names decided something.
        uses_path: Programs were found by PATH.
    """

    system: System
    folder: str
    files: dict[str, str]
    inputs: tuple[str, ...]
    waiting: tuple[str, ...]
    absent: tuple[str, ...]
    listed: tuple[str, ...]
    uses_path: bool


class _Job(NamedTuple):
    system: System
    faults: Faults
    toolchain: Toolchain
    tools: tuple[Tool, ...]
    plan: Plan
    work: str
    final: str
    folder: str
    contents: Contents
    digests: dict[str, str]
    options: Options

    def digest(self, path: str) -> str:
        """Return what the build graph says of a file's content: nothing when it is not run."""
        return self.contents.digest(path) if self.options.compile else ""

    def run(self) -> Run:
        """Return how steps are run."""
        from sdfgen.build.progress import Progress
        from sdfgen.build.run_ninja import Run

        name = f"{self.system.name} for {self.system.board.name}"
        progress = Progress(name, quiet=self.options.quiet, verbose=self.options.verbose)
        return Run(self.toolchain, self.options.jobs, self.options.lock, progress)


def build(description: Description, contents: Contents, options: Options) -> list[Result]:
    """Build every board of a description that has no errors.

    Nothing is published before the files of all boards are made. What is found on the way joins the description's
    faults.

    Args:
        description: The description.
        contents: Takes what the inputs hold.
        options: Where to and how.

    Raises:
        BuildFaultsError: When a step fails or an error is found; what was published before stays whole.
        OSError: When files cannot be written.
    """
    jobs = [_prepare(description, board, system, contents, options) for board, system in description.systems.items()]
    if options.compile:
        jobs = [_compile(job) for job in jobs]
    finished = [_finish(description, job) for job in jobs]
    _add(_changed(contents), description.faults)
    from sdfgen.interrupts import held

    with held():
        for job, files in zip(jobs, finished, strict=True):
            publish(job.work, job.final, files, {*_made(job), stamp_file(job.system)}, _links())
    return [_result(description, job, files) for job, files in zip(jobs, finished, strict=True)]


def _result(description: Description, job: _Job, files: dict[str, str]) -> Result:
    named = {pd.program_image for pd in job.system.all_pds()}
    sdk = job.toolchain.microkit_sdk
    of_sdk = [os.path.join(sdk, "board", job.system.board.name, job.system.config)] if sdk else []
    return Result(
        system=job.system,
        folder=job.final,
        files=files,
        inputs=(*_inputs(description, job).values(), job.system.board.path, *_sdk_files(job).values()),
        waiting=job.plan.waiting if job.options.compile else (),
        absent=tuple(os.path.join(job.folder, name) for name in sorted(named - set(job.plan.found))),
        listed=(os.path.join(job.folder, "boards"), *of_sdk, *map(os.path.dirname, of_sdk)),
        uses_path=any(tool.name.endswith("gcc") for tool in job.tools),
    )


def _changed(contents: Contents) -> Iterator[Fault]:
    """Yield the inputs that somebody wrote while they were used: nobody knows what was made of them."""
    for path in contents.changed():
        message = f"{path} has changed while it was built from"
        yield Fault("SDF160", message, Where(Source(path, "", path)), "build again; nothing was published")


def _prepare(description: Description, board: str, system: System, contents: Contents, options: Options) -> _Job:
    """Write the generated files into the working folder, which lies beside the published one."""
    folder = os.path.dirname(description.path) or "."
    final = os.path.join(options.out, board)
    work = os.path.join(options.out, f".{board}")
    table = description.specs[board].toolchain
    toolchain = find_toolchain(table, system)
    _add(toolchain_faults(toolchain, table, system, compiles=options.compile), description.faults)
    tools = _tools(table) if options.compile else ()
    planned = plan(system, toolchain)
    job = _Job(system, description.faults, toolchain, tools, planned, work, final, folder, contents, {}, options)
    contents.digests(_inputs(description, job) | _sdk_files(job) | {"": system.board.path})
    files = _generated(job)
    write_files(work, files | (_stamps(job) if options.compile else {}))
    make_links(work, _links())
    return job._replace(digests={name: digest(data) for name, data in files.items()})


def _tools(table: ToolchainTable | None) -> tuple[Tool, ...]:
    from sdfgen.build.tools import tools

    return tuple(tools(table.cc if table is not None else ZIG))


def _stamps(job: _Job) -> dict[str, bytes]:
    """Return what tells Ninja of other contents of the SDK, libvmm and the compiler."""
    from sdfgen.build.tools import own_steps

    headers = job.toolchain.headers(job.system)
    sdk = [job.toolchain.microkit_sdk, job.toolchain.libvmm, job.contents.digests(_sdk_files(job) | headers)]
    tools = [[*tool[:2], [job.contents.digest(path) for path in tool.files]] for tool in job.tools]
    own = [job.contents.digest(path) for path in own_steps()]
    return {outputs.SDK_STAMP: json.dumps(sdk).encode(), outputs.TOOLS_STAMP: json.dumps([tools, own]).encode()}


def _generated(job: _Job) -> dict[str, bytes]:
    """Return the generated files, and the graph that makes the rest of them."""
    up = os.path.relpath(os.path.realpath(job.folder), os.path.realpath(job.final))
    graph = build_file(job.system, job.toolchain, job.plan, up, job.digest)
    return generated_files(job.system) | {outputs.GRAPH: graph.encode()}


def _links() -> dict[str, str]:
    """Return the links in a board's folder, and where they lead."""
    return {outputs.C_FOLDER: data_path("templates", "c")}


def _add(found: Iterable[Fault], faults: Faults) -> None:
    """Add what was found; an error ends the build."""
    faults.extend(found)
    if faults.errors:
        raise BuildFaultsError(f"{faults.errors} errors")


def _compile(job: _Job) -> _Job:
    """Make ELFs and, if all program images are there, the bootable image."""
    _run(job)
    _verify(job)
    if not job.plan.packed:
        return job
    extents = _pack(job)
    return _with_learned(job, extents) if any(p.value is None for p in job.system.patches) else job


def _run(job: _Job, *targets: str) -> None:
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
    _add(told, job.faults)


def _verify(job: _Job) -> None:
    from sdfgen.verify.board import disagreements

    _agree(job, disagreements(job.system, job.work))


def _agree(job: _Job, disagreements: Iterable[Fault]) -> None:
    """Tell where what was made is not what was decided: then this program is wrong."""
    where = job.system.origin.at("name")
    said = [f"{fault.where.source.name}: {fault.message}" for fault in disagreements]
    _add((Fault("SDF162", words, where, "please report this") for words in said), job.faults)


def _pack(job: _Job) -> Extents:
    """Run the Microkit tool on program images that fit, and hold its report against the system."""
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
        _run(job._replace(faults=(failed := Faults())), "image")
    except BuildFaultsError:
        if os.path.exists(log):
            system_file = os.path.join(job.work, f"{job.system.name}.system")
            _add(tool_faults(job.system, _text(log), _text(system_file)), job.faults)
        _add(failed, job.faults)
    extents = read_extents(os.path.join(job.work, outputs.REPORT))
    _agree(job, misplaced(job.system, extents, Made(job.work)))
    return extents


def _program(job: _Job, name: str) -> str:
    """Return where a program image is that the tool is given."""
    made = os.path.join(job.work, outputs.elf(name))
    return made if name in made_elves(job.system, job.plan) else os.path.join(job.folder, name)


def _with_learned(job: _Job, extents: Extents) -> _Job:
    """Patch the addresses that Microkit chose, pack again, and see that nothing moved."""
    from sdfgen.image.learned import with_learned

    job = job._replace(system=with_learned(job.system, extents.regions))
    _add(map(_unlearned, (patch for patch in job.system.patches if patch.value is None)), job.faults)
    files = _generated(job)
    write_files(job.work, files)
    _run(job)
    _verify(job)
    again = _pack(job)
    moved = sorted(name for name, extent in again.regions.items() if extents.regions.get(name) != extent)
    if again != extents:
        message = f"patching moved what Microkit had placed: {', '.join(moved) or 'program images'}"
        _add([Fault("SDF163", message, job.system.origin.at("name"), _LEARNED_ADVICE)], job.faults)
    return job._replace(digests={name: digest(data) for name, data in files.items()})


_LEARNED_ADVICE = 'give the region a phys_addr, or let sdfgen place it: physical = "assigned"'


def _unlearned(patch: Patch) -> Fault:
    message = f"the tool's report does not say what to patch: {patch.expression}"
    return Fault("SDF163", message, patch.origin.at("value"), _LEARNED_ADVICE)


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _finish(description: Description, job: _Job) -> dict[str, str]:
    """Write manifest and depfile; return everything that is to be published, with its SHA-256."""
    inputs = _inputs(description, job)
    target = os.path.join(os.path.relpath(job.final, job.folder), stamp_file(job.system))
    depfile = make_rule(target, sorted(inputs)).encode()
    made_files = job.digests | _digests({name: os.path.join(job.work, name) for name in _made(job)})
    small = {f"{job.system.name}.d": depfile, stamp_file(job.system): b""}
    made_files |= {name: digest(data) for name, data in small.items()}
    compiled = _sdk_files(job) | job.toolchain.headers(job.system) | _plain_c(job) if job.options.compile else {}
    used = inputs | compiled
    digests = job.contents.digests(used | {f"boards/{job.system.board.name}.toml": job.system.board.path})
    text = manifest(
        job.system,
        digests,
        made_files,
        _records(job) if job.options.compile else {},
        {path: name for name, path in inputs.items()},
        manifest_records(job.system),
        {tool.name: tool.version for tool in job.tools},
    )
    content = sealed(text, digest).encode()
    write_files(job.work, small | {outputs.MANIFEST: content})
    return made_files | {outputs.MANIFEST: digest(content)}


def stamp_file(system: System) -> str:
    """Return the file whose time says when a system was last found to be as its description wants it."""
    return f"{system.name}.stamp"


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


def _made(job: _Job) -> list[str]:
    """Return what steps make and is published."""
    if not job.options.compile:
        return []
    elves = [outputs.elf(name) for name in made_elves(job.system, job.plan)]
    return [*elves, *job.plan.made_guest_files, *((outputs.LOADER, outputs.REPORT) if job.plan.packed else ())]


def _plain_c(job: _Job) -> dict[str, str]:
    """Return the tool's own C that is compiled: path by name."""
    found = {name for _, name in sources(job.plan, job.toolchain)}
    plain = sorted(name for name in found if name.startswith(f"{outputs.C_FOLDER}/"))
    paths = [*(data_path("templates", name) for name in plain), *own_headers()]
    return {os.path.relpath(path, data_path()): path for path in paths}


def _sdk_files(job: _Job) -> dict[str, str]:
    return job.toolchain.sdk_files(job.system)


def _digests(paths: Mapping[str, str]) -> dict[str, str]:
    return {name: file_digest(path) for name, path in paths.items()}


def _records(job: _Job) -> dict[str, list[dict[str, Any]]]:
    """Return what the patcher did, by ELF; nothing when there was nothing to patch."""
    from sdfgen.build.patch_faults import patched_files

    wanted = {outputs.elf(patch.elf): patch.elf for patch in job.system.patches if known_patches(job.system, patch.elf)}
    rows = {row["target"]: row["patches"] for row in patched_files(job.work)} if wanted else {}
    return {wanted[target]: patches for target, patches in rows.items() if target in wanted}

"""Build phase: files and ELFs for every board, incrementally, published only when all of it is good."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.build.brought import toolchain_faults
from sdfgen.build.digest import digest
from sdfgen.build.errors import BuildFaultsError
from sdfgen.build.finish import author_files, finish, made_files, sdk_files, stamp_file
from sdfgen.build.job import Job, Options, add, generated
from sdfgen.build.plan import plan
from sdfgen.build.publish import make_links, publish, write_files
from sdfgen.build.steps import do_steps
from sdfgen.build.toolchain import ZIG, find_toolchain
from sdfgen.facts.data import data_path
from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Source, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.build.contents import Contents
    from sdfgen.build.tools import Tool
    from sdfgen.describe import Description
    from sdfgen.model.system import System
    from sdfgen.spec.description import ToolchainTable


class Result(NamedTuple):
    """What was made for one board.

    Attributes:
        system: The system.
        folder: Where its files are.
        files: SHA-256 of each by its relative path.
        inputs: Paths of what it was made from, but for what is the tool's or the compiler's own.
        waiting: What was not made, and what it waits for.
        absent: Paths that were looked for in vain.
        listed: Folders whose names decided something, and those that hold what was made and nothing else.
        links: Where links lead that were made.
        uses_path: Programs were found by PATH.
    """

    system: System
    folder: str
    files: dict[str, str]
    inputs: tuple[str, ...]
    waiting: tuple[str, ...]
    absent: tuple[str, ...]
    listed: tuple[str, ...]
    links: dict[str, str]
    uses_path: bool


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
        jobs = _done(jobs)
    finished = [finish(description, job) for job in jobs]
    add(_changed(contents), description.faults)
    from sdfgen.interrupts import held

    with held():
        for job, files in zip(jobs, finished, strict=True):
            publish(job.work, job.final, files, {*made_files(job), stamp_file(job.system)}, _links())
    return [_result(description, job, files) for job, files in zip(jobs, finished, strict=True)]


def _done(jobs: list[Job]) -> list[Job]:
    """Do the steps of every board, so that what fails is told of all."""
    done = []
    for job in jobs:
        with suppress(BuildFaultsError):
            done.append(do_steps(job))
    if len(done) < len(jobs):
        raise BuildFaultsError(f"{len(jobs) - len(done)} boards could not be built")
    return done


def _result(description: Description, job: Job, files: dict[str, str]) -> Result:
    named = {pd.program_image for pd in job.system.all_pds()}
    sdk = job.toolchain.microkit_sdk
    of_sdk = [os.path.join(sdk, "board", job.system.board.name, job.system.config)] if sdk else []
    return Result(
        system=job.system,
        folder=job.final,
        files=files,
        inputs=(*author_files(description, job).values(), job.system.board.path, *sdk_files(job).values()),
        waiting=job.plan.waiting if job.options.compile else (),
        absent=tuple(os.path.join(job.folder, name) for name in sorted(named - set(job.plan.found))),
        listed=(os.path.join(job.folder, "boards"), *of_sdk, *map(os.path.dirname, of_sdk), *_folders(job, files)),
        links={os.path.join(job.final, name): target for name, target in _links().items()},
        uses_path=any(tool.name.endswith("gcc") for tool in job.tools),
    )


def _folders(job: Job, files: Iterable[str]) -> list[str]:
    """Return the published folders: what somebody puts there is gone with the next build."""
    return sorted({os.path.join(job.final, os.path.dirname(name)).rstrip(os.sep) for name in files})


def _changed(contents: Contents) -> Iterator[Fault]:
    """Yield the inputs that somebody wrote while they were used: nobody knows what was made of them."""
    for path in contents.changed():
        message = f"{path} has changed while it was built from"
        yield Fault("SDF160", message, Where(Source(path, "", path)), "build again; nothing was published")


def _prepare(description: Description, board: str, system: System, contents: Contents, options: Options) -> Job:
    """Write the generated files into the working folder, which lies beside the published one."""
    folder = os.path.dirname(description.path) or "."
    final = os.path.join(options.out, board)
    work = os.path.join(options.out, f".{board}")
    table = description.specs[board].toolchain
    toolchain = find_toolchain(table, system)
    add(toolchain_faults(toolchain, table, system, compiles=options.compile), description.faults)
    tools = _tools(table) if options.compile else ()
    planned = plan(system, toolchain)
    job = Job(system, description.faults, toolchain, tools, planned, work, final, folder, contents, {}, options)
    contents.digests(author_files(description, job) | sdk_files(job) | {"": system.board.path})
    files = generated(job)
    write_files(work, files | (_stamps(job) if options.compile else {}))
    make_links(work, _links())
    return job._replace(digests={name: digest(data) for name, data in files.items()})


def _tools(table: ToolchainTable | None) -> tuple[Tool, ...]:
    from sdfgen.build.tools import tools

    return tuple(tools(table.cc if table is not None else ZIG))


def _stamps(job: Job) -> dict[str, bytes]:
    """Return what tells Ninja of other contents of the SDK, libvmm and the compiler."""
    from sdfgen.build.tools import own_steps

    headers = job.toolchain.headers(job.system)
    sdk = [job.toolchain.microkit_sdk, job.toolchain.libvmm, job.contents.digests(sdk_files(job) | headers)]
    tools = [[*tool[:2], [job.contents.digest(path) for path in tool.files]] for tool in job.tools]
    own = [job.contents.digest(path) for path in own_steps()]
    return {outputs.SDK_STAMP: json.dumps(sdk).encode(), outputs.TOOLS_STAMP: json.dumps([tools, own]).encode()}


def _links() -> dict[str, str]:
    """Return the links in a board's folder, and where they lead."""
    return {outputs.C_FOLDER: data_path("templates", "c")}

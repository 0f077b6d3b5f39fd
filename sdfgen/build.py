"""Build phase: files and ELFs for every board, incrementally, published only when all of it is good."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from sdfgen.data import data_path
from sdfgen.emit import generated_files
from sdfgen.emit.manifest import manifest
from sdfgen.emit.ninja import PATCHED_FOLDER, RECORD_SUFFIX, known_patches
from sdfgen.publish import publish, write_files
from sdfgen.resolve import UIO_DRIVER_ELF
from sdfgen.toolchain import find_toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.describe import Description
    from sdfgen.model import System
    from sdfgen.toolchain import Toolchain


MANIFEST = "manifest.json"


class BuildError(Exception):
    """A step failed; what it said has been shown or is in the message."""


class Options(NamedTuple):
    """How a build is done.

    Attributes:
        out: The output folder.
        compile: Compile and patch too.
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
    toolchain: Toolchain
    work: str
    final: str
    folder: str
    digests: dict[str, str]


def build(description: Description, options: Options) -> list[Result]:
    """Build every board of a description that has no errors.

    Nothing is published before the files of all boards are made.

    Args:
        description: The description.
        options: Where to and how.

    Raises:
        BuildError: When a step fails; what was published before stays whole.
        OSError: When files cannot be written.
    """
    jobs = [_prepare(description, board, system, options) for board, system in description.systems.items()]
    if options.compile:
        from sdfgen.ninja import run_ninja

        for job in jobs:
            run_ninja(job.work, options.jobs, job.toolchain.microkit_sdk)
            _verify(job)
    finished = [_finish(description, job, options) for job in jobs]
    for job, files in zip(jobs, finished, strict=True):
        publish(job.work, job.final, files, _elves(job.system))
    return [
        Result(
            system=job.system,
            folder=job.final,
            files=files,
            inputs=(*_inputs(description, job).values(), job.system.board.path),
            waiting=_waiting(job, options),
        )
        for job, files in zip(jobs, finished, strict=True)
    ]


def _prepare(description: Description, board: str, system: System, options: Options) -> _Job:
    """Write the generated files into the working folder, which lies beside the published one."""
    folder = os.path.dirname(description.path) or "."
    final = os.path.join(options.out, board)
    work = os.path.join(options.out, f".{board}")
    toolchain = find_toolchain(description.specs[board].toolchain)
    files = generated_files(system, toolchain, os.path.relpath(folder, final))
    write_files(work, files)
    return _Job(system, toolchain, work, final, folder, {name: _digest(data) for name, data in files.items()})


def _verify(job: _Job) -> None:
    from sdfgen.verify import disagreements

    found = list(disagreements(job.system, job.work, PATCHED_FOLDER))
    if found:
        raise BuildError("what was made is not what was decided; please report this:\n" + "\n".join(found))


def _finish(description: Description, job: _Job, options: Options) -> tuple[str, ...]:
    """Write manifest and depfile; return everything that is to be published."""
    inputs = _inputs(description, job)
    target = os.path.join(os.path.relpath(job.final, job.folder), f"{job.system.name}.system")
    depfile = make_rule(target, sorted(inputs)).encode()
    elves = _elves(job.system) if options.compile else []
    outputs = job.digests | {name: _sha256(os.path.join(job.work, name)) for name in elves}
    outputs[f"{job.system.name}.d"] = _digest(depfile)
    digests = {name: _sha256(path) for name, path in inputs.items()}
    digests[f"boards/{job.system.board.name}.toml"] = _sha256(job.system.board.path)
    records = _records(job) if options.compile else {}
    text = manifest(job.system, digests, outputs, records, {path: name for name, path in inputs.items()})
    write_files(job.work, {f"{job.system.name}.d": depfile, MANIFEST: text.encode()})
    return (*outputs, MANIFEST)


def _inputs(description: Description, job: _Job) -> dict[str, str]:
    """Return the author's files by their path beside the description; boards are part of the tool."""
    shipped = data_path("boards")
    paths = [path for path in description.files if os.path.dirname(path) != shipped]
    block = job.system.block
    guests = [block.driver.guest, *(c.guest for c in block.clients if c.guest)] if block else []
    named = [name for guest in guests for name in (guest.kernel, guest.initrd) if name]
    named += [r.prefill_path for r in job.system.regions if r.prefill_path and r.prefill_path not in job.digests]
    named += list(job.system.images.values())
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


def _elves(system: System) -> list[str]:
    driver = [UIO_DRIVER_ELF] if system.block else []
    patched = {patch.elf for patch in system.patches if patch.elf in system.images}
    return [f"{PATCHED_FOLDER}/{name}" for name in (*driver, *sorted(patched))]


def _records(job: _Job) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for elf in {patch.elf for patch in job.system.patches}:
        path = os.path.join(job.work, "obj", f"{elf}{RECORD_SUFFIX}")
        if os.path.isfile(path) and known_patches(job.system, elf):
            with open(path, encoding="utf-8") as file:
                found[elf] = json.load(file)["patches"]
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _waiting(job: _Job, options: Options) -> tuple[str, ...]:
    if not options.compile or job.system.block is None:
        return ()
    sdk, libvmm = job.toolchain.microkit_sdk, job.toolchain.libvmm
    missing = [name for name, value in (("MICROKIT_SDK", sdk), ("LIBVMM", libvmm)) if not value]
    images = sorted({pd.program_image for pd in job.system.all_pds()} - set(job.system.images))
    waits = f"{len(images)} program images ({', '.join(images[:3])}{', …' if len(images) > 3 else ''})"  # noqa: PLR2004
    return (f"{waits} wait for {' and '.join(missing) or 'the link step'}",)

"""What is published of a board's build: its manifest, its depfile, and what both say of the inputs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.build.digest import digest, file_digest
from sdfgen.build.graph import made_elves, own_headers, sources
from sdfgen.build.graph_image import of_tool
from sdfgen.build.graph_patch import known_patches
from sdfgen.build.publish import write_files
from sdfgen.emit.manifest import manifest, sealed
from sdfgen.facts.data import data_path
from sdfgen.generate import manifest_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sdfgen.build.job import Job
    from sdfgen.describe import Description
    from sdfgen.model.system import System


def finish(description: Description, job: Job) -> dict[str, str]:
    """Write manifest and depfile; return everything that is to be published, with its SHA-256.

    Args:
        description: The description.
        job: The build, all of whose steps are done.

    Raises:
        OSError: When a file cannot be read or written.
    """
    inputs = author_files(description, job)
    target = os.path.join(os.path.relpath(job.final, job.folder), stamp_file(job.system))
    depfile = make_rule(target, sorted(inputs)).encode()
    made = job.digests | _digests({name: os.path.join(job.work, name) for name in made_files(job)})
    small = {f"{job.system.name}.d": depfile, stamp_file(job.system): b""}
    made |= {name: digest(data) for name, data in small.items()}
    compiled = sdk_files(job) | job.toolchain.headers(job.system) | _plain_c(job) if job.options.compile else {}
    used = inputs | compiled
    digests = job.contents.digests(used | {f"boards/{job.system.board.name}.toml": job.system.board.path})
    text = manifest(
        job.system,
        digests,
        made,
        _records(job) if job.options.compile else {},
        {path: name for name, path in inputs.items()},
        manifest_records(job.system),
        {tool.name: tool.version for tool in job.tools},
    )
    content = sealed(text, digest).encode()
    write_files(job.work, small | {outputs.MANIFEST: content})
    return made | {outputs.MANIFEST: digest(content)}


def stamp_file(system: System) -> str:
    """Return the file whose time says when a system was last found to be as its description wants it."""
    return f"{system.name}.stamp"


def author_files(description: Description, job: Job) -> dict[str, str]:
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


def made_files(job: Job) -> list[str]:
    """Return what steps make and is published."""
    if not job.options.compile:
        return []
    elves = [outputs.elf(name) for name in made_elves(job.system, job.plan)]
    return [*elves, *job.plan.made_guest_files, *(of_tool(job.system) if job.plan.packed else ())]


def _plain_c(job: Job) -> dict[str, str]:
    """Return the tool's own C that is compiled: path by name."""
    found = {name for _, name in sources(job.plan, job.toolchain)}
    plain = sorted(name for name in found if name.startswith(f"{outputs.C_FOLDER}/"))
    paths = [*(data_path("templates", name) for name in plain), *own_headers()]
    return {os.path.relpath(path, data_path()): path for path in paths}


def sdk_files(job: Job) -> dict[str, str]:
    """Return what is read of the SDK and libvmm beside their headers: path by name."""
    return job.toolchain.sdk_files(job.system)


def _digests(paths: Mapping[str, str]) -> dict[str, str]:
    return {name: file_digest(path) for name, path in paths.items()}


def _records(job: Job) -> dict[str, list[dict[str, Any]]]:
    """Return what the patcher did, by ELF; nothing when there was nothing to patch."""
    from sdfgen.build.patch_faults import patched_files

    wanted = {outputs.elf(patch.elf): patch.elf for patch in job.system.patches if known_patches(job.system, patch.elf)}
    rows = {row["target"]: row["patches"] for row in patched_files(job.work)} if wanted else {}
    return {wanted[target]: patches for target, patches in rows.items() if target in wanted}

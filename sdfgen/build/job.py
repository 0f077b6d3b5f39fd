"""One board's build: what it is of, with what, and where."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.build.errors import BuildFaultsError
from sdfgen.build.graph import build_file
from sdfgen.generate import generated_files
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.build.contents import Contents
    from sdfgen.build.plan import Plan
    from sdfgen.build.run_ninja import Run
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.build.tools import Tool
    from sdfgen.faults.fault import Fault, Faults
    from sdfgen.model.system import System


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


class Job(NamedTuple):
    """The build of one board.

    Attributes:
        system: The system.
        faults: Takes what is found.
        toolchain: What it is built with.
        tools: The programs and libraries that take part; none when nothing is compiled.
        plan: What can be made.
        work: Where it is made, beside where it is published.
        final: Where it is published.
        folder: The description's.
        contents: What the inputs hold.
        digests: SHA-256 of the generated files.
        options: How it is built.
    """

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


def generated(job: Job) -> dict[str, bytes]:
    """Return the generated files, and the graph that makes the rest of them."""
    up = os.path.relpath(os.path.realpath(job.folder), os.path.realpath(job.final))
    graph = build_file(job.system, job.toolchain, job.plan, up, job.digest)
    return generated_files(job.system) | {outputs.GRAPH: graph.encode()}


def add(found: Iterable[Fault], faults: Faults) -> None:
    """Add what was found; an error ends the build."""
    faults.extend(found)
    if faults.errors:
        raise BuildFaultsError(f"{faults.errors} errors")

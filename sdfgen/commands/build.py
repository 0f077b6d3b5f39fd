"""`sdfgen build`: decides whether there is work, does it, says what was made."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from sdfgen.build.uptodate import is_up_to_date, remember
from sdfgen.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.build.build import Result
    from sdfgen.describe import Description


class Request(NamedTuple):
    """The arguments of `sdfgen build`."""

    description: str
    settings: tuple[str, ...]
    boards: tuple[str, ...]
    style: str
    out: str | None
    compile_: bool
    jobs: int
    depfile: str | None

    @property
    def folder(self) -> str:
        """The output folder."""
        return self.out or os.path.join(os.path.dirname(self.description), "build")


def build_and_tell(request: Request) -> str:
    """Build, and return what to tell the user.

    Leaves with status 1, after telling why, when the description has errors or a step fails.
    """
    before = is_up_to_date(request.folder, request)
    if before is not None:
        from sdfgen.commands.telling import show

        said, warned = before
        show(warned, request.style)
        return f"{said}nothing has changed\n"
    try:
        with _locked(request.folder):
            return _build(request)
    except OSError as error:
        sys.exit(f"sdfgen: {error.filename or request.folder}: {error.strerror or error}")


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Let one build at a time work in an output folder."""
    import fcntl

    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(request: Request) -> str:
    from sdfgen.commands.telling import report
    from sdfgen.describe import describe

    description = describe(request.description, request.settings, request.boards)
    results = [] if description.faults.errors else _built(description, request)
    warned = report(description, request.style)
    if request.depfile:
        _write_depfile(request.depfile, results)
    said = "".join(_summary(result) for result in results)
    outputs = [os.path.join(result.folder, name) for result in results for name in result.files]
    if request.depfile:
        outputs.append(request.depfile)
    inputs = [path for result in results for path in result.inputs]
    remember(request.folder, request, [*inputs, *outputs], said, warned)
    return said


def _built(description: Description, request: Request) -> list[Result]:
    """Build; the faults that are found on the way are among the description's then, so that all are told at once."""
    from sdfgen.build.build import Options, build
    from sdfgen.build.errors import BuildError, BuildFaultsError
    from sdfgen.commands.telling import report

    try:
        return build(description, Options(request.folder, request.compile_, request.jobs))
    except BuildFaultsError:
        return []
    except BuildError as error:
        report(description, request.style)
        sys.exit(f"sdfgen: {error}")
    except OSError:
        report(description, request.style)
        raise


def _write_depfile(path: str, results: list[Result]) -> None:
    from sdfgen.build.build import make_rule
    from sdfgen.build.publish import write_files

    rules = (
        make_rule(os.path.join(result.folder, f"{result.system.name}.system"), sorted(result.inputs))
        for result in results
    )
    write_files("", {path: "".join(rules).encode()})


def _summary(result: Result) -> str:
    system = result.system
    lines = [f"{result.folder}: {system.name} for {system.board.name}, Microkit {system.dialect.version}\n"]
    lines += [f"  {line}\n" for line in _made(result)]
    lines += [f"  waiting: {line}\n" for line in result.waiting]
    return "".join(lines)


def _made(result: Result) -> Iterator[str]:
    """Name what a user looks for first; count the rest."""
    folders: dict[str, list[str]] = {}
    for name in result.files:
        folders.setdefault(name.split("/")[0] if "/" in name else "", []).append(name)
    for name in sorted(folders.pop("", [])):
        yield f"{name:<28} {_WHAT.get(name, _WHAT.get(os.path.splitext(name)[1], ''))}"
    for folder, names in sorted(folders.items()):
        inside = names[0].split("/", 1)[1] if len(names) == 1 else f"{len(names)} files"
        yield f"{folder + '/':<28} {_WHAT.get(folder, '')}: {inside}"


_WHAT = {
    ".system": "Microkit system file",
    ".d": "Make depfile",
    ".bin": "content of the phys-addr page",
    ".img": "bootable image",
    "report.txt": "what the Microkit tool did",
    "build.ninja": "build graph",
    "manifest.json": "inputs, outputs, addresses, patches",
    "c": "plain C sources",
    "dtb": "device trees for Linux guests",
    "dts": "their sources and overlays",
    "elf": "patched ELFs",
    "guest": "the driver VM's initial RAM disk, device tree, and what they are made from",
    "include": "ids, sizes and addresses for hand-written C",
    "src": "generated C tables",
}

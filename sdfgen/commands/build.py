"""`sdfgen build`: decides whether there is work, does it, says what was made."""

from __future__ import annotations

import errno
import os

import sdfgen
from sdfgen.build.uptodate import is_up_to_date
from sdfgen.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.build.build import Result
    from sdfgen.build.contents import Contents
    from sdfgen.describe import Description
    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System


_ELSEWHERE = "name another folder with -o"
_ADVICE = {
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), f"a file is where a folder should be: {_ELSEWHERE}"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), f"make room there, or {_ELSEWHERE}"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), f"it can't be written to: {_ELSEWHERE}"),
}


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
    stamp: str | None = None
    strict: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def folder(self) -> str:
        """The output folder."""
        return self.out or os.path.join(os.path.dirname(self.description), "build")

    @property
    def decides(self) -> tuple[object, ...]:
        """What of it decides what is built and said."""
        wanted = (self.description, self.settings, self.boards, self.compile_, self.strict)
        return (*wanted, self.style, self.out, self.depfile, self.stamp)


def build_and_tell(request: Request) -> str:
    """Build, and return what to tell the user.

    Leaves with status 1, after telling why, when the description has errors or a step fails.
    """
    said = _nothing_to_do(request)
    if said is not None:
        return said
    from sdfgen.build.lock import locked
    from sdfgen.interrupts import catch

    catch()
    try:
        with locked(request.folder) as (lock, waited):
            said = _nothing_to_do(request) if waited else None
            return _build(request, lock) if said is None else said
    except OSError as error:
        from sdfgen.commands.telling import refuse

        refuse([_unwritable(error, request.folder)], request.style)


def _unwritable(error: OSError, folder: str) -> Fault:
    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Source, Where

    path = str(error.filename2 or error.filename or folder)
    message = f"{path}: {error.strerror or error}"
    what = _ADVICE.get(error.errno or 0, _ELSEWHERE)
    return Fault("SDF164", message, Where(Source(path, "")), f"{what}; what was published before is as it was")


def _nothing_to_do(request: Request) -> str | None:
    """Return what is said when nothing has changed; None when something has."""
    before = is_up_to_date(request.folder, request.decides)
    if before is None:
        return None
    from sdfgen.commands.telling import show

    said, warned = before
    show(warned, request.style)
    return "" if request.quiet else f"{said}nothing has changed\n"


def _build(request: Request, lock: int) -> str:
    from sdfgen.build.contents import Contents
    from sdfgen.build.uptodate import Made, known_contents, remember
    from sdfgen.commands.telling import report
    from sdfgen.describe import describe

    contents = Contents(known_contents(request.folder))
    description = describe(request.description, request.settings, request.boards)
    if request.strict:
        description.faults.harden()
    results = [] if description.faults.errors else _built(description, contents, request, lock)
    warned = report(description, request.style, notes=False)
    said = "".join(_summary(result) for result in results)
    outputs = {os.path.join(result.folder, name): sha for result in results for name, sha in result.files.items()}
    times = [stamp_path(result) for result in results]
    if request.depfile:
        outputs[request.depfile] = _write_depfile(request.depfile, results, request.stamp)
    if request.stamp:
        _touch(request.stamp)
        times.append(request.stamp)
    made = Made(
        inputs=contents.entries,
        outputs={path: sha for path, sha in outputs.items() if path not in times},
        times=times,
        absent=[path for result in results for path in result.absent],
        listed=[path for result in results for path in result.listed],
        links={path: target for result in results for path, target in result.links.items()},
        uses_path=any(result.uses_path for result in results),
        said=said,
        warned=warned,
    )
    remember(request.folder, request.decides, made)
    return "" if request.quiet else said


def stamp_path(result: Result) -> str:
    """Return the file whose time says when a result was last found to be right."""
    from sdfgen.build.finish import stamp_file

    return os.path.join(result.folder, stamp_file(result.system))


def _built(description: Description, contents: Contents, request: Request, lock: int) -> list[Result]:
    """Build; the faults that are found on the way are among the description's then, so that all are told at once."""
    from sdfgen.build.build import build
    from sdfgen.build.errors import BuildFaultsError
    from sdfgen.build.job import Options

    options = Options(request.folder, request.compile_, request.jobs, lock, request.quiet, request.verbose)
    try:
        return build(description, contents, options)
    except BuildFaultsError:
        pass
    except OSError as error:
        description.faults.add(_unwritable(error, request.folder))
    return []


def _write_depfile(path: str, results: list[Result], stamp: str | None) -> str:
    """Write a depfile with paths as they are from here, of one stamp or of each board's; return its SHA-256."""
    from sdfgen.build.digest import digest
    from sdfgen.build.finish import make_rule
    from sdfgen.build.publish import write_files

    by_target = {stamp_path(result): {*result.inputs} for result in results}
    if stamp:
        # A rule of somebody's build, in which another sdfgen makes another system.
        by_target = {stamp: set().union({_OWN_VERSION}, *by_target.values())}
    content = "".join(make_rule(target, sorted(inputs)) for target, inputs in by_target.items()).encode()
    write_files("", {path: content})
    return digest(content)


_OWN_VERSION = sdfgen.__file__
"""A file that is new wherever another version is installed."""


def _touch(path: str) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb"):
        os.utime(path)


def _summary(result: Result) -> str:
    system = result.system
    lines = [f"{result.folder}: {system.name} for {system.board.name}, Microkit {system.dialect.version}\n"]
    lines += [f"  {line}\n" for line in (*_cores(system), *_made(result))]
    lines += [f"  waiting: {line}\n" for line in result.waiting]
    return "".join(lines)


def _cores(system: System) -> Iterator[str]:
    """Say what runs where; nothing of a system on one core."""
    for core, names in system.cores().items():
        more = f", and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield f"{f'core {core}:':<28} {', '.join(names[:_NAMES]) or 'nothing'}{more}"


_NAMES = 8
"""What fits a line."""


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
    ".stamp": "newer than every input: what Make and CMake wait for",
    ".bin": "content of the phys-addr page",
    ".img": "bootable image",
    "report.txt": "what the Microkit tool did",
    "capdl.json": "its capDL specification",
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

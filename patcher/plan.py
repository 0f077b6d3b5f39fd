"""Patches all ELFs of a board in one process: a plan in JSON goes in, a record in JSON comes out."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from patcher import errors
from patcher.beside import LiefBeside, locate_here
from patcher.errors import PatchError, raise_all
from patcher.report import fault_lines, fault_rows, record_rows, warning_rows, warnings_of
from patcher.values import PatchJob, PatchRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from patcher.beside import Finish, Surveys
    from patcher.values import PatchRecord

_FILE_KEYS: Final = {"source": str, "target": str, "patches": list}
_PATCH_KEYS: Final = {"symbol": str, "value": (int, list, str), "size_bytes": (int, type(None))}
_SHOWN_CHARACTERS: Final = 80


def run_plan(path: str, record: str, faults: str, *, alone: bool = False) -> tuple[tuple[PatchRecord, ...], ...]:
    """Do what a plan says, and write down what was done, or why nothing was.

    Args:
        path: The plan.
        record: Where it is recorded what was done; not there when nothing was.
        faults: Where the faults are told; not there when there is none.
        alone: This process has no other threads, so that LIEF may have one beside it.

    Raises:
        PatchError: A fault, anywhere in the plan; no target has changed.
    """
    jobs: tuple[PatchJob, ...] = ()
    try:
        jobs = read_plan(path)
        with _opinion(jobs, alone=alone) as locate:
            from patcher.patch import patch_files

            done = patch_files(jobs, locate)
    except PatchError as error:
        _remove(record)
        targets = {job.source: job.target for job in jobs}
        _write(
            faults, {"faults": [{**row, "target": targets.get(row["path"], row["path"])} for row in fault_rows(error)]}
        )
        raise
    _remove(faults)
    _write(record, record_of(jobs, done))
    return done


@contextmanager
def _opinion(jobs: Sequence[PatchJob], *, alone: bool) -> Iterator[Callable[[Surveys], Finish]]:
    """Give LIEF a process of its own, if there is a processor for it; at once where it is needed in all likelihood."""
    if not alone or len(os.sched_getaffinity(0)) == 1:
        yield locate_here
        return
    with closing(LiefBeside()) as beside:
        if any(job.target == job.source or not os.path.exists(job.target) for job in jobs):
            beside.start()
        yield beside.locate


def main(arguments: Sequence[str]) -> int:
    """Run a plan for a build step, which has no time to load a parser of command lines.

    Args:
        arguments: Paths of the plan, of the record and of the faults.

    Returns:
        The exit status.
    """
    try:
        done = run_plan(*arguments, alone=True)
    except PatchError as error:
        sys.stderr.write("\n".join(fault_lines(error)) + "\n")
        return 1
    sys.stderr.writelines(f"{warning}\n" for records in done for warning in warnings_of(records))
    return 0


def record_of(jobs: Sequence[PatchJob], done: Sequence[Sequence[PatchRecord]]) -> dict[str, Any]:
    """Return what was done, as JSON knows it.

    Args:
        jobs: What was asked for.
        done: What was done for each.
    """
    files = [
        {
            "source": job.source,
            "target": job.target,
            "patches": record_rows(records),
            "warnings": warning_rows(records),
        }
        for job, records in zip(jobs, done, strict=True)
    ]
    return {"files": files}


def read_plan(path: str) -> tuple[PatchJob, ...]:
    """Read a plan.

    Args:
        path: A file `{"files": [{"source", "target", "patches": [{"symbol", "value", "size_bytes"}]}]}`.

    Raises:
        PatchError: It cannot be read or has another form, or two of its files are in each other's way.
    """
    try:
        with open(path, encoding="utf-8") as file:
            plan = json.load(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PatchError(errors.UNREADABLE, f"cannot be read ({reason}); name a plan", path) from error
    except (ValueError, RecursionError) as error:
        raise PatchError(errors.BAD_PLAN, f"this is no JSON ({error}); see `python -m patcher --help`", path) from error
    rows = _checked(path, "the plan", plan, {"files": list})["files"]
    jobs = tuple(_job(path, f"files[{index}]", row) for index, row in enumerate(rows))
    _check_targets(path, jobs)
    return jobs


def _job(path: str, place: str, row: object) -> PatchJob:
    known = _checked(path, place, row, _FILE_KEYS)
    patches = enumerate(known["patches"])
    requests = tuple(_request(path, f"{place}.patches[{index}]", patch) for index, patch in patches)
    return PatchJob(known["source"], known["target"], requests)


def _request(path: str, place: str, row: object) -> PatchRequest:
    known = _checked(path, place, row, _PATCH_KEYS)
    value, numbers = known["value"], known["value"] if isinstance(known["value"], list) else []
    if any(isinstance(number, bool) or not isinstance(number, int) for number in [*numbers, known["size_bytes"] or 0]):
        raise PatchError(errors.BAD_PLAN, f"{place} has something else than numbers; correct it", path)
    return PatchRequest(known["symbol"], tuple(value) if isinstance(value, list) else value, known["size_bytes"])


def _checked(path: str, place: str, row: object, kinds: dict[str, Any]) -> dict[str, Any]:
    """Return a table that has the keys it must have, of their kinds, and no others."""
    if isinstance(row, dict) and row.keys() == kinds.keys():
        wrong = [name for name, kind in kinds.items() if not isinstance(row[name], kind) or isinstance(row[name], bool)]
        if not wrong:
            return row
        shown = f"{row[wrong[0]]!r:.{_SHOWN_CHARACTERS}}"
        message = f"{place}.{wrong[0]} is {shown}, which is of another kind than it must be; correct it"
    else:
        message = f"{place} must be an object with {', '.join(kinds)} and nothing else; correct it"
    raise PatchError(errors.BAD_PLAN, message, path)


def _check_targets(path: str, jobs: Sequence[PatchJob]) -> None:
    """Refuse that a file is written twice, or is written for one job and read for another."""
    owners: dict[str, int] = {}
    faults = []
    for index, job in enumerate(jobs):
        first = owners.setdefault(os.path.realpath(job.target), index)
        if first != index:
            message = f"files[{first}] and files[{index}] both write {job.target}; give each a target of its own"
            faults.append(PatchError(errors.BAD_PLAN, message, path))
    for index, job in enumerate(jobs):
        writer = owners.get(os.path.realpath(job.source), index)
        if writer != index:
            message = f"files[{writer}] writes {job.source}, which files[{index}] reads; patch it in one step"
            faults.append(PatchError(errors.BAD_PLAN, message, path))
    raise_all(faults)


def _write(path: str, content: dict[str, Any]) -> None:
    """Write a file at once and completely; one that is right already keeps its time."""
    text = json.dumps(content, indent=1) + "\n"
    try:
        if _text_of(path) == text:
            return
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.new", path)
    except OSError as error:
        message = f"cannot be written ({error.strerror}); check its folder, permissions and free space"
        raise PatchError(errors.UNWRITABLE, message, path) from error


def _text_of(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return None


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return

"""`sdfgen doctor`: what is there and what is missing for which step, and what to do."""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Final

from sdfgen.commands.telling import usage
from sdfgen.describe import describe
from sdfgen.doctor.examine import examine
from sdfgen.doctor.finding import STEPS, needed_for
from sdfgen.project.files import DESCRIPTION

if TYPE_CHECKING:
    from sdfgen.doctor.finding import Finding

_ANY: Final = """\
[system]
name = "any"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "linux"
"""
"""What is looked at where there is no description: whatever any system with a guest takes."""


def doctor(
    path: str | None, boards: tuple[str, ...], step: str, kernel_configs: tuple[str, ...], form: str
) -> tuple[str, int]:
    """Look at what a description takes; return what to say, and the status: 1 when something is missing for the step.

    Args:
        path: The description; None for the one in this folder, or for what any takes.
        boards: Only these boards.
        step: How far things should go: a key of `STEPS`.
        kernel_configs: `FILE` or `GUEST=FILE`: how kernels were configured.
        form: `text` or `json`.
    """
    findings = _findings(path, boards, dict(map(_split, kernel_configs)))
    wanted = [finding for finding in findings if finding.step in needed_for(step)]
    lacks = any(finding.lacks for finding in wanted)
    return (_as_json(wanted) if form == "json" else _as_text(wanted, step)), int(lacks)


def _split(text: str) -> tuple[str, str]:
    guest, _, path = text.rpartition("=")
    return guest, path


def _findings(path: str | None, boards: tuple[str, ...], configs: dict[str, str]) -> list[Finding]:
    if path is None and os.path.isfile(DESCRIPTION):
        path = DESCRIPTION
    if path is not None:
        description = describe(path, (), boards)
        guests = {guest.name for system in description.systems.values() for guest in system.guests}
        unknown = sorted(name for name in configs if name and name not in guests)
        if unknown and description.systems:
            usage(f"--kernel-config: there is no guest {unknown[0]!r}; it has {', '.join(sorted(guests)) or 'none'}")
        found = examine(description, configs, is_own=True)
        return found if description.systems else [*found, *_of_any(boards)[1:]]
    if configs:
        usage("--kernel-config is for a guest of a description, and none is named")
    return _of_any(boards)


def _of_any(boards: tuple[str, ...]) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        own = os.path.join(folder, DESCRIPTION)
        with open(own, "w", encoding="utf-8") as file:
            file.write(_ANY)
        return examine(describe(own, (), boards), {}, is_own=False)


def _as_text(findings: list[Finding], step: str) -> str:
    lines = []
    for name in needed_for(step):
        lines.append(f"to {STEPS[name]}:\n")
        for finding in findings:
            if finding.step == name:
                lines.append(f"  {finding.status:<8} {finding.what}\n")
                lines += [f"  {'':<8} help: {finding.advice}\n"] if finding.advice else []
    lacking = [finding for finding in findings if finding.lacks]
    blocked = next((name for name in STEPS if any(finding.step == name for finding in lacking)), None)
    if blocked is None:
        return "".join([*lines, f"\nall is there to {STEPS[step]}, as far as can be seen\n"])
    number = f"{len(lacking)} thing{'s' if len(lacking) > 1 else ''}"
    return "".join([*lines, f"\n{number} to do; the first step that can't be done: {STEPS[blocked]}\n"])


def _as_json(findings: list[Finding]) -> str:
    return json.dumps([finding._asdict() for finding in findings], indent=2) + "\n"

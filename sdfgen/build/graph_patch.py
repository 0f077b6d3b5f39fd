"""The build graph's last part before the image: ELFs are patched all in one step, but for those that go into others."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from sdfgen import outputs
from sdfgen.build.ninja_text import escaped

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from sdfgen.build.ninja_text import Author
    from sdfgen.model.system import Patch, System

PATCH_RULE: Final = """\
rule patch
  command = $python -m patcher --plan $record.plan --record $record --faults $faults # $content
  rspfile = $record.plan
  rspfile_content = $plan
  description = patch $out
  restat = 1

"""
"""The plan stands in the graph, so that other values are another command."""


def known_patches(system: System, elf: str) -> list[Patch]:
    """Return the patches of one ELF whose values are known."""
    return [patch for patch in system.patches if patch.elf == elf and patch.value is not None]


def finished(system: System, linked: Mapping[str, str], inside: Container[str], author: Author) -> Iterator[str]:
    """Yield the steps from linked ELFs to finished ones: copies, and one or two that patch the rest.

    Args:
        system: The system.
        linked: What each ELF that is linked here is made from, by its name.
        inside: The ELFs that go into initial RAM disks.
        author: The author's files: ELFs beside the description are patched too.
    """
    own = {name: system.images[name] for name in sorted({patch.elf for patch in system.patches} & system.images.keys())}
    sources = {**linked, **{name: os.path.join(author.up, path) for name, path in own.items()}}
    patches = {name: known_patches(system, name) for name in sources}
    for name, source in sources.items():
        if not patches[name]:
            yield f"build {escaped(outputs.elf(name))}: copy {escaped(source)}\n"
            yield author.content(own[name]) if name in own else ""
    for step in outputs.PATCH_STEPS:
        files = [
            _file(sources[name], name, patches[name])
            for name in sources
            if patches[name] and (name in inside) == (step == outputs.PATCH_STEPS[0])
        ]
        if files:
            names = [own[name] for name in own if patches[name] and name not in inside]
            yield _patch(step, files) + author.content(*(names if step == outputs.PATCH_STEPS[1] else ()))


def _patch(step: str, files: list[dict[str, Any]]) -> str:
    made, inputs = (" ".join(escaped(file[key]) for file in files) for key in ("target", "source"))
    plan = json.dumps({"files": files}, separators=(",", ":")).replace("$", "$$")
    record, faults = outputs.patch_record(step), outputs.patch_faults(step)
    return (
        f"build {made} | {record}: patch {inputs} | {outputs.TOOLS_STAMP}\n"
        f"  plan = {plan}\n  record = {record}\n  faults = {faults}\n"
    )


def _file(source: str, name: str, patches: list[Patch]) -> dict[str, Any]:
    rows = [{"symbol": one.symbol, "value": one.value, "size_bytes": one.size_bytes} for one in patches]
    return {"source": source, "target": outputs.elf(name), "patches": rows}

"""The build graph's last part before the image: one step that patches all ELFs of a board, or none."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from sdfgen import outputs
from sdfgen.build.ninja_text import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.build.ninja_text import Author
    from sdfgen.model.system import Patch, System

_PLAN: Final = f"{outputs.OBJECT_FOLDER}/patches.plan.json"
PATCH_RULE: Final = f"""\
rule patch
  command = $python -m patcher --plan {_PLAN} --record {outputs.PATCH_RECORD} --faults {outputs.PATCH_FAULTS} $
    # $content
  rspfile = {_PLAN}
  rspfile_content = $plan
  description = patch $out
  restat = 1

"""
"""The plan stands in the graph, so that other values are another command."""


def known_patches(system: System, elf: str) -> list[Patch]:
    """Return the patches of one ELF whose values are known."""
    return [patch for patch in system.patches if patch.elf == elf and patch.value is not None]


def finished(system: System, linked: Mapping[str, str], author: Author) -> Iterator[str]:
    """Yield the steps from linked ELFs to finished ones: copies, and one that patches the rest.

    Args:
        system: The system.
        linked: What each ELF that is linked here is made from, by its name.
        author: The author's files: ELFs beside the description are patched too.
    """
    own = {name: system.images[name] for name in sorted({patch.elf for patch in system.patches} & system.images.keys())}
    sources = {**linked, **{name: os.path.join(author.up, path) for name, path in own.items()}}
    patches = {name: known_patches(system, name) for name in sources}
    for name, source in sources.items():
        if not patches[name]:
            yield f"build {escaped(outputs.elf(name))}: copy {escaped(source)}\n"
            yield author.content(own[name]) if name in own else ""
    patched = [name for name in sources if patches[name]]
    if patched:
        files = [_file(sources[name], name, patches[name]) for name in patched]
        made = " ".join(escaped(outputs.elf(name)) for name in patched)
        inputs = " ".join(escaped(sources[name]) for name in patched)
        plan = json.dumps({"files": files}, separators=(",", ":")).replace("$", "$$")
        yield f"build {made} | {outputs.PATCH_RECORD}: patch {inputs} | {outputs.TOOLS_STAMP}\n  plan = {plan}\n"
        yield author.content(*(own[name] for name in patched if name in own))


def _file(source: str, name: str, patches: list[Patch]) -> dict[str, Any]:
    rows = [{"symbol": one.symbol, "value": one.value, "size_bytes": one.size_bytes} for one in patches]
    return {"source": source, "target": outputs.elf(name), "patches": rows}

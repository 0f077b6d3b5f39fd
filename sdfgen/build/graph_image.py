"""The build graph's second half: guests' files, the objects that hold them, the bootable image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen import outputs
from sdfgen.build.ninja_text import beside, escaped, quoted
from sdfgen.build.toolchain import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.build.plan import GuestFiles, Plan
    from sdfgen.model.system import System

IMAGE_RULES: Final = f"""\
rule archive
  command = rm -f $out && $ar rcsD $out $in
  description = archive $out

rule stamp
  command = : > $out
  generator = 1

build {outputs.SDK_STAMP}: stamp

rule guest
  command = $python -m sdfgen.guest_files.steps $step $out $options $in
  description = make $out

rule link_pd
  command = $ld_pd $in $libraries_pd -o $out
  description = link $out

rule image
  command = "$${{MICROKIT_SDK}}"/{TOOL} $in $options -o obj/{outputs.LOADER} -r obj/{outputs.REPORT} > {outputs.TOOL_LOG} 2>&1 $
    && mv obj/{outputs.LOADER} obj/{outputs.REPORT} . || {{ cat {outputs.TOOL_LOG}; exit 1; }}
  description = pack {outputs.LOADER}

"""
"""Files appear under their names when they are whole: an earlier one may be in use, or be published.

The stamp is sdfgen's to write; whoever runs Ninja without it gets an empty one.
"""


def guest_files(plan: Plan, up: str) -> Iterator[str]:
    """Yield the steps that make guests' initial RAM disks and device trees.

    Args:
        plan: What can be made.
        up: Path from the board's folder to the description's.
    """
    for files in plan.guests.values():
        if files.initrd is not None:
            yield _initrd(files, up)
        if files.merged and files.guest.dtb is not None:
            base, overlay = beside(up, files.guest.dtb), outputs.overlay(files.guest)
            yield f"build {files.tree}: guest {base} {overlay}\n  step = tree\n"
    made = plan.made_guest_files
    if made:
        yield f"default {' '.join(made)}\n\n"


def _initrd(files: GuestFiles, up: str) -> str:
    """Return the step that appends files; what it appends is in its options, in the order of its inputs."""
    guest = files.guest
    sources = [appended.source for appended in guest.appended if appended.kind != "link"]
    base = [beside(up, guest.initrd)] if guest.initrd else []
    options = " ".join(
        quoted(f"{one.kind}:{one.path}" + (f":{one.source}" if one.kind == "link" else "")) for one in guest.appended
    )
    inputs = " ".join([*map(escaped, sources), *base])
    return f"build {files.initrd}: guest {inputs}\n  step = initrd\n  options = {options} --\n"


def guest_object(files: GuestFiles, up: str) -> tuple[str, str]:
    """Return the step that makes an object of a guest's files, and that object.

    Args:
        files: Where they are.
        up: Path from the board's folder to the description's.
    """
    guest = files.guest
    made = f"{outputs.OBJECT_FOLDER}/{outputs.GUEST_FOLDER}/{guest.name}.o"
    inputs = [beside(up, str(guest.kernel)), str(files.tree)]
    if files.initrd is not None:
        inputs.append(files.initrd)
    elif guest.initrd is not None:
        inputs.append(beside(up, guest.initrd))
    return f"build {made}: guest {' '.join(inputs)}\n  step = object\n", made


def image(system: System, plan: Plan, up: str, made: Sequence[str]) -> str:
    """Return the step that packs the image; program images made here stand before the author's.

    Args:
        system: The system.
        plan: What can be made.
        up: Path from the board's folder to the description's.
        made: The ELFs that are made here.
    """
    names = {pd.program_image for pd in system.all_pds()}
    inputs = [escaped(outputs.elf(name)) if name in made else beside(up, name) for name in sorted(names)]
    prefills = {region.prefill_path: region.prefill_made for region in system.regions if region.prefill_path}
    inputs += [name if is_made else beside(up, name) for name, is_made in sorted(prefills.items())]
    options = f"--board {system.board.name} --config {system.config} --search-path {outputs.ELF_FOLDER} . {quoted(up)}"
    return (
        f"\nbuild {outputs.LOADER} {outputs.REPORT}: image {system.name}.system | {' '.join(inputs)} {outputs.SDK_STAMP}\n"
        f"  options = {options}\n"
        f"build image: phony {outputs.LOADER} {outputs.REPORT}\n"
    )

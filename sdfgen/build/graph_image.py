"""The build graph's second half: guests' files, the objects that hold them, the bootable image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen import outputs
from sdfgen.build.ninja_text import escaped, quoted
from sdfgen.build.toolchain import TOOL
from sdfgen.facts.dialects import IMAGE_TYPE_SINCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.build.ninja_text import Author
    from sdfgen.build.plan import GuestFiles, Plan
    from sdfgen.model.system import System

IMAGE_RULES: Final = f"""\
rule archive
  command = rm -f $out.new && $ar rcsD $out.new $in && mv $out.new $out
  description = archive $out

rule stamp
  command = : > $out
  generator = 1

build {outputs.SDK_STAMP}: stamp
build {outputs.TOOLS_STAMP}: stamp

rule guest
  command = $python -m sdfgen.guest_files.steps $step $out $options $in # $content
  description = make $out

rule link_pd
  command = $ld_pd $in $libraries_pd -o $out.new && mv $out.new $out
  description = link $out

rule image
  command = "$${{MICROKIT_SDK}}"/{TOOL} $in $options -o obj/{outputs.LOADER} -r obj/{outputs.REPORT} $
    > {outputs.TOOL_LOG} 2>&1 && (cd obj && mv $out ..) $
    || {{ cat {outputs.TOOL_LOG}; exit 1; }} # $content
  description = pack {outputs.LOADER}

"""
"""Files appear under their names when they are whole: an earlier one may be in use, or be published.

The stamps are sdfgen's to write; whoever runs Ninja without it gets empty ones.
"""


def guest_files(plan: Plan, author: Author) -> Iterator[str]:
    """Yield the steps that make guests' initial RAM disks and device trees.

    Args:
        plan: What can be made.
        author: The author's files.
    """
    for files in plan.guests.values():
        if files.initrd is not None:
            yield _initrd(files, author)
        if files.merged and files.guest.dtb is not None:
            base, overlay = author.name(files.guest.dtb), outputs.overlay(files.guest)
            yield f"build {files.tree}: guest {base} {overlay} | {outputs.TOOLS_STAMP}\n  step = tree\n"
            yield author.content(files.guest.dtb)
    made = plan.made_guest_files
    if made:
        yield f"default {' '.join(made)}\n\n"


def _initrd(files: GuestFiles, author: Author) -> str:
    """Return the step that appends files; what it appends is in its options, in the order of its inputs."""
    guest = files.guest
    sources = [appended.source for appended in guest.appended if appended.kind != "link"]
    base = [guest.initrd] if guest.initrd else []
    options = " ".join(
        quoted(f"{one.kind}:{one.path}" + (f":{one.source}" if one.kind == "link" else "")) for one in guest.appended
    )
    inputs = " ".join([*map(escaped, sources), *map(author.name, base)])
    step = f"build {files.initrd}: guest {inputs} | {outputs.TOOLS_STAMP}\n  step = initrd\n  options = {options} --\n"
    return step + author.content(*base)


def guest_object(files: GuestFiles, author: Author) -> tuple[str, str]:
    """Return the step that makes an object of a guest's files, and that object.

    Args:
        files: Where they are.
        author: The author's files.
    """
    guest = files.guest
    made = outputs.guest_object(guest.name)
    own = [str(guest.kernel)]
    inputs = [author.name(str(guest.kernel)), str(files.tree)]
    if files.initrd is not None:
        inputs.append(files.initrd)
    elif guest.initrd is not None:
        inputs.append(author.name(guest.initrd))
        own.append(guest.initrd)
    step = f"build {made}: guest {' '.join(inputs)} | {outputs.TOOLS_STAMP}\n  step = object\n"
    return step + author.content(*own), made


def image(system: System, author: Author, made: Sequence[str]) -> str:
    """Return the step that packs the image; program images made here stand before the author's.

    Args:
        system: The system.
        author: The author's files.
        made: The ELFs that are made here.
    """
    names = {pd.program_image for pd in system.all_pds()}
    own = sorted(names - set(made))
    inputs = [escaped(outputs.elf(name)) for name in sorted(names & set(made))]
    prefills = {region.prefill_path: region.prefill_made for region in system.regions if region.prefill_path}
    inputs += [name for name, is_made in sorted(prefills.items()) if is_made]
    own += [name for name, is_made in sorted(prefills.items()) if not is_made]
    inputs += map(author.name, own)
    options = (
        f"--board {system.board.name} --config {system.config} --search-path {outputs.ELF_FOLDER} . {quoted(author.up)}"
    )
    options += f" --image-type {system.image}" if system.dialect.at_least(IMAGE_TYPE_SINCE) else ""
    options += f" --capdl-json obj/{outputs.CAPDL}" if system.dialect.writes_capdl else ""
    results = " ".join(of_tool(system))
    made_of = f"{system.name}.system | {' '.join(inputs)} {outputs.SDK_STAMP}"
    return (
        f"\nbuild {results}: image {made_of}\n"
        f"  options = {options}\n"
        f"{author.content(*own)}"
        f"build image: phony {results}\n"
    )


def of_tool(system: System) -> tuple[str, ...]:
    """Return what the Microkit tool makes: the image, and what it says of it."""
    return outputs.LOADER, outputs.REPORT, *((outputs.CAPDL,) if system.dialect.writes_capdl else ())

"""Measures ours beside its peers and prints ratios: `python benchmarks/run.py [--rounds N] [--json FILE]`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks import board, inputs
from benchmarks.measure import (
    ROOT,
    WARM_UP_ROUNDS,
    BenchmarkError,
    Command,
    Pair,
    Sample,
    Section,
    Spread,
    emptied,
    interleave,
    out_of,
    place,
    program,
    run,
    spread,
)
from benchmarks.options import arguments, save

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE: Final = "examples/two-clients/system.toml"
ONE_BOARD: Final = ("--board", "qemu_virt_aarch64")
SCALE_GOAL: Final = 2
FEW: Final = 2
MANY: Final = 60
PASSES: Final = 4
"""How often libvmm's virtio_mmio.mk rewrites the VMM that holds the guest; one pass of ours writes every value."""
IN: Final = "{input}"
OUT: Final = "{output}"
ELF: Final = "out.elf"
VALUE: Final = 0x4000_0000
REBUILD_GOAL_MS: Final = 50
DEFAULT_ROUNDS: Final = 25
_NAME_WIDTH: Final = 46


def generate(name: str, path: str, *options: str) -> Command:
    """Return the command that generates everything but ELFs into a fresh folder.

    Args:
        name: What the report calls it.
        path: The description.
        options: More options of `sdfgen build`.
    """
    argv = (program("sdfgen"), "build", path, "--no-compile", *options, "-o", place(*out_of(name)))
    return Command(name, argv, emptied(*out_of(name)))


def generation() -> Section:
    """Compare generation with the peer's metaprogram."""
    title = "Generation without compiling: two Linux clients, beside virtio_mmio of PyPI's sdfgen"
    one, both = generate("ours, one board", EXAMPLE, *ONE_BOARD), generate("ours, both boards", EXAMPLE)
    try:
        once, twice, lean = _peers()
    except BenchmarkError as error:
        return Section(title, (one, both), notes=(f"without the peer: {error}",))

    def check() -> None:
        inputs.check_own_outcome(place(*out_of(both.name)))
        for peer in (once, twice, lean):
            inputs.check_peer_outcome(place(*out_of(peer.name)))

    pairs = (Pair(one.name, once.name, 1), Pair(both.name, twice.name, 1), Pair(one.name, lean.name))
    return Section(title, (one, once, both, twice, lean), pairs, check)


def _peers() -> tuple[Command, Command, Command]:
    python, argv = inputs.peer_python(), inputs.peer_arguments()

    def peer(name: str, *options: str, times: int = 1) -> Command:
        words = (python, *argv, "--output", place(*out_of(name)), *options)
        return Command(name, words, emptied(*out_of(name)), times)

    return peer("peer"), peer("peer, run twice", times=2), peer("peer, version unchecked", "--any-version")


def scale() -> Section:
    """Compare 60 clients, the most there can be, with two."""
    pairs = [pair for kind in ("native", "linux") for pair in _scaled(kind)]
    commands = tuple(command for pair in pairs for command in pair)
    ratios = tuple(Pair(many.name, few.name, SCALE_GOAL) for few, many in pairs)
    return Section("Scale: 60 clients beside 2 (generation and check)", commands, ratios)


def _scaled(kind: str) -> Iterator[tuple[Command, Command]]:
    """Give commands for few and for many clients."""
    few, many = ((f"{count} {kind}", inputs.description(kind, count)) for count in (FEW, MANY))
    for what, options in (("one board", ONE_BOARD), ("both boards", ())):
        yield generate(f"{few[0]}, {what}", few[1], *options), generate(f"{many[0]}, {what}", many[1], *options)
    yield _check(*few), _check(*many)


def _check(name: str, path: str) -> Command:
    return Command(f"{name}, check", (program("sdfgen"), "check", path))


def rebuild() -> Section:
    """Measure a build that finds everything up to date, after a full one."""
    out = place("full")
    emptied("full")()
    build = (program("sdfgen"), "build", EXAMPLE, "-o", out)
    start = time.perf_counter()
    run(*build)
    note = f"the full build before it, with compiling for both boards: {time.perf_counter() - start:.1f} s"
    both = Command("nothing changed, both boards", build, goal_ms=REBUILD_GOAL_MS)
    edited = Command("times changed, both boards", ("sh", "-c", f"touch {EXAMPLE} && {' '.join(build)}"))
    return Section("Rebuild with nothing changed, ELFs included", (both, edited), notes=(note,))


def patching() -> Section:
    """Compare patching a large ELF with copying it and with replacing a section."""
    elf, objcopy = inputs.elf_with_blob(), inputs.gnu_objcopy()
    ours = (program("python"), "-m", "patcher", IN, f"io_base={VALUE}", "-o", OUT)
    made = [_new_file("ours", ours, elf), _new_file("cp", ("cp", IN, OUT), elf), _in_place("ours", ours, elf)]
    pairs = [Pair("ours, new file", "cp, new file")]
    if objcopy:
        replace = ("--update-section", f"{inputs.PATCHED_SECTION}={inputs.new_value(VALUE)}", IN, OUT)
        others = [_new_file("objcopy", (objcopy, *replace), elf), _in_place("objcopy", (objcopy, *replace), elf)]
        others.append(others[-1]._replace(name=f"{others[-1].name}, {PASSES} passes", times=PASSES))
        pairs += [Pair(mine.name, other.name) for mine, other in zip((made[0], made[2], made[2]), others, strict=True)]
        made += others
    lief = Command("python -c 'import lief'", (program("python"), "-c", "import lief"))
    notes = () if objcopy else ("no GNU objcopy for AArch64 is installed, so it is not measured",)
    title = f"Patching 8 bytes of an ELF with a {inputs.BLOB_BYTES >> 20} MiB blob"
    return Section(title, (*made, lief), tuple(pairs), lambda: _check_patched(bool(objcopy)), notes)


def _check_patched(objcopy: bool) -> None:
    for name in ("ours", "objcopy") if objcopy else ("ours",):
        for how in ("new file", "in place"):
            inputs.check_patched(place(*out_of(f"{name}, {how}"), ELF), VALUE)


def _new_file(name: str, words: tuple[str, ...], elf: str) -> Command:
    name = f"{name}, new file"
    out = out_of(name)
    return Command(name, _filled(words, elf, place(*out, ELF)), emptied(*out))


def _in_place(name: str, words: tuple[str, ...], elf: str) -> Command:
    name = f"{name}, in place"
    out = out_of(name)
    empty = emptied(*out)

    def prepare() -> None:
        empty()
        shutil.copyfile(os.path.join(ROOT, elf), os.path.join(ROOT, place(*out, ELF)))

    return Command(name, _filled(words, place(*out, ELF), place(*out, ELF)), prepare)


def _filled(words: tuple[str, ...], source: str, target: str) -> tuple[str, ...]:
    return tuple({IN: source, OUT: target}.get(word, word) for word in words)


def startup() -> Section:
    """Measure how long commands take that have next to nothing to do."""
    sdfgen = program("sdfgen")
    commands = (
        Command("python -c ''", (program("python"), "-c", "")),
        Command("sdfgen --version", (sdfgen, "--version")),
        Command("sdfgen check EXAMPLE", (sdfgen, "check", EXAMPLE)),
        Command("sdfgen explain", (sdfgen, "explain")),
    )
    return Section("Start-up", commands)


SECTIONS: Final = {
    "generation": generation,
    "scale": scale,
    "rebuild": rebuild,
    "patching": patching,
    "board": board.section,
    "startup": startup,
}


def measured(section: Section, rounds: int) -> dict[str, Any]:
    """Measure a section.

    Args:
        section: The section.
        rounds: How often.

    Returns:
        What is reported of it, as JSON knows it.
    """
    samples = interleave(section.commands, rounds)
    section.check()
    return {
        "title": section.title,
        "commands": [_cost(command, samples[command.name]) for command in section.commands],
        "ratios": [_ratio(pair, samples[pair.ours], samples[pair.other]) for pair in section.pairs],
        "notes": list(section.notes),
    }


def _cost(command: Command, samples: list[Sample]) -> dict[str, Any]:
    wall, cpu = spread(s.wall_ms for s in samples), spread(s.cpu_ms for s in samples)
    return {"name": command.name, "wall_ms": wall._asdict(), "cpu_ms": cpu._asdict(), "goal_ms": command.goal_ms}


def _ratio(pair: Pair, ours: list[Sample], other: list[Sample]) -> dict[str, Any]:
    """Divide round by round: what slowed down one sample has likely slowed down its neighbour too."""
    pairs = list(zip(ours, other, strict=True))
    wall = spread(a.wall_ms / b.wall_ms for a, b in pairs)
    cpu = spread(a.cpu_ms / b.cpu_ms for a, b in pairs)
    names = {"ours": pair.ours, "other": pair.other}
    return {**names, "wall": wall._asdict(), "cpu": cpu._asdict(), "goal": pair.goal}


def shown(report: dict[str, Any]) -> str:
    """Return a section's report as text.

    Args:
        report: What was measured.
    """
    costs = [
        f"  {c['name']:{_NAME_WIDTH}} {_text(c['wall_ms'], '.1f')}  {_text(c['cpu_ms'], '.1f')}"
        + _verdict(c["wall_ms"]["median"], c["goal_ms"], "ms")
        for c in report["commands"]
    ]
    ratios = [
        f"  {r['ours'] + ' / ' + r['other']:{_NAME_WIDTH}} {_text(r['wall'], '.2f')}  {_text(r['cpu'], '.2f')}"
        + _verdict(r["wall"]["median"], r["goal"], "")
        for r in report["ratios"]
    ]
    head = f"  {'':{_NAME_WIDTH}} {'wall (min to max)':>26}  {'CPU (min to max)':>26}"
    parts = [report["title"], *(f"  note: {note}" for note in report["notes"]), head, "  ms", *costs]
    return "\n".join([*parts, *(["  ratio", *ratios] if ratios else [])]) + "\n"


def _text(values: dict[str, float], form: str) -> str:
    known = Spread(**values)
    text = f"{known.median:{form}} ({known.minimum:{form}} to {known.maximum:{form}})"
    return f"{text:>26}"


def _verdict(value: float, goal: float | None, unit: str) -> str:
    if goal is None:
        return ""
    return f"  goal {goal:g}{' ' if unit else ''}{unit}: {'met' if value <= goal else 'MISSED'}"


def _machine() -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "system": platform.system(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "peer": f"sdfgen {inputs.PEER_VERSION}",
    }


def main() -> None:
    """Measure and report."""
    options = arguments("Measure ours beside its peers, whole processes, in turn.", DEFAULT_ROUNDS, SECTIONS)
    inputs.compile_bytecode()
    machine = _machine()
    sys.stdout.write(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"\n{options.rounds} rounds, in turn, after {WARM_UP_ROUNDS} to warm up; medians\n", flush=True)
    reports = []
    for name in options.only:
        reports.append(measured(SECTIONS[name](), options.rounds))
        print(shown(reports[-1]), flush=True)
    save(options.json, {"machine": machine, "rounds": options.rounds, "sections": reports})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")

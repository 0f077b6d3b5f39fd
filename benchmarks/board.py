"""All ELFs of a board: ours in one process, beside GNU objcopy as Makefiles use it and as it could be used."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Final

from benchmarks import inputs
from benchmarks.measure import ROOT, BenchmarkError, Command, Pair, Section, emptied, out_of, place, program, run

if TYPE_CHECKING:
    from collections.abc import Iterable

GOAL: Final = 0.5
NUMBER: Final = 0x4000_0000
BLOB_BYTES: Final = 128 << 20
VALUES: Final = (4, 2, 2, 2, 2, 2, 1, 1, 1, 1)
"""Values in each ELF, 18 in all. The first has the blob, and four: so often libvmm's virtio_mmio.mk rewrites a VMM."""
_VALUE: Final = '__attribute__((used, section(".patched{index}"))) volatile unsigned long long v{index} = 1;\n'
_BLOB: Final = """\
__asm__(".section .rodata.blob, \\"a\\"\\nblob: .incbin \\"{blob}\\"\\n.text\\n");
extern const volatile unsigned char blob[];
"""
_START: Final = "void _start(void) {{ while ({values}) {{ {use} }} }}\n"


def section() -> Section:
    """Compare patching all ELFs of a board in one process with replacing their sections one by one."""
    elves, objcopy = _elves(), inputs.gnu_objcopy()
    mine = [_copy("ours, new files", elves), _copy("ours, in place", elves, copied=True)]
    ours = [command._replace(argv=_step(command.name, elves)) for command in mine]
    title = f"A board: {sum(VALUES)} values in {len(elves)} ELFs, one with {BLOB_BYTES >> 20} MiB"
    lief = Command("python -c 'import lief'", (program("python"), "-c", "import lief"))
    if not objcopy:
        notes = ("no GNU objcopy for AArch64 is installed, so it is not measured",)
        return Section(title, (*ours, lief), check=lambda: _check_board(ours), notes=notes)
    by_value = _copy("objcopy, a process for each value, in place", elves, copied=True)
    by_elf = [
        _copy("objcopy, a process for each ELF, new files", elves),
        _copy("objcopy, a process for each ELF, in place", elves, copied=True),
    ]
    others = [
        command._replace(argv=("sh", "-ec", _objcopies(command.name, elves, objcopy)))
        for command in (by_value, *by_elf)
    ]
    pairs = [Pair(ours[1].name, by_value.name, GOAL), Pair(ours[0].name, by_value.name, GOAL)]
    pairs += [Pair(one.name, other.name) for one, other in zip(ours, by_elf, strict=True)]
    made = (*ours, *others)
    return Section(title, (*made, lief), tuple(pairs), lambda: _check_board(made))


def _copy(name: str, elves: list[str], *, copied: bool = False) -> Command:
    """Return a command without words whose folder is prepared: empty, or with copies of the ELFs."""
    empty = emptied(*out_of(name))

    def prepare() -> None:
        empty()
        for elf in elves if copied else []:
            shutil.copyfile(os.path.join(ROOT, elf), os.path.join(ROOT, _elf(name, elf)))

    return Command(name, (), prepare)


def _elf(name: str, elf: str) -> str:
    return place(*out_of(name), os.path.basename(elf))


def _step(name: str, elves: list[str]) -> tuple[str, ...]:
    folder = place(*out_of(name))
    sources = [_elf(name, elf) if name.endswith("in place") else elf for elf in elves]
    plan = _plan(sources, folder, NUMBER)
    options = ("--plan", plan, "--record", f"{folder}/record.json", "--faults", f"{folder}/faults.json")
    return program("python"), "-m", "patcher", *options


def _objcopies(name: str, elves: list[str], objcopy: str) -> str:
    """Return the shell's words that replace every section with a value in it."""
    value, lines = inputs.new_value(NUMBER), []
    for elf, count in zip(elves, VALUES, strict=True):
        replaced = [f"--update-section .patched{index}={value}" for index in range(count)]
        target = _elf(name, elf)
        source = target if name.endswith("in place") else elf
        each = replaced if "each value" in name else [" ".join(replaced)]
        lines += [f"{objcopy} {options} {source} {target}" for options in each]
    return "\n".join(lines)


def _check_board(commands: Iterable[Command]) -> None:
    for command in commands:
        _check_elves(place(*out_of(command.name)), NUMBER)


def _elves() -> list[str]:
    """Link the ELFs of a board, one of them with a very large blob, and return their paths.

    Raises:
        BenchmarkError: The blob is not in it.
    """
    elves = [place("inputs", "board", f"{index}.elf") for index in range(len(VALUES))]
    for index, elf in enumerate(elves):
        if not os.path.exists(os.path.join(ROOT, elf)):
            _link_elf(elf, VALUES[index], with_blob=index == 0)
    if os.path.getsize(os.path.join(ROOT, elves[0])) < BLOB_BYTES:
        raise BenchmarkError(f"{elves[0]} is smaller than the blob that should be in it")
    return elves


def _link_elf(elf: str, values: int, *, with_blob: bool) -> None:
    text, use = "".join(_VALUE.format(index=index) for index in range(values)), ""
    if with_blob:
        blob = place("inputs", "board", "blob.bin")
        inputs.write_noise(os.path.join(ROOT, blob), BLOB_BYTES)
        text, use = text + _BLOB.format(blob=blob), "(void)blob[v0];"
    text += _START.format(values=" + ".join(f"v{index}" for index in range(values)), use=use)
    inputs.link_bare(elf, inputs.written(f"{elf}.c", text.encode()))


def _plan(elves: list[str], folder: str, number: int) -> str:
    """Write the plan that patches the ELFs of a board, and return its path.

    Args:
        elves: Their paths.
        folder: Where the patched ones go.
        number: The value for every variable.
    """
    files = [
        {
            "source": elf,
            "target": os.path.join(folder, os.path.basename(elf)),
            "patches": [{"symbol": f"v{at}", "value": number, "size_bytes": 8} for at in range(VALUES[index])],
        }
        for index, elf in enumerate(elves)
    ]
    name = os.path.basename(folder)
    return inputs.written(place("inputs", "board", f"{name}.json"), json.dumps({"files": files}).encode())


def _check_elves(folder: str, number: int) -> None:
    """Check that all ELFs of a board have their values.

    Args:
        folder: Where they are.
        number: The value.
    """
    for index, count in enumerate(VALUES):
        values = (f"v{at}={number}" for at in range(count))
        run(program("python"), "-m", "patcher", "--verify-only", os.path.join(folder, f"{index}.elf"), *values)

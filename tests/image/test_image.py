"""From program images to the bootable image: what is checked before, what the tool says, what its report says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdfgen.describe import describe
from sdfgen.facts.dialects import DIALECTS
from sdfgen.guest_files.embed import guest_object
from sdfgen.image.extents import Extent
from sdfgen.image.programs import program_faults
from sdfgen.image.report import TextReport
from sdfgen.image.tool_faults import tool_faults
from sdfgen.read.program import Program, Symbol
from sdfgen.rules import program_images
from sdfgen.rules.program_images import unfit

BOARD = "qemu_virt_aarch64"
IMAGE_BASE = 0x20_0000
IPC_BUFFER = 0x21_0000
IPC_SYMBOL = "__sel4_ipc_buffer_obj"
NO_LIBRARY = "program image 'alone.elf' of `alone` has no symbol `microkit_name`: it is not linked with libmicrokit"
SDK_FILES = ("lib/libmicrokit.a", "lib/microkit.ld", "include/microkit.h")
HEAD = """\
[system]
name = "raw"
boards = ["qemu_virt_aarch64"]
microkit = "2.0.1"

[[protection_domain]]
name = "alone"
program_image = "alone.elf"
"""
# The symbol of 8 bytes and the one of 16 that `link` makes.
GOOD, WIDE = "_guest_kernel_image", "_guest_dtb_image"


def link(
    folder: Path, *more: str, ipc_buffer: str = IPC_SYMBOL, name: str = "alone.elf", second_bytes: int = 16
) -> Path:
    """A program image without a program: two variables, and the symbol that the tool looks for."""
    (folder / "data.o").write_bytes(guest_object({"kernel": bytes(8), "dtb": bytes(second_bytes)}))
    command = [sys.executable, "-m", "ziglang", "ld.lld", "data.o", *more, "--entry=0", "-o", name]
    symbols = (f"--defsym={name}={IPC_BUFFER:#x}" for name in (ipc_buffer, "microkit_ioports"))
    placed = [f"--section-start=.guest_images={IMAGE_BASE + 0x1000:#x}", *symbols]
    subprocess.run([*command, *placed], cwd=folder, check=True)
    return folder / name


def described(folder: Path, more: str, head: str = HEAD) -> Path:
    path = folder / "system.toml"
    path.write_text(head + more)
    return path


REGION = '[[memory_region]]\nname = "extra"\nsize = 0x1000\n'
MAPPED = REGION + '[[map]]\npd = "alone"\nmr = "extra"\nvaddr = {vaddr:#x}\n'
SETVAR = REGION + '[[setvar]]\npd = "alone"\nsymbol = "{symbol}"\nregion_paddr = "extra"\n'

NEAR = " (did you mean `_guest_dtb_image`?)"
PROGRAM_FAULTS = [
    ("", []),
    (MAPPED.format(vaddr=0x100_0000), []),
    (SETVAR.format(symbol=GOOD), []),
    (
        SETVAR.format(symbol=WIDE),
        [
            (
                "setvar[0].symbol",
                "symbol `_guest_dtb_image` of 'alone.elf' has 16 bytes, and the tool writes 8 for `alone`",
            )
        ],
    ),
    (
        SETVAR.format(symbol="_guest_dtb_imag"),
        [
            (
                "setvar[0].symbol",
                "program image 'alone.elf' of `alone` has no symbol `_guest_dtb_imag`" + NEAR,
            )
        ],
    ),
]


@pytest.mark.parametrize(("more", "expected"), PROGRAM_FAULTS, ids=["nothing", "far", "good", "wide", "misspelt"])
def test_setvar_targets_are_variables_of_eight_bytes(
    tmp_path: Path, more: str, expected: list[tuple[str, str]]
) -> None:
    path = str(described(tmp_path, more))
    system = describe(path, ["system.microkit='2.1.0'"]).systems[BOARD]
    image = link(tmp_path)
    found = [(fault.where.text, fault.message) for fault in unfit(system, lambda _: str(image))]
    assert found == expected
    said = [fault for fault in describe(path, ["system.microkit='2.1.0'"]).faults if fault.code == "SDF102"]
    assert [(fault.where.text, fault.message) for fault in said] == expected


@pytest.mark.parametrize(("version", "good"), [("1.4.1", [8, 16]), ("2.0.1", [8, 16]), ("2.1.0", [8]), ("2.3.0", [8])])
def test_older_tools_write_into_longer_symbols(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, good: list[int]
) -> None:
    path = described(tmp_path, SETVAR.format(symbol="it"))
    system = describe(str(path), [f"system.microkit='{version}'"]).systems[BOARD]

    def faults(size_bytes: int) -> list[str]:
        library = {symbol: Symbol(0, 64) for symbol in DIALECTS[version].library_symbols}
        known = {"it": Symbol(0, size_bytes), **library}
        monkeypatch.setattr(program_images, "read_program", lambda _: Program((), known))
        return [fault.code for fault in unfit(system, lambda name: name)]

    assert [size for size in (0, 4, 7, 8, 16) if not faults(size)] == good


@pytest.mark.parametrize(
    ("vaddr", "hit"),
    [(IMAGE_BASE, True), (IMAGE_BASE + 0x2000, True), (IPC_BUFFER, True), (IPC_BUFFER + 0x1000, False)],
    ids=["first page", "last page", "IPC buffer", "behind"],
)
def test_no_map_may_lie_over_the_image_or_its_ipc_buffer(tmp_path: Path, vaddr: int, hit: bool) -> None:
    system = describe(str(described(tmp_path, MAPPED.format(vaddr=0x100_0000)))).systems[BOARD]
    image = link(tmp_path)
    (pd,) = system.pds
    moved = system._replace(pds=(pd._replace(maps=tuple(m._replace(vaddr=vaddr) for m in pd.maps)),))  # type: ignore[arg-type]
    found = [(fault.code, fault.where.text) for fault in unfit(moved, lambda _: str(image))]
    assert found == ([("SDF102", "map[0].vaddr")] if hit else [])
    before = system._replace(dialect=DIALECTS["2.3.0"], pds=moved.pds)
    assert next(unfit(before, lambda _: str(image))).message == NO_LIBRARY


@pytest.mark.parametrize(("version", "severity"), [("1.4.1", "warning"), ("2.0.1", "warning"), ("2.3.0", "error")])
@pytest.mark.parametrize(
    ("segments", "page"),
    [
        (((0x20_0000, 0x838), (0x20_0000, 0x1170)), "0x200000"),
        (((0x20_1000, 0x10), (0x20_0000, 0x1001)), "0x201000"),
        (((0x20_0000, 0x1000), (0x20_1000, 0x10)), None),
    ],
    ids=["same", "end", "beside"],
)
def test_two_segments_on_one_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    segments: tuple[tuple[int, int], ...],
    page: str | None,
    version: str,
    severity: str,
) -> None:
    system = describe(str(described(tmp_path, "")), [f"system.microkit='{version}'"]).systems[BOARD]
    known = {symbol: Symbol(0, 64) for symbol in DIALECTS[version].library_symbols}
    monkeypatch.setattr(program_images, "read_program", lambda _: Program(segments, known))
    found = [(fault.severity, fault.message) for fault in unfit(system, lambda name: name)]
    message = f"two segments of program image 'alone.elf' of `alone` have page {page} in common"
    assert found == ([(severity, message)] if page else [])


# The libmicrokit of some versions, by what is told of it, in others: an image of an older one works by luck.
OLD, NEW = (IPC_SYMBOL, "microkit_name"), ("microkit_name", "microkit_ioports")
MIDDLE = (IPC_SYMBOL, *NEW)
LACKS_BUFFER = "has no symbol `__sel4_ipc_buffer_obj`: it is not linked with the libmicrokit of this version"
LACKS_PORTS = "has no symbol `microkit_ioports`: it is not linked with the libmicrokit of this version"
IS_OLD = (
    "has symbol `__sel4_ipc_buffer_obj`: it is linked with an older libmicrokit, which looks for messages where "
    "Microkit 2.3.0 puts none"
)
LIBRARIES = [
    ("2.0.1", OLD, []),
    ("2.0.1", NEW, [("error", LACKS_BUFFER)]),
    ("2.1.0", OLD, [("error", LACKS_PORTS)]),
    ("2.2.0", MIDDLE, []),
    ("2.2.0", NEW, [("error", LACKS_BUFFER)]),
    ("2.3.0", OLD, [("error", LACKS_PORTS)]),
    ("2.3.0", MIDDLE, [("warning", IS_OLD)]),
    ("2.3.0", NEW, []),
]


@pytest.mark.parametrize(("version", "library", "expected"), LIBRARIES)
def test_an_image_is_linked_with_the_libmicrokit_of_its_version(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    library: tuple[str, ...],
    expected: list[tuple[str, str]],
) -> None:
    system = describe(str(described(tmp_path, "")), [f"system.microkit='{version}'"]).systems[BOARD]
    known = {symbol: Symbol(0, 64) for symbol in library}
    monkeypatch.setattr(program_images, "read_program", lambda _: Program((), known))
    found = [(fault.severity, fault.message) for fault in unfit(system, lambda name: name)]
    assert found == [(severity, f"program image 'alone.elf' of `alone` {words}") for severity, words in expected]


FRAMES = "void far(char *);\nvoid {name}(void)\n{{\n    char at[2000];\n\n    far(at);\n}}\n"
# The stack, whether the image was linked here, and the advice.
STACKS = [
    ("4 KiB", ("alone.elf",), 'use "8 KiB"'),
    ("8 KiB", ("alone.elf",), None),
    ("4 KiB", (), None),
    (None, ("alone.elf",), 'use "8 KiB"'),
]


@pytest.mark.parametrize(("size", "linked", "advice"), STACKS, ids=["small", "large", "foreign", "default"])
def test_a_stack_below_all_frames_together_is_warned_of(
    tmp_path: Path, size: str | None, linked: tuple[str, ...], advice: str | None
) -> None:
    (tmp_path / "frames.c").write_text("".join(FRAMES.format(name=name) for name in ("first", "second", "third")))
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-freestanding", "-Os", "-c"]
    subprocess.run([*compiler, "frames.c", "-o", "frames.o"], cwd=tmp_path, check=True)
    image = link(tmp_path, "frames.o", "--defsym=far=0")
    path = described(tmp_path, f'stack_size = "{size}"\n' if size else "")
    image.rename(tmp_path / "linked.elf")
    linked_image = str(tmp_path / "linked.elf")
    found = list(program_faults(describe(str(path)).systems[BOARD], lambda _: linked_image, linked))
    assert [(fault.code, fault.severity, fault.advice) for fault in found] == (
        [("SDF104", "warning", advice)] if advice else []
    )


def broken(folder: Path, kind: str) -> Path:
    path = folder / "alone.elf"
    if kind == "text":
        path.write_text("no ELF")
    elif kind == "foreign":
        path = Path(sys.executable).resolve()
    elif kind == "unlinked":
        link(folder, ipc_buffer="other")
    elif kind == "object":
        link(folder)
        (folder / "data.o").rename(path)
    elif kind == "stripped":
        link(folder, "--strip-all")
    elif kind == "cut":
        path.write_bytes(link(folder).read_bytes()[:-600])
    elif kind == "empty":
        path.touch()
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "is no ELF file"),
        ("missing", "cannot be read: No such file or directory"),
        ("foreign", "is not for AArch64"),
        ("unlinked", "it is not linked with libmicrokit"),
        ("object", "is an object file, not linked"),
        ("stripped", "has no symbol table"),
        ("cut", "is no sound ELF file"),
        ("empty", "is no ELF file"),
    ],
)
def test_what_is_no_program_image_is_told_at_its_name(tmp_path: Path, kind: str, words: str) -> None:
    path = described(tmp_path, "")
    system = describe(str(path)).systems[BOARD]
    image = broken(tmp_path, kind)
    (fault,) = unfit(system, lambda _: str(image))
    assert fault.where.text == "protection_domain[0].program_image"
    assert words in fault.message
    if image.parent == tmp_path and image.exists():
        assert [fault.message] == [one.message for one in describe(str(path)).faults]


SYSTEM_FILE = """\
<system>
    <memory_region name="extra" size="0x1000" />
    <protection_domain name="alone">
        <map mr="extra" vaddr="0x1000000" />
"""
PANIC = "thread 'main' (7) panicked at src/main.rs:1:1:\nassertion failed: phys_address >= self.last_fixed_address\n"
TOLD = [
    ("Error: \"unable to find program image: 'alone.elf'\"", "protection_domain[0].program_image", "unable to find"),
    ("Error: no such symbol in PD 'alone'", "protection_domain[0].name", "no such symbol in PD 'alone'"),
    (
        "ERROR: attempted to allocate object 'Page(4 KiB): MR=extra @ 5000' ",
        "memory_region[0].phys_addr",
        "attempted to",
    ),
    (
        "Error: odd on element 'map': /a/b/raw.system:4:9",
        "memory_region[0].phys_addr",
        "odd on element 'map': raw.system:4:9",
    ),
    (
        "BUILT: x\n" + PANIC + "stack backtrace:\n  0: x\n",
        "memory_region[0].phys_addr",
        "assertion failed: phys_address",
    ),
    ("Error: out of sorts", "system.name", "out of sorts"),
    (
        (
            "ERROR: object 'frame_mr_extra_000000000', with paddr 0x0000bf800000..0x0000bf801000 is not in any valid "
            "memory region.\nBelow are the valid ranges of memory to be allocated from:\nValid ranges outside of main "
            "memory:\n     [0x000000000000..0x000008000000)\nERROR: could not allocate all required kernel objects."
        ),
        "memory_region[0].phys_addr",
        (
            "object 'frame_mr_extra_000000000', with paddr 0x0000bf800000..0x0000bf801000 is not in any valid memory "
            "region.; could not allocate all required kernel objects."
        ),
    ),
    (
        "MICROKIT|CAPDL SPEC: number of root objects = 100101\nERROR: object 'frame_alone_stack_000000001' is odd",
        "protection_domain[0].name",
        "object 'frame_alone_stack_000000001' is odd",
    ),
    (
        "ERROR: could not patch symbol 'nosuch' in program image for PD 'alone' (alone.elf): no symbol named 'nosuch'",
        "protection_domain[0].name",
        "could not patch symbol 'nosuch'",
    ),
    (
        "Error: \"ERROR: mapping MR 'extra' to PD 'alone' with vaddr [0x1..0x2) will overlap with an ELF segment\"",
        "memory_region[0].phys_addr",
        "mapping MR 'extra' to PD 'alone' with vaddr [0x1..0x2) will overlap with an ELF segment",
    ),
    (
        "ERROR: failed to parse ELF 'elf/alone.elf' for PD 'nobody': magic check failed",
        "protection_domain[0].program_image",
        "failed to parse ELF 'elf/alone.elf'",
    ),
    (
        "ERROR: cannot auto-select a physical address for MR extra because there are no contiguous memory region",
        "memory_region[0].phys_addr",
        "cannot auto-select",
    ),
    (
        "ERROR: ran out of untypeds for allocating objects of size 2 MiB, still need to create 5 objects",
        "system.name",
        "ran out of untypeds",
    ),
    (
        PANIC.replace("assertion failed: phys_address >= self.last_fixed_address", "Overlapping regions: [1..2)"),
        "system.name",
        "Overlapping regions: [1..2)",
    ),
    ("", "system.name", "it failed without a word"),
    (
        (
            "bootstrap invocation array size   : 1200\nUntyped              - Retype\n"
            "Internal error: bootstrap invocations too large\nthread 'main' panicked at main.rs:1:\nfailed"
        ),
        "system.name",
        "bootstrap invocations too large",
    ),
]


@pytest.mark.parametrize(("said", "place", "words"), TOLD, ids=[place + str(i) for i, (_, place, _) in enumerate(TOLD)])
def test_what_the_tool_says_leads_back_to_the_description(tmp_path: Path, said: str, place: str, words: str) -> None:
    more = MAPPED.format(vaddr=0x100_0000).replace("size", "phys_addr = 0x9000_0000\nsize")
    system = describe(str(described(tmp_path, more))).systems[BOARD]
    (fault,) = tool_faults(system, said, SYSTEM_FILE)
    assert (fault.code, fault.where.text) == ("SDF103", place)
    assert fault.message.startswith(f"the Microkit tool says: {words}")
    assert "panicked" not in fault.message


REPORT = """\
# Kernel Boot Info

    Page(4 KiB): MR=not_here #0                 9 cap_addr=80000000000001d6 phys_addr=1000

# Allocated Kernel Objects Detail

    Page(4 KiB): MR=device @ 8040000            9 cap_addr=80000000000001d6 phys_addr=8040000
    Page(2 MiB): MR=ram #0                     10 cap_addr=8000000000006906 phys_addr=80400000
    Page(2 MiB): MR=ram #1                     10 cap_addr=8000000000006907 phys_addr=80600000
    Page(4 KiB): MR=torn #0                     9 cap_addr=8000000000006908 phys_addr=5000
    Page(4 KiB): MR=torn #1                     9 cap_addr=8000000000006909 phys_addr=9000
    Page(4 KiB): MR=ELF:alone-0 @ 6041f000      9 cap_addr=800000000000021e phys_addr=6041f000
    TCB: PD=alone                               1 cap_addr=8000000000000220 phys_addr=6042f000

# System Kernel Invocations Detail

    0x67fe Page                 - Map               - 0x8000000000008c9b (Page(2 MiB): MR=ram #0 (derived))
         vspace (cap)         0x80000000000069d8 (VSpace: PD=alone)
         vaddr                0x40000000
         rights               3
    0x67ff Page                 - Map               - 0x80000000000000c (Page(4 KiB): MR=ELF:a-0 @ 6041f000 (derived))
         vspace (cap)         0x80000000000069d8 (VSpace: PD=alone)
         vaddr                0x200000
"""


def test_the_report_says_where_regions_lie(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text(REPORT)
    extents = TextReport(str(tmp_path / "report.txt")).extents()
    assert extents.regions == {
        "device": Extent(0x804_0000, 0x1000, contiguous=True),
        "ram": Extent(0x8040_0000, 0x40_0000, contiguous=True),
        "torn": Extent(0x5000, 0x2000, contiguous=False),
    }
    assert extents.own == {"ELF:alone-0": Extent(0x6041_F000, 0x1000, contiguous=True)}
    assert TextReport(str(tmp_path / "report.txt")).maps() == {("alone", "ram", 0x4000_0000)}


# ---- with a tool that stands in for Microkit's


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    folder = tmp_path / "sdk"
    for name in SDK_FILES:
        path = folder / "board" / BOARD / "debug" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (folder / "VERSION").write_text("2.0.1\n")
    (folder / "bin").mkdir()
    stand_in = Path(__file__).parent / "stand_in_tool.py"
    tool = folder / "bin" / "microkit"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
    tool.chmod(0o755)
    return folder


def sdfgen(command: str, *arguments: str, cwd: Path, sdk: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    if sdk is not None:
        environment["MICROKIT_SDK"] = str(sdk)
    words = [sys.executable, "-m", "sdfgen", command, "system.toml", *arguments]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a command writes to standard error beside how far it is."""
    return [line for line in done.stderr.splitlines() if not line.startswith("sdfgen: raw for ")]


def board(folder: Path) -> Path:
    return folder / "build" / BOARD


def test_an_image_is_packed_and_agrees_with_the_description(tmp_path: Path, sdk: Path) -> None:
    image = link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000) + SETVAR.format(symbol=GOOD).removeprefix(REGION))
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert (built.returncode, complaints(built)) == (0, [])
    assert "waiting" not in built.stdout
    assert (board(tmp_path) / "loader.img").read_bytes() == image.read_bytes()
    verified = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "1 regions and 1 maps of the tool's report.txt" in verified.stdout


TAMPERED = [
    (
        "report.txt",
        "phys_addr=90000000",
        "phys_addr=90001000",
        "region extra lies at 0x90001000, 0x90000000 was decided",
    ),
    (
        "report.txt",
        "vaddr                0x1000000",
        "vaddr                0x1001000",
        "map of extra in alone at 0x1000000",
    ),
    ("report.txt", "MR=extra @", "MR=other @", "region extra is missing"),
    (
        "raw.system",
        'vaddr="0x1000000"',
        'vaddr="0x1001000"',
        "vaddr of map of `extra` in `alone`: 0x1001000 is written, 0x1000000 was decided",
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "words"), TAMPERED, ids=["moved", "mapped", "missing", "system file"])
def test_verify_tells_what_was_built_differently(
    tmp_path: Path, sdk: Path, name: str, old: str, new: str, words: str
) -> None:
    link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000).replace("size", "phys_addr = 0x9000_0000\nsize"))
    sdfgen("build", cwd=tmp_path, sdk=sdk)
    path = board(tmp_path) / name
    text = path.read_text()
    assert old in text
    path.unlink()  # the working folder has the same file
    path.write_text(text.replace(old, new))
    done = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert done.returncode == 1
    assert words in done.stderr


def test_verify_finds_an_image_of_other_programs(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000))
    sdfgen("build", cwd=tmp_path, sdk=sdk)
    packed = board(tmp_path) / "loader.img"
    content = packed.read_bytes()
    packed.unlink()
    packed.write_bytes(content[: len(content) // 2])
    cut = sdfgen("verify", "--format", "json", cwd=tmp_path, sdk=sdk)
    assert cut.returncode == 1
    assert [record["code"] for record in json.loads(cut.stdout)["faults"]] == ["SDF150"]
    packed.write_bytes(content)
    program = tmp_path / "alone.elf"
    program.write_bytes(program.read_bytes().replace(b"_guest_dtb", b"_guest_dtc"))
    other = sdfgen("verify", "--format", "json", cwd=tmp_path, sdk=sdk)
    assert other.returncode == 1
    assert [(record["code"], record["file"]) for record in json.loads(other.stdout)["faults"]] == [
        ("SDF153", "alone.elf")
    ]


def test_verify_without_a_build_says_so(tmp_path: Path) -> None:
    described(tmp_path, "")
    done = sdfgen("verify", cwd=tmp_path, sdk=None)
    assert done.returncode == 1
    assert "nothing was built here" in done.stderr


def test_a_refusal_shows_the_line_and_leaves_the_last_image(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    path = described(tmp_path, MAPPED.format(vaddr=0x100_0000))
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    before = (board(tmp_path) / "loader.img").read_bytes()
    path.write_text(path.read_text().replace('"extra"', '"refused"'))
    failed = sdfgen("build", "-q", cwd=tmp_path, sdk=sdk)
    assert failed.returncode == 1
    assert failed.stderr.startswith("system.toml:10:8: error[SDF103]: the Microkit tool says: I do not like it")
    assert 'name = "refused"' in failed.stderr
    assert (board(tmp_path) / "loader.img").read_bytes() == before


UNUSED = REGION.replace("extra", "unused")
# What the tool is given beside a region that is used nowhere, and the codes of all that is told of it.
DOCUMENTS = [
    (MAPPED.format(vaddr=0x100_0000), ["SDF045"]),
    (MAPPED.format(vaddr=0x100_0000).replace("extra", "refused"), ["SDF103", "SDF045"]),
    (SETVAR.format(symbol="_guest_dtb_imag"), ["SDF102", "SDF045"]),
]


@pytest.mark.parametrize(("more", "codes"), DOCUMENTS, ids=["good", "refused", "does not fit"])
def test_faults_are_one_document_whenever_they_are_found(
    tmp_path: Path, sdk: Path, more: str, codes: list[str]
) -> None:
    link(tmp_path)
    described(tmp_path, more + UNUSED)
    for again in (False, True):
        done = sdfgen("build", "--format", "json", cwd=tmp_path, sdk=sdk)
        assert [record["code"] for record in json.loads(done.stdout)["faults"]] == codes
        assert ("nothing has changed" in done.stderr) == (again and done.returncode == 0)


def test_a_compiler_that_is_not_there_leaves_one_document(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    described(tmp_path, '[[guest]]\nname = "linux"\n[toolchain]\ncc = "false-"\n' + UNUSED)
    done = sdfgen("build", "--format", "json", cwd=tmp_path, sdk=sdk)
    assert done.returncode == 1
    found = {record["code"]: record for record in json.loads(done.stdout)["faults"]}
    assert sorted(found) == ["SDF045", "SDF172"]
    assert found["SDF172"]["path"] == "toolchain.cc"


def test_what_is_verified_is_told_beside_the_document(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000))
    sdfgen("build", cwd=tmp_path, sdk=sdk)
    done = sdfgen("verify", "--format", "json", cwd=tmp_path, sdk=sdk)
    assert json.loads(done.stdout)["faults"] == []
    assert "1 regions and 1 maps of the tool's report.txt" in done.stderr


PATCH = '[[patch]]\nelf = "alone.elf"\nsymbol = "_guest_kernel_image"\nvalue = "phys_addr(\'{region}\') + 1"\n'


def test_an_address_that_the_tool_chose_is_patched_and_packed(tmp_path: Path, sdk: Path) -> None:
    image = link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000) + PATCH.format(region="extra"))
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert (built.returncode, complaints(built)) == (0, [])
    address = TextReport(str(board(tmp_path) / "report.txt")).extents().regions["extra"].address or 0
    packed = (board(tmp_path) / "loader.img").read_bytes()
    assert packed.count((address + 1).to_bytes(8, "little")) == 1
    assert len(packed) == image.stat().st_size
    assert sdfgen("verify", cwd=tmp_path, sdk=sdk).returncode == 0


def test_what_moves_when_it_is_patched_is_refused(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    more = MAPPED.format(vaddr=0x100_0000) + PATCH.format(region="restless")
    described(tmp_path, more.replace('"extra"', '"restless"'))
    failed = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert failed.returncode == 1
    assert "patching moved what Microkit had placed: restless" in failed.stderr
    assert not board(tmp_path).exists()


def test_an_address_that_the_report_does_not_tell_is_not_patched(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    more = MAPPED.format(vaddr=0x100_0000) + PATCH.format(region="silent")
    described(tmp_path, more.replace('"extra"', '"silent"'))
    failed = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert failed.returncode == 1
    assert (
        "system.toml:19:9: error[SDF163]: an address can't be learned: report.txt of the Microkit tool" in failed.stderr
    )


def test_a_new_tool_packs_anew(tmp_path: Path, sdk: Path) -> None:
    link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000))
    sdfgen("build", cwd=tmp_path, sdk=sdk)
    tool = sdk / "bin" / "microkit"
    tool.write_text(tool.read_text() + "# newer\n")
    os.utime(tmp_path / "alone.elf", (0, 0))
    time_before = (tmp_path / "build" / f".{BOARD}" / "loader.img").stat().st_mtime_ns
    assert "nothing has changed" not in sdfgen("build", cwd=tmp_path, sdk=sdk).stdout
    assert (tmp_path / "build" / f".{BOARD}" / "loader.img").stat().st_mtime_ns > time_before
    assert "nothing has changed" in sdfgen("build", cwd=tmp_path, sdk=sdk).stdout


SDK_FAULTS = [
    (None, "", "loader.img waits for MICROKIT_SDK"),
    ("VERSION", "2.1.0\n", "is Microkit 2.1.0, the description is for 2.0.1"),
    ("VERSION", None, "has no VERSION"),
    ("bin/microkit", None, "has no bin/microkit"),
    (f"board/{BOARD}", None, f"has no board `{BOARD}`; it has none"),
    (f"board/{BOARD}/debug/include", None, f"has no board/{BOARD}/debug/include/microkit.h"),
]


@pytest.mark.parametrize(
    ("name", "content", "words"), SDK_FAULTS, ids=["none", "version", "no version", "tool", "board", "header"]
)
def test_what_the_sdk_lacks_is_told(
    tmp_path: Path, sdk: Path, name: str | None, content: str | None, words: str
) -> None:
    link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000))
    if name is not None:
        (sdk / name).rename(sdk / "gone")
        if content is not None:
            (sdk / name).write_text(content)
    done = sdfgen("build", cwd=tmp_path, sdk=sdk if name else None)
    assert done.returncode == (1 if name else 0)
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_image_that_nobody_made_is_waited_for(tmp_path: Path, sdk: Path) -> None:
    described(tmp_path, "")
    done = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert done.returncode == 0
    assert "waiting: loader.img waits for alone.elf beside the description" in done.stdout


def test_what_is_already_patched_is_not_packed_again(tmp_path: Path, sdk: Path) -> None:
    image = link(tmp_path)
    described(tmp_path, MAPPED.format(vaddr=0x100_0000) + PATCH.replace("\"phys_addr('{region}') + 1\"", "5"))
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    packed = board(tmp_path) / "loader.img"
    before = packed.stat().st_mtime_ns
    for touched in (image, tmp_path / "system.toml"):
        os.utime(touched)
        (tmp_path / "build" / ".state.json").unlink()
        again = sdfgen("build", cwd=tmp_path, sdk=sdk)
        assert again.returncode == 0
        assert "nothing has changed" not in again.stdout
        assert packed.stat().st_mtime_ns == before

"""The protection domains' own C: run against a played Microkit, libvmm and guest, and compiled for their target."""

from __future__ import annotations

import glob
import os
import re
import shutil
import struct
from typing import TYPE_CHECKING, NamedTuple

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from sdfgen.build.toolchain import LINK_FLAGS

from .elf import symbol_table, undefined_symbols
from .model.programs import QEMU, check, command, listed, names
from .toolchain import C_TESTS, DRIVER_CC, GNU_PD_CC, HERE, PD_CC, TEMPLATES_C, TWO_CLIENTS, folders, include_flags, run

if TYPE_CHECKING:
    from pathlib import Path

LIBVMM_FLAGS = ("-I", os.path.join(HERE, "libvmm", "include"), "-I", os.path.join(TEMPLATES_C, "vmm"))
# Of the plain folders a program takes what it uses: they are archived, the others are linked whole.
VMM = folders(
    *("vmm", "vmm_pl011", "vmm_uio", "vmm_virtio_blk", "microkit", "cache"),
    *("common", "counters", "pd", "pl011", "virtio", "vmm_virtio", "virtio_blk", "block"),
)
CONSOLE_VMM = folders(
    *("vmm", "vmm_console_pl011", "vmm_virtio_console", "microkit", "cache"),
    *("common", "counters", "pd", "pl011", "serial", "virtio", "vmm_virtio", "virtio_console", "vmm_console"),
)
VIRTUALISER = folders("block_virt_pd", "microkit", "common", "counters", "pd", "block", "block_virt")
TIMER = folders("guest_timer_pd", "guest_timer", "microkit", "pd")
MEM = "pd/mem.c"
MEM_NAMES = ("memcpy", "memmove", "memset", "memcmp")
RENAMED = tuple(f"-D{name}=tested_{name}" for name in MEM_NAMES)
MEM_TESTS = ("glue_mem_test.c",)


class Domain(NamedTuple):
    """A protection domain: its sources, its generated table unless the tests bring one, its tests, what it needs."""

    product: tuple[str, ...]
    table: str | None
    tests: tuple[str, ...]
    needs: frozenset[str]


# What every PD needs of Microkit. Some are inline functions in the SDK's header, but not under libvmm/.
MICROKIT = frozenset({"microkit_dbg_puts", "microkit_name", "microkit_notify"})
# Of the processor: the tests note what is cleaned.
CACHE = frozenset({"cache_clean_range", "cache_clean_and_invalidate_range"})
LIBVMM = frozenset(
    {
        "fault_emulate_write",
        "fault_get_data",
        "fault_handle",
        "fault_is_read",
        "fault_register_vm_exception_handler",
        "guest_init",
        "guest_start",
        "linux_setup_images",
        "vgic",
        "vgic_init",
        "virq_inject",
        "virq_register",
    }
)
VMM_MICROKIT = frozenset(
    {
        "microkit_irq_ack",
        "microkit_mr_get",
        "microkit_msginfo_get_label",
        "microkit_msginfo_new",
        "microkit_vcpu_arm_ack_vppi",
        "microkit_vcpu_arm_read_reg",
        "microkit_vcpu_arm_write_reg",
        "microkit_vcpu_stop",
        "seL4_ARM_VCPU_InjectIRQ",
        "seL4_TCB_ReadRegisters",
        "seL4_TCB_Resume",
        "seL4_TCB_SetPriority",
        "seL4_TCB_Suspend",
        "seL4_TCB_WriteRegisters",
    }
)
IMAGES = frozenset(f"_guest_{image}_image{end}" for image in ("kernel", "dtb", "initrd") for end in ("", "_end"))
TIMER_MICROKIT = MICROKIT | {"microkit_irq_ack", "seL4_Yield"}
VMM_NEEDS = MICROKIT | VMM_MICROKIT | LIBVMM | IMAGES
FAKES = ("glue_libvmm.c", "glue_microkit.c")
# Written by the tests.
TABLE = ("glue_table.c",)
DOMAINS = {
    "client_vmm": Domain(VMM, "client_vmm_table.c", ("glue_disk_test.c", *FAKES), VMM_NEEDS),
    "client_vmm_at_rest": Domain(VMM, "client_vmm_table.c", ("glue_rest_test.c", *FAKES), VMM_NEEDS),
    "driver_vmm": Domain(VMM, "driver_vmm_table.c", ("glue_driver_test.c", *FAKES), VMM_NEEDS),
    "two_disks_vmm": Domain(VMM, "two_disks_vmm_table.c", ("glue_two_disks_test.c", *FAKES), VMM_NEEDS),
    "console_vmm": Domain(CONSOLE_VMM, "console_vmm_table.c", ("glue_console_test.c", *FAKES), VMM_NEEDS),
    "played_vmm": Domain(VMM, None, ("glue_devices_test.c", *TABLE, *FAKES), VMM_NEEDS),
    "vmm_of_several_vcpus": Domain(VMM, None, ("glue_vcpus_test.c", *TABLE, *FAKES), VMM_NEEDS),
    "driver_and_client_vmm": Domain(VMM, None, ("glue_driver_and_client_test.c", *TABLE, *FAKES), VMM_NEEDS),
    "block_virt": Domain(VIRTUALISER, "block_virt_table.c", ("glue_virt_test.c", "glue_microkit.c"), MICROKIT | CACHE),
    "limited_virt": Domain(
        VIRTUALISER, "limited_virt_table.c", ("glue_limited_test.c", "glue_microkit.c"), MICROKIT | CACHE
    ),
    "images": Domain(("vmm/vmm_images.c",), None, ("glue_images_test.c",), IMAGES | {"cache_clean_range"}),
    "guest_timer": Domain(TIMER, "guest_timer_table.c", ("glue_timer_test.c", "glue_microkit.c"), TIMER_MICROKIT),
    "guest_timer_by_period": Domain(
        TIMER, "guest_timer_by_period_table.c", ("glue_timer_period_test.c", "glue_microkit.c"), TIMER_MICROKIT
    ),
}
# Not linked natively: the libc has these, and the tests play the cache and the core's timer.
TARGET_ONLY = folders("pd", "cache")
# The domains' regions begin where the sanitizer's own memory is.
VADDR = re.compile(r"vaddr = 0x8(?=[0-9a-f]{7}\b)")
TABLES = {domain.table for domain in DOMAINS.values() if domain.table}
WITH_TABLE = [name for name, domain in DOMAINS.items() if domain.table]
CASES = [(domain, name) for domain in DOMAINS for name in names(DOMAINS[domain].tests)]


def native_table(table: str, folder: Path) -> str:
    """The generated table, with addresses that can be mapped natively."""
    with open(os.path.join(TWO_CLIENTS, table), encoding="utf-8") as file:
        text, count = VADDR.subn("vaddr = 0x2", file.read())
    assert count > 0
    moved = folder / f"native_{table}"
    moved.write_text(text, encoding="utf-8")
    return str(moved)


@pytest.fixture(scope="module", params=["gcc", "clang"])
def built(request: pytest.FixtureRequest, programs: Path) -> dict[str, tuple[str, ...]]:
    """What runs each domain's tests."""
    compiler: str = request.param
    outputs: dict[str, tuple[str, ...]] = {}
    compile_with = (*command(compiler), *include_flags(), *LIBVMM_FLAGS)
    made = native_objects(compile_with, programs / f"glue_{compiler}")
    for name, domain in DOMAINS.items():
        output = str(programs / f"glue_{name}_{compiler}")
        sources = [os.path.join(C_TESTS, test) for test in domain.tests]
        sources += [made[source] for source in domain.product if source in made]
        sources += [native_table(domain.table, programs)] if domain.table else []
        run((*compile_with, *sources, "-o", output))
        outputs[name] = (output,)
    return outputs


def native_objects(compile_with: tuple[str, ...], folder: Path) -> dict[str, str]:
    """The domains' sources, each compiled once, but for what only the target has."""
    folder.mkdir()
    sources = {source for domain in DOMAINS.values() for source in domain.product} - set(TARGET_ONLY)
    made = {source: str(folder / (source.replace("/", "_") + ".o")) for source in sources}
    for source, output in made.items():
        run((*compile_with, "-c", os.path.join(TEMPLATES_C, source), "-o", output))
    return made


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_unit_test_is_run(built: dict[str, tuple[str, ...]], domain: str) -> None:
    assert listed(built[domain]) == names(DOMAINS[domain].tests)


@pytest.mark.parametrize(("domain", "name"), CASES)
def test_unit(built: dict[str, tuple[str, ...]], domain: str, name: str) -> None:
    check(built[domain], name)


def compile_for_pd(compiler: tuple[str, ...], folder: Path) -> dict[str, str]:
    sources = {source for domain in DOMAINS.values() for source in domain.product}
    paths = {source: os.path.join(TEMPLATES_C, source) for source in sources}
    paths |= {table: os.path.join(TWO_CLIENTS, table) for table in TABLES}
    compiled = {}
    for source, path in sorted(paths.items()):
        compiled[source] = str(folder / (source.replace("/", "_") + ".pd.o"))
        run((*compiler, *include_flags(), *LIBVMM_FLAGS, "-c", path, "-o", compiled[source]))
    return compiled


@pytest.fixture(scope="module")
def objects(programs: Path) -> dict[str, str]:
    """Every source of the domains compiled as a build does."""
    return compile_for_pd(PD_CC, programs)


@pytest.fixture(scope="module")
def gnu_objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same by the other compiler."""
    if shutil.which(GNU_PD_CC[0]) is None:
        pytest.skip(f"{GNU_PD_CC[0]} is not installed (Debian: gcc-aarch64-linux-gnu)")
    return compile_for_pd(GNU_PD_CC, tmp_path_factory.mktemp("gnu"))


def symbols(path: str) -> tuple[set[str], set[str]]:
    """Global symbols that an object defines, and those it needs."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        entries = list(symbol_table(elf).iter_symbols())
        exported = {s.name for s in entries if s["st_info"]["bind"] != "STB_LOCAL" and s["st_shndx"] != "SHN_UNDEF"}
        return exported, set(undefined_symbols(elf))


@pytest.mark.parametrize("name", WITH_TABLE)
def test_domain_needs_only_microkit_and_libvmm(objects: dict[str, str], name: str) -> None:
    domain = DOMAINS[name]
    found = [symbols(objects[source]) for source in (*domain.product, str(domain.table))]
    defined = set[str]().union(*(exported for exported, _ in found))
    needed = set[str]().union(*(undefined for _, undefined in found))
    assert needed - defined == domain.needs


@pytest.mark.parametrize("name", WITH_TABLE)
def test_domain_defines_each_symbol_once(objects: dict[str, str], name: str) -> None:
    domain = DOMAINS[name]
    exported = [symbol for source in (*domain.product, str(domain.table)) for symbol in symbols(objects[source])[0]]
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("name", [name for name in DOMAINS if "timer" in name])
def test_guest_timer_has_the_entry_points(objects: dict[str, str], name: str) -> None:
    exported = set[str]().union(*(symbols(objects[source])[0] for source in DOMAINS[name].product))
    assert {"init", "notified"} <= exported
    assert "fault" not in exported


def uses_vectors(word: int) -> bool:
    """Whether an instruction is floating point or SIMD (Arm ARM, C4.1: the encoding's bits 25 to 28, and V)."""
    group = word >> 25 & 0b1111
    computes = group & 0b0111 == 0b0111
    loads = group & 0b0101 == 0b0100 and bool(word >> 26 & 1)
    is_sve = group == 0b0010
    return computes or loads or is_sve


# What a compiler makes of copies, sums and function entries, with and without those registers.
INSTRUCTIONS = {
    "ldr q0, [x1]": (0x3DC00020, True),
    "stp q0, q1, [x0]": (0xAD000400, True),
    "ldr d0, [x1]": (0xFD400020, True),
    "stp d8, d9, [sp, #-16]!": (0x6DBF27E8, True),
    "ldr s0, label": (0x1C000000, True),
    "movi v0.2d, #0": (0x6F00E400, True),
    "fmul d0, d0, d0": (0x1E600800, True),
    "add v0.4s, v0.4s, v1.4s": (0x4EA18400, True),
    "fmov x0, d0": (0x9E660000, True),
    "cnt v0.8b, v0.8b": (0x0E205800, True),
    "ptrue p0.b": (0x2518E3E0, True),
    "ldr x0, [x1]": (0xF9400020, False),
    "stp x29, x30, [sp, #-16]!": (0xA9BF7BFD, False),
    "ldr x0, label": (0x58000000, False),
    "ldaxr x0, [x1]": (0xC85FFC20, False),
    "strb w0, [x1]": (0x39000020, False),
    "add x0, x1, x2": (0x8B020020, False),
    "mul x0, x0, x0": (0x9B007C00, False),
    "movz x0, #1": (0xD2800020, False),
    "csel x0, x1, x2, eq": (0x9A820020, False),
    "bl label": (0x94000000, False),
    "ret": (0xD65F03C0, False),
    "mrs x0, cntpct_el0": (0xD53BE020, False),
    "dmb ish": (0xD5033BBF, False),
}


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_vector_instructions_are_recognised(name: str) -> None:
    word, vectors = INSTRUCTIONS[name]
    assert uses_vectors(word) is vectors


def code_words(path: str) -> list[int]:
    with open(path, "rb") as file:
        texts = [s.data() for s in ELFFile(file).iter_sections() if s.name.startswith(".text")]
    return [word for text in texts for (word,) in struct.iter_unpack("<I", text)]


@pytest.mark.parametrize("compiler", ["objects", "gnu_objects"])
def test_no_domain_touches_the_fpu(request: pytest.FixtureRequest, compiler: str) -> None:
    """Each would trap, as often as a guest has used the registers meanwhile."""
    compiled: dict[str, str] = request.getfixturevalue(compiler)
    words = {source: code_words(path) for source, path in compiled.items()}
    assert len([source for source, code in words.items() if code]) > len(words) // 2
    assert [(source, hex(word)) for source, code in words.items() for word in code if uses_vectors(word)] == []


def test_vmm_has_the_entry_points(objects: dict[str, str]) -> None:
    exported = set[str]().union(*(symbols(objects[source])[0] for source in VMM))
    assert {"init", "notified", "fault"} <= exported


def test_few_files_see_libvmm() -> None:
    """Its headers have structures of the same names as ours."""
    including = []
    for path in sorted(glob.glob(os.path.join(TEMPLATES_C, "**", "*.[ch]"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            if "<libvmm/" in file.read():
                including.append(os.path.basename(path))
    assert including == [
        "vmm_fault.c",
        "vmm_gic.c",
        "vmm_gic_target.c",
        "vmm_guest.c",
        "vmm_inject.c",
        "vmm_local.c",
        "vmm_reboot.c",
        "vmm_trap.c",
        "vmm_virq.c",
    ]


def test_memory_functions_call_nothing(objects: dict[str, str]) -> None:
    """Not even themselves, which a compiler that recognises their loops would make them do."""
    with open(objects[MEM], "rb") as file:
        elf = ELFFile(file)
        table = symbol_table(elf)
        sections = [s for s in elf.iter_sections() if isinstance(s, RelocationSection) and "text" in s.name]
        called = {table.get_symbol(r["r_info_sym"]).name for s in sections for r in s.iter_relocations()}
        assert called.isdisjoint(MEM_NAMES)
        binding = {s.name: s["st_info"]["bind"] for s in table.iter_symbols() if s.name in MEM_NAMES}
        assert binding == dict.fromkeys(MEM_NAMES, "STB_WEAK")
        assert list(undefined_symbols(elf)) == []


@pytest.fixture(scope="module", params=["gcc", "clang", "aarch64"])
def mem_test(request: pytest.FixtureRequest, programs: Path) -> tuple[str, ...]:
    """The memory functions under other names, beside the libc's."""
    compiler: str = request.param
    if compiler == "aarch64" and shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} is not installed (Debian: qemu-user-static)")
    compile_with = (*DRIVER_CC, *LINK_FLAGS.split()) if compiler == "aarch64" else command(compiler)
    output = str(programs / f"mem_test_{compiler}")
    mem = os.path.join(TEMPLATES_C, MEM)
    run((*compile_with, *include_flags(), *RENAMED, "-ffreestanding", "-c", mem, "-o", output + ".o"))
    test = os.path.join(C_TESTS, *MEM_TESTS)
    run((*compile_with, *include_flags(), "-fno-builtin", test, output + ".o", "-o", output))
    return (QEMU, output) if compiler == "aarch64" else (output,)


@pytest.mark.parametrize("name", names(MEM_TESTS))
def test_memory_functions(mem_test: tuple[str, ...], name: str) -> None:
    assert listed(mem_test) == names(MEM_TESTS)
    check(mem_test, name)

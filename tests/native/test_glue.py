"""The protection domains' own C: run against a played Microkit, libvmm and guest, and compiled for their target."""

from __future__ import annotations

import glob
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from sdfgen.toolchain import LINK_FLAGS

from .elf import symbol_table, undefined_symbols
from .model.programs import DEVICE, QEMU, check, command, listed, names
from .toolchain import C_TESTS, DRIVER_CC, HERE, PD_CC, TEMPLATES_C, TWO_CLIENTS, include_flags, run

if TYPE_CHECKING:
    from pathlib import Path

LIBVMM_FLAGS = ("-I", os.path.join(HERE, "libvmm", "include"))
VMM = (
    "vmm/vmm_common.c",
    "vmm/vmm_console.c",
    "vmm/vmm_guest.c",
    "vmm/vmm_idle.c",
    "vmm/vmm_irq.c",
    "microkit/pd_say.c",
    "common/console_line.c",
    "common/pl011.c",
)
MEM = "pd/mem.c"
MEM_NAMES = ("memcpy", "memmove", "memset", "memcmp")
RENAMED = tuple(f"-D{name}=tested_{name}" for name in MEM_NAMES)
MEM_TESTS = ("glue_mem_test.c",)


class Domain(NamedTuple):
    """A protection domain: its sources and generated table, how it is tested, and what it expects to be linked with."""

    product: tuple[str, ...]
    table: str
    tests: tuple[str, ...]
    needs: frozenset[str]


# What every PD needs of Microkit. Some are inline functions in the SDK's header, but not under libvmm/.
MICROKIT = frozenset({"microkit_dbg_puts", "microkit_name", "microkit_notify"})
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
        "seL4_TCB_SetPriority",
    }
)
IMAGES = frozenset(f"_guest_{image}_image{end}" for image in ("kernel", "dtb", "initrd") for end in ("", "_end"))
DOMAINS = {
    "client_vmm": Domain(
        ("vmm/client_vmm.c", *VMM, MEM, "virtio/virtio_mmio.c", *DEVICE),
        "client_vmm_table.c",
        ("glue_client_test.c", "glue_libvmm.c", "glue_microkit.c"),
        MICROKIT | VMM_MICROKIT | LIBVMM | IMAGES,
    ),
    "driver_vmm": Domain(
        ("vmm/driver_vmm.c", *VMM, MEM, "common/phys_addr.c"),
        "driver_vmm_table.c",
        ("glue_driver_test.c", "glue_libvmm.c", "glue_microkit.c"),
        MICROKIT | VMM_MICROKIT | LIBVMM | IMAGES,
    ),
    "blk_virt": Domain(
        (
            "microkit/blk_virt_pd.c",
            "microkit/pd_say.c",
            MEM,
            "pd/cache_aarch64.c",
            "blk/blk_virt.c",
            "blk/blk_virt_client.c",
            "blk/blk_virt_disk.c",
            "blk/blk_virt_driver.c",
            "blk/blk_queue.c",
            "blk/crc32.c",
            "blk/partition.c",
            "blk/partition_gpt.c",
        ),
        "blk_virt_table.c",
        ("glue_virt_test.c", "glue_microkit.c"),
        MICROKIT,
    ),
}
# Not linked natively: the libc has these, and the test notes the cache operations.
TARGET_ONLY = (MEM, "pd/cache_aarch64.c")
# Where the sanitizer's own memory is not: the driver VMM's one page that is really written.
MOVED = (".phys_addr_vaddr = 0x80200000,", ".phys_addr_vaddr = 0x30000000,")
CASES = [(domain, name) for domain in DOMAINS for name in names(DOMAINS[domain].tests)]


def native_table(domain: str, folder: Path) -> str:
    """The generated table, with addresses that can be mapped natively."""
    path = os.path.join(TWO_CLIENTS, DOMAINS[domain].table)
    if domain != "driver_vmm":
        return path
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count(MOVED[0]) == 1
    moved = folder / "native_driver_vmm_table.c"
    moved.write_text(text.replace(*MOVED), encoding="utf-8")
    return str(moved)


@pytest.fixture(scope="module", params=["gcc", "clang"])
def built(request: pytest.FixtureRequest, programs: Path) -> dict[str, tuple[str, ...]]:
    """What runs each domain's tests."""
    compiler: str = request.param
    outputs: dict[str, tuple[str, ...]] = {}
    for name, domain in DOMAINS.items():
        output = str(programs / f"glue_{name}_{compiler}")
        sources = [os.path.join(C_TESTS, test) for test in domain.tests]
        sources += [os.path.join(TEMPLATES_C, source) for source in domain.product if source not in TARGET_ONLY]
        table = native_table(name, programs)
        run((*command(compiler), *include_flags(), *LIBVMM_FLAGS, *sources, table, "-o", output))
        outputs[name] = (output,)
    return outputs


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_unit_test_is_run(built: dict[str, tuple[str, ...]], domain: str) -> None:
    assert listed(built[domain]) == names(DOMAINS[domain].tests)


@pytest.mark.parametrize(("domain", "name"), CASES)
def test_unit(built: dict[str, tuple[str, ...]], domain: str, name: str) -> None:
    check(built[domain], name)


@pytest.fixture(scope="module")
def objects(programs: Path) -> dict[str, str]:
    """Every source of the domains compiled as a build does."""
    sources = {source for domain in DOMAINS.values() for source in domain.product}
    paths = {source: os.path.join(TEMPLATES_C, source) for source in sources}
    paths |= {domain.table: os.path.join(TWO_CLIENTS, domain.table) for domain in DOMAINS.values()}
    compiled = {}
    for source, path in sorted(paths.items()):
        compiled[source] = str(programs / (source.replace("/", "_") + ".pd.o"))
        run((*PD_CC, *include_flags(), *LIBVMM_FLAGS, "-c", path, "-o", compiled[source]))
    return compiled


def symbols(path: str) -> tuple[set[str], set[str]]:
    """Global symbols that an object defines, and those it needs."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        entries = list(symbol_table(elf).iter_symbols())
        exported = {s.name for s in entries if s["st_info"]["bind"] != "STB_LOCAL" and s["st_shndx"] != "SHN_UNDEF"}
        return exported, set(undefined_symbols(elf))


@pytest.mark.parametrize("name", DOMAINS)
def test_domain_needs_only_microkit_and_libvmm(objects: dict[str, str], name: str) -> None:
    domain = DOMAINS[name]
    found = [symbols(objects[source]) for source in (*domain.product, domain.table)]
    defined = set[str]().union(*(exported for exported, _ in found))
    needed = set[str]().union(*(undefined for _, undefined in found))
    assert needed - defined == domain.needs


@pytest.mark.parametrize("name", DOMAINS)
def test_domain_defines_each_symbol_once(objects: dict[str, str], name: str) -> None:
    domain = DOMAINS[name]
    exported = [symbol for source in (*domain.product, domain.table) for symbol in symbols(objects[source])[0]]
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("name", ["client_vmm", "driver_vmm"])
def test_vmm_has_the_entry_points(objects: dict[str, str], name: str) -> None:
    exported = set[str]().union(*(symbols(objects[source])[0] for source in DOMAINS[name].product))
    assert {"init", "notified", "fault"} <= exported


def test_only_one_file_sees_libvmm() -> None:
    """Its headers have structures of the same names as ours."""
    including = []
    for path in sorted(glob.glob(os.path.join(TEMPLATES_C, "**", "*.[ch]"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            if "<libvmm/" in file.read():
                including.append(os.path.basename(path))
    assert including == ["vmm_guest.c"]


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

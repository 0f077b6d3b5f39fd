"""What each Microkit version can say: facts, no behaviour.

Source: the Microkit manual, tool sources and changelog of the versions named.
"""

from __future__ import annotations

from sdfgen.records import NamedTuple

IPC_BUFFER = "__sel4_ipc_buffer_obj"
"""The page that the tool maps behind a program image, before 2.3.0."""
DOMAIN_NAME = "microkit_name"
"""The variable of libmicrokit that the tool writes a domain's name into."""
_IO_PORTS = "microkit_ioports"
"""The same with ports of x86, on every board: tools from 2.1.0 on stop without it."""


class Dialect(NamedTuple):
    """The grammar and the limits of one Microkit version.

    Attributes:
        version: The version.
        attributes: Optional attributes and elements that it knows beyond those of 1.4.1.
        checks: What its tool looks at beyond what the tool of 1.4.1 does; see `_CHECKS_2_0` and below.
        pp_on_pd: The callee is marked on its protection domain instead of on the caller's end.
        pd_name_bytes: Longer names of protection domains are cut.
        default_stack_bytes: Stack of a protection domain that asks for none.
        auto_large_pages: Regions get 2 MiB pages by themselves where size and addresses allow.
        single_allocation: All 2 MiB pages without `phys_addr` come from one untyped.
        fixed_ram_unsafe: Fixed addresses in normal RAM may collide with free allocations at boot.
        fixed_page_size: A page size that was written is kept.
        symbol_exactly_8: A setvar's symbol must have 8 bytes, not at least 8.
        library_symbols: What its tool looks for in every program image, which libmicrokit of this version has.
        ipc_buffer_behind_image: The IPC buffer's page is where a symbol of the image says, not at the top.
        top_reserve_bytes: What lies between the highest mapping and the stack at the top.
        rounds_segments: A segment of an image takes whole pages from where it starts, aligned or not.
        touching_overlaps: What touches a segment of the image is taken for lying over it.
        root_cnode_bits: Size of the root server's CNode, which decides what is free at the top of RAM.
        max_scheduling_contexts: How many scheduling contexts the monitor's array holds beside its own.
        writes_capdl: Its tool writes the capDL specification too, when it is asked to.
        vcpu_beside_pd: A virtual CPU without a core runs on its protection domain's, not on the first one.
        mixes_up_vcpus: Machines behind one with several vCPUs get wrong ones.
        vm_budget_halts: Its kernel was seen to halt when a virtual machine's budget was used up.
    """

    version: str
    attributes: frozenset[str]
    checks: frozenset[str] = frozenset()
    pp_on_pd: bool = False
    pd_name_bytes: int = 64
    default_stack_bytes: int = 0x1000
    auto_large_pages: bool = True
    single_allocation: bool = False
    fixed_ram_unsafe: bool = False
    fixed_page_size: bool = True
    symbol_exactly_8: bool = True
    library_symbols: tuple[str, ...] = (IPC_BUFFER,)
    ipc_buffer_behind_image: bool = True
    top_reserve_bytes: int = 0
    rounds_segments: bool = True
    touching_overlaps: bool = False
    root_cnode_bits: int = 17
    max_scheduling_contexts: int | None = None
    writes_capdl: bool = True
    vcpu_beside_pd: bool = False
    mixes_up_vcpus: bool = False
    vm_budget_halts: bool = False

    def at_least(self, version: str) -> bool:
        """Tell whether it is a version or a later one; 2.10.0 is later than 2.9.0.

        Args:
            version: The version, three numbers with dots.
        """
        return numbers(self.version) >= numbers(version)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, in which versions compare.

    Args:
        version: Such as `2.0.1`.
    """
    return tuple(map(int, version.split(".")))


_V2_0 = frozenset({"end.pp", "end.notify", "protection_domain.smc", "map.setvar_size", "vcpu.several"})
_V2_1 = _V2_0 | {
    "protection_domain.cpu",
    "vcpu.cpu",
    "irq.setvar_id",
    "end.setvar_id",
    "protection_domain.setvar_id",
    "vcpu.setvar_id",
}
_V2_2 = _V2_1 | {
    "memory_region.prefill_path",
    "map.setvar_prefill_size",
    "protection_domain.path_for_symbols",
}
_V2_3 = _V2_2 | {
    "protection_domain.fpu",
    "protection_domain.domain",
    "protection_domain.cap",
    "memory_region.prefill_bootinfo",
    "domains",
}

_CHECKS_2_0 = frozenset({"call_priority", "one_caller"})
"""Callers stand below those they call; of two ends one calls."""
_CHECKS_2_1 = _CHECKS_2_0 | {"monitor_name", "vm_names", "object_names"}
"""Nobody is called `monitor`; names of virtual machines differ; names of kernel objects differ."""
_CHECKS_2_3 = _CHECKS_2_1 | {"root_names"}
"""A protection domain has a second CNode, `NAME_root`, whose name differs from those of others too."""

DIALECTS = {
    dialect.version: dialect
    for dialect in (
        Dialect(
            "1.4.1",
            frozenset(),
            pp_on_pd=True,
            pd_name_bytes=16,
            auto_large_pages=False,
            single_allocation=True,
            fixed_ram_unsafe=True,
            symbol_exactly_8=False,
            rounds_segments=False,
            root_cnode_bits=12,
            max_scheduling_contexts=63,
            writes_capdl=False,
        ),
        Dialect(
            "2.0.1",
            _V2_0,
            _CHECKS_2_0,
            single_allocation=True,
            fixed_page_size=False,
            symbol_exactly_8=False,
            rounds_segments=False,
            root_cnode_bits=12,
            max_scheduling_contexts=63,
            writes_capdl=False,
            mixes_up_vcpus=True,
            vm_budget_halts=True,
        ),
        Dialect(
            "2.1.0",
            _V2_1,
            _CHECKS_2_1,
            default_stack_bytes=0x2000,
            library_symbols=(IPC_BUFFER, _IO_PORTS),
            top_reserve_bytes=0x1000,
            touching_overlaps=True,
        ),
        Dialect("2.2.0", _V2_2, _CHECKS_2_1, default_stack_bytes=0x2000, library_symbols=(IPC_BUFFER, _IO_PORTS)),
        Dialect(
            "2.3.0",
            _V2_3,
            _CHECKS_2_3,
            default_stack_bytes=0x2000,
            top_reserve_bytes=0x2000,
            library_symbols=(DOMAIN_NAME, _IO_PORTS),
            ipc_buffer_behind_image=False,
            vcpu_beside_pd=True,
        ),
    )
}

SINCE = {
    attribute: min((d.version for d in DIALECTS.values() if attribute in d.attributes), key=numbers)
    for dialect in DIALECTS.values()
    for attribute in dialect.attributes
}

CONFIGS = ("debug", "release", "benchmark", "smp-debug", "smp-release", "smp-benchmark")
SMP_SINCE = "2.1.0"
IMAGES = ("binary", "elf")
"""Forms of an image for AArch64; a uImage is for RISC-V only."""
IMAGE_TYPE_SINCE = "2.1.0"
"""Earlier tools make binaries only, and have no option for it."""

MAX_PDS = 63
MAX_VMS = 63
MAX_ID = 61
MAX_CHILD_ID = 63
"""Ids of children are numbers of a badge, not bits: two more than of channels have a slot of their own."""
CHILD_ID_MASK = 0xFF
"""What libmicrokit keeps of a child's id."""
MAX_PRIORITY = 254
DEFAULT_BUDGET_US = 1000
MIN_BUDGET_US = 20
"""The kernel's own: twice its longest way through itself (KERNEL_WCET, 10 us on every Arm platform)."""
STACK_MIN_BYTES = 0x1000
STACK_MAX_BYTES = 0x100_0000
MAX_DOMAINS = 16
MAX_SCHEDULE_ENTRIES = 99
MAX_CAP_SLOT = 127
NAME_BYTES = 63
PD_ELF_BASE = 0x20_0000
PD_ELF_END = 0x100_0000
"""How far a program image may be expected to reach when nobody has seen it."""
LAST_SGI = 15
"""Interrupts up to here are sent by software; there is no device behind them."""
KERNEL_PPIS = {25: "the vGIC's maintenance", 26: "the kernel's timer", 27: "the virtual timer"}
"""Private interrupts that a kernel with hypervisor support keeps for itself."""

"""`sdfgen board`: begins a board file with what a Microkit SDK knows of the board."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sdfgen.facts.sdk import AARCH64, SdkError, boards_of, configs_of, read_sdk
from sdfgen.facts.sdk_fill import KEPT, reserve_bytes
from sdfgen.faults.fault import suggestion
from sdfgen.units import LARGE_PAGE_BYTES, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.sdk import Range, Sdk

_TOP_BYTES = 0x80_0000
"""What the root server's objects take at the top of RAM, and more, in all versions."""
_PHYSICAL_TIMER_INTID = 30
"""Of the architecture: the non-secure EL1 physical timer."""

_GUESTS = """\
# For Linux guests these tables come on top; the two boards that come with sdfgen have them all.
#
# [gic]                       the interrupt controller's node in Linux's device tree for this board
# version = {version}
# distributor = 0x...         the first pair of its `reg`
# distributor_size = {distributor}
{gic}#
# [guest]
# ram = 0x4000_0000           where a guest's RAM begins, a multiple of 2 MiB; a guest with a device
#                             that does DMA has its RAM at the same physical address
# dtb_from_top = "1 MiB"
# initrd_from_top = "32 MiB"
# cpu = "{cpu}"     `compatible` of the CPU's node
# psci = "smc"                `method` of the psci node
# timer_ppis = [13, 14, 11, 10]   the timer node's `interrupts`: the second number of each
# complete_tree = false       true when [[device]] tables describe all that a guest is given
# console = "ttyAMA0"         Linux's name of the UART
# console_device = "uart"     the [[device]] that it is
#
# [uio], [emulated], [console]   addresses and interrupts where a guest has nothing else: those of the
#                                other boards do, where no device and no RAM is at them
#
# [[device]]                  a node of Linux's device tree that a guest may be given
# name = "uart"
# base = 0x...                its `reg`
# size = 0x1000
# intid = 33                  its `interrupts`: the number and 32
# trigger = "level"           the last number is 4; 1 is "edge"
# dma = false                 true when it reads or writes memory by itself
# reset = {{ offset = 0x70 }}   with dma: the register that stops it, and a value other than 0, if that is known
"""
_GIC = {
    2: """\
# cpu_interface = 0x...       the second
# cpu_interface_size = 0x1000
# vcpu_interface = 0x...      the fourth, or the reference manual's GICV
""",
    3: """\
# redistributor = 0x...       the second
# redistributor_size = 0x2_0000   128 KiB for each core
""",
}
_DISTRIBUTOR = {2: "0x1000", 3: "0x1_0000"}


def begin(name: str, sdk: str, config: str | None) -> str:
    """Return the text of a board file, or leave with status 1 and a line that says why there is none.

    Args:
        name: The board's name.
        sdk: The SDK's folder.
        config: The configuration to read; None for the one for debugging, or any.
    """
    known = boards_of(sdk)
    if not known:
        sys.exit(f"sdfgen: {sdk} is no Microkit SDK: it has no folder `board` with boards")
    if name not in known:
        sys.exit(f"sdfgen: the SDK has no board {name!r}{suggestion(name, known)}; it has {', '.join(known)}")
    configs = configs_of(sdk, name)
    if not configs:
        sys.exit(f"sdfgen: the SDK tells nothing of {name}: gen_config.json comes with Microkit 2.0.1 and later")
    if config is not None and config not in configs:
        sys.exit(f"sdfgen: {name} has no configuration {config!r}{suggestion(config, configs)}: {', '.join(configs)}")
    try:
        facts = read_sdk(sdk, name, config or configs[0])
    except SdkError as error:
        sys.exit(f"sdfgen: {error}")
    if facts is None or facts.architecture != AARCH64:
        sys.exit(f"sdfgen: {name} is {facts.architecture if facts else '?'}, and only AArch64 has facts here")
    if not facts.memory:
        sys.exit(f"sdfgen: the SDK does not tell the memory of {name}: platform_gen.json comes with 2.0.1 and later")
    return "".join(_text(name, facts))


def _text(name: str, facts: Sdk) -> Iterator[str]:
    plat = facts.options.get("PLAT", name)
    yield f"# {name}: boards/{name}.toml, beside a description or among the boards of sdfgen.\n"
    yield f"# Begun from a Microkit SDK's {facts.name}; docs/boards.md explains every table.\n\n"
    yield f'[board]\nsummary = "{name}, seL4 platform {plat}"\n'
    if facts.address_bits is not None:
        yield f"physical_address_bits = {facts.address_bits}\n"
    else:
        yield "# The kernel does not say how far addresses reach: 40 on most cores, 44 on some.\n"
        yield "physical_address_bits = 40\n"
    yield f"# Of the smp configurations; without any it is 1.\ncores = {facts.cores or 1}\n"
    yield "# The highest interrupt: MAX_IRQ of the kernel's src/plat/*/config.cmake.\n# irq_max = 255\n"
    if facts.loader_address is not None:
        yield f"loader_address = {facts.loader_address:#x}\n"
    if facts.kernel is not None:
        yield "\n# The images of all domains lie behind the kernel: more is needed when they are large.\n"
        size = size_text(reserve_bytes(facts.kernel))
        yield f'[kernel]\nbase = {facts.kernel.start:#x}\nreserve = "{size}"\n'
    yield from _memory(facts)
    version = facts.gic_version or 2
    if facts.option("EXPORT_PTMR_USER"):
        yield f"\n# The kernel lets domains use the EL1 physical timer.\n[timer]\nintid = {_PHYSICAL_TIMER_INTID}\n"
    yield "\n" + _GUESTS.format(version=version, distributor=_DISTRIBUTOR[version], gic=_GIC[version], cpu=_cpu(facts))


def _memory(facts: Sdk) -> Iterator[str]:
    yield "\n# What the kernel hands out as RAM.\n"
    yield from _ranges("ram", facts.memory)
    window = _window(facts)
    if window is not None:
        yield "\n# Where regions with a chosen physical address may lie: the upper half of the largest RAM.\n"
        size = size_text(window[1] - window[0])
        yield f'[[window]]\nname = "ram"\nbase = {window[0]:#x}\nsize = "{size}"\nkind = "ram"\n'
    if facts.kept():
        yield "\n# What the kernel keeps: its interrupt controller. Memory of secure firmware comes on top.\n"
        yield from _ranges("reserved", facts.kept(), f'name = "{KEPT}"\n')


def _ranges(table: str, ranges: Iterable[Range], more: str = "") -> Iterator[str]:
    for part in ranges:
        size = size_text(part.end - part.start)
        yield f'[[{table}]]\n{more}base = {part.start:#x}\nsize = "{size}"\n'


def _window(facts: Sdk) -> tuple[int, int] | None:
    """Return the upper half of the largest RAM, behind the kernel and below the root server's objects."""
    largest = max(facts.memory, key=lambda part: part.end - part.start)
    kernel = facts.kernel
    free = max(largest.start, kernel.start + reserve_bytes(kernel) if kernel else 0)
    top = largest.end - _TOP_BYTES if largest.end == max(part.end for part in facts.memory) else largest.end
    low = -(-(free + top) // 2 // LARGE_PAGE_BYTES) * LARGE_PAGE_BYTES
    high = top // LARGE_PAGE_BYTES * LARGE_PAGE_BYTES
    return (low, high) if low < high else None


def _cpu(facts: Sdk) -> str:
    found = (name for name, value in facts.options.items() if name.startswith("ARM_CORTEX_") and value is True)
    return next(found, "ARM_CORTEX_A53").lower().replace("arm_cortex_", "arm,cortex-")

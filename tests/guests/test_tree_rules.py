"""Device trees of the author's: what the build needs of one is looked for before, each thing by a tree without it.

The trees are compiled by dtc. What is good is built too, and fdtoverlay applies the same overlay.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.generate import generated_files
from sdfgen.guest_files.apply_overlay import with_overlay
from sdfgen.guests.tree_index import index
from sdfgen.read.flat_tree import flat_tree_bytes, read_flat_tree
from tests.paths import FAULTS, FUZZ
from tests.trees import ODROID, VIRT

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.describe import Description

BOARDS = {"odroidc4": ODROID, "qemu_virt_aarch64": VIRT}
GIVEN = {
    "odroidc4": '["sd", "bus1", "bus2_low", "bus2_high", "bus3"]',
    "qemu_virt_aarch64": '["virtio_mmio31", "uart"]',
}
DESCRIPTION = """\
[system]
name = "demo"
boards = ["{board}"]
[[guest]]
name = "linux"
ram = "{ram}"
devices = {devices}
dtb = "board.dtb"
"""
MODEL = {"odroidc4": "Small ODROID-C4", "qemu_virt_aarch64": "linux,dummy-virt"}


def compiled(text: str, *options: str) -> bytes:
    if shutil.which("dtc") is None:
        pytest.skip("dtc (device-tree-compiler) is not installed")
    command = ["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", *options, "-"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


def described(
    folder: Path, tree: bytes, board: str = "odroidc4", devices: str | None = None, ram: str = "96 MiB", more: str = ""
) -> Description:
    (folder / "board.dtb").write_bytes(tree)
    text = DESCRIPTION.format(board=board, ram=ram, devices=GIVEN[board] if devices is None else devices)
    (folder / "system.toml").write_text(text + more)
    return describe(str(folder / "system.toml"))


def messages(description: Description, board: str = "odroidc4") -> list[tuple[str, str]]:
    named = f"device tree 'board.dtb' (of `{MODEL[board]}`) of guest `linux`"
    return [(fault.code, fault.message.replace(named, "it")) for fault in description.faults.sorted()]


def changed(text: str, before: str, after: str) -> str:
    assert text.count(before) == 1, before
    return text.replace(before, after)


@pytest.mark.parametrize("board", BOARDS)
def test_a_boards_own_tree_is_good_and_can_be_built_upon(tmp_path: Path, board: str) -> None:
    tree = compiled(BOARDS[board])
    description = described(tmp_path, tree, board)
    assert messages(description) == []
    made = with_overlay(tree, generated_files(description.systems[board])["dtb/linux.overlay.dtbo"])
    nodes = index(read_flat_tree(made).root)
    given = [f"/soc/bus@{at}" for at in ("ff600000", "ff800000", "ffd00000")] + ["/soc/sd@ffe05000"]
    given = given if board == "odroidc4" else ["/virtio_mmio@a003e00", "/pl011@9000000"]
    assert all(nodes[path].is_enabled for path in given)
    others = ["/soc/ethernet@ff3f0000"] if board == "odroidc4" else ["/pl031@9010000"]
    assert not any(nodes[path].is_enabled for path in others)


@pytest.mark.parametrize("folder", [FAULTS, FUZZ], ids=["faults", "fuzz"])
def test_the_trees_of_inputs_are_these(folder: Path) -> None:
    for name, text in (("odroid", ODROID), ("virt", VIRT)):
        kept = read_flat_tree((folder / "parts" / f"{name}.dtb").read_bytes())
        assert kept.root.children[0] == read_flat_tree(compiled(text)).root.children[0]


SD = 'sd@ffe05000 { compatible = "amlogic,meson-axg-mmc"; reg = <0 0xffe05000 0 0x800>; status = "disabled"; };'
BUS3 = 'bus@ffd00000 {\n            compatible = "simple-bus";\n            reg = <0 0xffd00000'
BUS3_OFF = BUS3.replace("simple-bus", 'simple-bus"; status = "disabled')
SOC = 'soc {\n        compatible = "simple-bus";'
GIC = "reg = <0 0xffc01000 0 0x1000>,"
MEMORY = 'memory@0 { device_type = "memory"; reg = <0 0 0 0x40000000>; };'
CHOSEN = 'chosen { stdout-path = "serial0:115200n8"; };'
ROOT = "#address-cells = <2>;\n    #size-cells = <2>;\n    interrupt-parent = <&gic>;"
PSCI = 'method = "smc"'
PSCI_NODE = 'psci { compatible = "arm,psci-1.0"; method = "smc"; };'
RAM = "96 MiB at 0x20000000"
ELSEWHERE = "node /soc/sd@ffe05000 in it has its registers at"
SD_AT = "device `sd` of board `odroidc4` at 0xffe05000..0xffe06000"
OTHER_RAM = f"it has RAM at /memory@80000000 that the guest does not have: its {RAM} are written to /memory@0"
PASSED = "Linux makes no device of it"

# Board, what stands in its tree, what stands there instead, what is said.
CHANGED: dict[str, tuple[str, str, str, list[tuple[str, str]]]] = {
    "device missing": (
        "odroidc4",
        SD,
        "",
        [("SDF132", "it has no node of device `sd` (/soc/sd@ffe05000 or /soc/mmc@ffe05000)")],
    ),
    "device by another name of Linux's": ("odroidc4", "sd@ffe05000", "mmc@ffe05000", []),
    "device by another name": (
        "odroidc4",
        "sd@ffe05000",
        "sdhc@ffe05000",
        [("SDF132", "it has no node of device `sd` (/soc/sd@ffe05000 or /soc/mmc@ffe05000)")],
    ),
    "registers elsewhere": (
        "odroidc4",
        "reg = <0 0xffe05000 0 0x800>",
        "reg = <0 0xffe06000 0 0x800>",
        [("SDF132", f"{ELSEWHERE} 0xffe06000..0xffe06800, {SD_AT}")],
    ),
    "registers that end where the device begins": (
        "odroidc4",
        "reg = <0 0xffe05000 0 0x800>",
        "reg = <0 0xffe04800 0 0x800>",
        [("SDF132", f"{ELSEWHERE} 0xffe04800..0xffe05000, {SD_AT}")],
    ),
    "registers that overlap": ("odroidc4", "reg = <0 0xffe05000 0 0x800>", "reg = <0 0xffe04800 0 0x801>", []),
    "registers that nobody can tell": ("odroidc4", "reg = <0 0xffe05000 0 0x800>", "reg = <0 0 0>", []),
    "bus disabled": ("odroidc4", BUS3, BUS3_OFF, []),  # the build enables it
    "bus around all disabled": (
        "odroidc4",
        SOC,
        SOC + ' status = "disabled";',
        [
            (
                "SDF132",
                f"node {path} of device `{name}` in it lies in /soc, which is disabled: {PASSED}",
            )
            for name, path in (
                ("bus1", "/soc/bus@ff600000"),
                ("bus2_high", "/soc/bus@ff800000"),
                ("bus2_low", "/soc/bus@ff800000"),
                ("bus3", "/soc/bus@ffd00000"),
                ("sd", "/soc/sd@ffe05000"),
            )
        ],
    ),
    "cells of one": (
        "odroidc4",
        "#size-cells = <2>;\n    interrupt-parent",
        "#size-cells = <1>;\n    interrupt-parent",
        [("SDF133", "it has 2 address and 1 size cells in its root, and the build writes nodes with 2 and 2")],
    ),
    "cells by default": (
        "odroidc4",
        "#size-cells = <2>;\n    interrupt-parent",
        "interrupt-parent",
        [("SDF133", "it has 2 address and 1 size cells in its root, and the build writes nodes with 2 and 2")],
    ),
    "other memory": (
        "odroidc4",
        "memory@0 {",
        "memory@80000000 {",
        [
            (
                "SDF133",
                f"it has RAM at /memory@80000000 that the guest does not have: its {RAM} are written to /memory@0",
            )
        ],
    ),
    "other memory disabled": ("odroidc4", "memory@0 {", 'memory@80000000 { status = "disabled";', []),
    "memory disabled": (
        "odroidc4",
        "memory@0 {",
        'memory@0 { status = "disabled";',
        [("SDF133", "it has its node /memory@0 disabled, where the build writes the guest's RAM")],
    ),
    "usable memory": (
        "odroidc4",
        "memory@0 {",
        "memory@0 { linux,usable-memory = <0 0 0 0x1000>;",
        [("SDF133", f"it says in `linux,usable-memory` of /memory@0 what the guest's RAM is, which is {RAM}")],
    ),
    "initrd of another boot": (
        "odroidc4",
        "chosen {",
        "chosen { linux,initrd-start = <1>;",
        [("SDF133", "it has `linux,initrd-start` in /chosen, and the guest has no initrd")],
    ),
    "memory of another boot": (
        "odroidc4",
        "chosen {",
        "chosen { linux,usable-memory-range = <0 0 0 1>;",
        [
            (
                "SDF133",
                "it has `linux,usable-memory-range` in /chosen, and it is about the machine that it was read from",
            )
        ],
    ),
    "no chosen": ("odroidc4", CHOSEN, "", []),
    "no interrupt parent": (
        "odroidc4",
        "interrupt-parent = <&gic>;",
        "",
        [
            (
                "SDF133",
                "it has no interrupt controller as `interrupt-parent` of its root, for the devices that the build adds",
            )
        ],
    ),
    "interrupt parent of nobody": (
        "odroidc4",
        "interrupt-parent = <&gic>;",
        "interrupt-parent = <77>;",
        [
            (
                "SDF133",
                "it has no interrupt controller as `interrupt-parent` of its root, for the devices that the build adds",
            )
        ],
    ),
    "a controller before the GIC": (
        "odroidc4",
        "interrupt-parent = <&gic>;",
        "interrupt-parent = <&gpc>; gpc: gpc { #interrupt-cells = <3>; interrupt-parent = <&gic>; };",
        [],
    ),
    "controllers in a circle": (
        "odroidc4",
        "interrupt-parent = <&gic>;",
        "interrupt-parent = <&a>; a: a { interrupt-parent = <&b>; }; b: b { interrupt-parent = <&a>; };",
        [("SDF133", "it has `b` as interrupt controller, and board `odroidc4` a GICv2")],
    ),
    "GICv3": (
        "odroidc4",
        "arm,gic-400",
        "arm,gic-v3",
        [("SDF133", "it has `interrupt-controller@ffc01000` as interrupt controller, and board `odroidc4` a GICv2")],
    ),
    "interrupts of one cell": (
        "odroidc4",
        "#interrupt-cells = <3>",
        "#interrupt-cells = <1>",
        [("SDF133", "it has `interrupt-controller@ffc01000` as interrupt controller, and board `odroidc4` a GICv2")],
    ),
    "GIC elsewhere": (
        "odroidc4",
        GIC,
        "reg = <0 0xffc81000 0 0x1000>,",
        [("SDF133", "it has its interrupt controller at 0xffc81000, board `odroidc4` at 0xffc01000")],
    ),
    "high phandle": (
        "odroidc4",
        "sd@ffe05000 {",
        "sd@ffe05000 { phandle = <0xffffffbf>;",
        [("SDF133", "it has the phandle 0xffffffbf, and the build needs 64 above all others")],
    ),
    "highest phandle that is good": ("odroidc4", "sd@ffe05000 {", "sd@ffe05000 { phandle = <0xffffffbe>;", []),
    "high phandle of the old name": (
        "odroidc4",
        "sd@ffe05000 {",
        "sd@ffe05000 { linux,phandle = <0xfffffffe>;",
        [("SDF133", "it has the phandle 0xfffffffe, and the build needs 64 above all others")],
    ),
    "PSCI by hvc": (
        "odroidc4",
        PSCI,
        'method = "hvc"',
        [("SDF133", "it has `hvc` as `method` of /psci, and VMMs here answer `smc`")],
    ),
    "slot missing": (
        "qemu_virt_aarch64",
        "virtio_mmio@a003e00",
        "virtio_mmio@a003c00",
        [("SDF132", "it has no node of device `virtio_mmio31` (/virtio_mmio@a003e00)")],
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_a_tree_lacks_is_told(tmp_path: Path, name: str) -> None:
    board, before, after, expected = CHANGED[name]
    tree = compiled(changed(BOARDS[board], before, after))
    description = described(tmp_path, tree, board)
    assert sorted(messages(description, board)) == sorted(expected)
    assert all(fault.advice for fault in description.faults)
    if not expected:
        with_overlay(tree, generated_files(description.systems[board])["dtb/linux.overlay.dtbo"])


CPU = 'cpu@{0:x} {{ device_type = "cpu"; reg = <0x0 {0:#x}>; enable-method = "psci"; }};\n'
FOUR = "".join(map(CPU.format, range(4)))
OF_TWO = "and the guest's CPUs are 0 to 1"
CPUS = {
    "four": (4, FOUR, []),
    "more than the guest has": (2, FOUR, []),
    "one, of a guest with one": (1, CPU.format(0x100), []),
    "the boot CPU last": (2, CPU.format(1) + CPU.format(0), []),
    "a failed one between": (2, FOUR.replace("reg = <0x0 0x2>;", 'reg = <0x0 0x2>; status = "fail-thermal";'), []),
    "one too few": (
        3,
        CPU.format(0) + CPU.format(1),
        ["it has in /cpus as `reg` 0x0, 0x1, and the guest's CPUs are 0 to 2"],
    ),
    "another first": (
        2,
        CPU.format(0) + CPU.format(2) + CPU.format(1),
        [f"it has in /cpus as `reg` 0x0, 0x2, 0x1, {OF_TWO}"],
    ),
    "another cluster": (2, CPU.format(0) + CPU.format(0x100), [f"it has in /cpus as `reg` 0x0, 0x100, {OF_TWO}"]),
    "no boot CPU": (2, CPU.format(1) + CPU.format(2), [f"it has in /cpus as `reg` 0x1, 0x2, {OF_TWO}"]),
    "failed": (
        2,
        CPU.format(0) + CPU.format(1).replace("};", 'status = "fail"; };'),
        [f"it has in /cpus as `reg` 0x0, {OF_TWO}"],
    ),
    "none": (2, "", [f"it has in /cpus as `reg` none, {OF_TWO}"]),
    "another method": (
        2,
        CPU.format(0) + CPU.format(1).replace("psci", "spin-table"),
        ["it has `spin-table` as `enable-method` of /cpus/cpu@1, and VMMs here play PSCI"],
    ),
}


@pytest.mark.parametrize("name", CPUS)
def test_linux_finds_the_guests_cpus_in_the_tree(tmp_path: Path, name: str) -> None:
    count, nodes, expected = CPUS[name]
    cpus = f"cpus {{ #address-cells = <2>; #size-cells = <0>; {nodes} }};" if nodes else ""
    tree = compiled(changed(ODROID, PSCI_NODE, cpus + PSCI_NODE))
    description = described(tmp_path, tree, more=f"cpus = {count}\n")
    assert [message for code, message in messages(description) if code == "SDF133"] == expected


def test_without_psci_a_guest_can_start_no_second_cpu(tmp_path: Path) -> None:
    cpus = f"cpus {{ #address-cells = <2>; #size-cells = <0>; {FOUR} }};"
    tree = compiled(changed(ODROID, PSCI_NODE, cpus))
    description = described(tmp_path, tree, more="cpus = 2\n")
    told = [message for code, message in messages(description) if code == "SDF133"]
    assert told == ["it has no node of PSCI, by which the guest starts its CPUs"]


def test_a_tree_of_another_board_is_one_fault(tmp_path: Path) -> None:
    description = described(tmp_path, compiled(VIRT))
    (fault,) = description.faults
    assert fault.code == "SDF132"
    assert "(of `linux,dummy-virt`)" in fault.message
    assert all(f"`{name}`" in fault.message for name in ("sd", "bus1", "bus2_low", "bus2_high", "bus3"))
    assert fault.advice == "give the tree that Linux builds for board `odroidc4`, or mend the board file"


def test_a_node_at_the_devices_registers_is_named(tmp_path: Path) -> None:
    (fault,) = described(tmp_path, compiled(changed(ODROID, "sd@ffe05000", "sdhc@ffe05000"))).faults
    wanted = "if it is the right tree, add to `paths` in the board file: /soc/sdhc@ffe05000 to that of `sd`"
    assert fault.advice == wanted


def test_a_device_on_a_bus_that_is_not_given_is_out_of_reach(tmp_path: Path) -> None:
    (fault,) = described(tmp_path, compiled(ODROID), devices='["uart"]').faults
    assert fault.message.endswith(f"lies in /soc/bus@ff800000, which is disabled: {PASSED}")
    assert fault.advice == "pass `bus2_low` or `bus2_high` through too"
    assert messages(described(tmp_path, compiled(ODROID), devices='["uart", "bus2_low"]')) == []


def test_the_outermost_node_that_is_disabled_is_named(tmp_path: Path) -> None:
    tree = compiled(changed(ODROID, SOC, SOC + f" {OFF}"))
    (fault,) = described(tmp_path, tree, devices='["uart"]').faults
    assert fault.message.endswith(f"lies in /soc, which is disabled: {PASSED}")
    assert fault.advice == "enable it: fdtput -t s board.dtb /soc status okay"


def test_one_node_within_reach_is_enough(tmp_path: Path) -> None:
    """A device's other node may lie on a bus that the guest does without."""
    assert messages(described(tmp_path, compiled(ODROID), devices='["ethernet"]')) == []


CLOCK = """
        clock: clock-controller {{ compatible = "fixed-clock"; #clock-cells = <{cells}>; {status} }};
        power: power-controller {{ #power-domain-cells = <0>; }};
        bank: bank-of-clocks {{ #clock-cells = <1>; }};
        off {{ phandle = <0x55>; {off} }};
    """
OFF = 'status = "disabled";'
IN_VAIN = "which is disabled: its driver waits in vain"
# Cells of the clock's, its status, what the device's node has, and what it takes in vain.
SUPPLIED = [
    (0, "", "clocks = <&clock &power>;", None),
    (0, OFF, "clocks = <&clock>;", "`clocks`"),
    (0, OFF, "clocks = <&clock &clock>; vmmc-supply = <&clock>;", "`clocks`, `vmmc-supply`"),
    (1, OFF, "clocks = <&power &clock 1>;", "`clocks`"),
    (1, OFF, "assigned-clocks = <&clock 1>;", None),
    (0, OFF, 'pinctrl-0 = <&power>; pinctrl-1 = <&clock>; pinctrl-names = "a";', "`pinctrl-1`"),
    (0, OFF, "power-domains = <&power>; clocks = <0x7777 0>;", None),
    (0, OFF, "resets = [00];", None),
    (0, "", "clocks = <&bank 0x55>;", None),
]


@pytest.mark.parametrize(("cells", "status", "takes", "lost"), SUPPLIED, ids=[row[2] for row in SUPPLIED])
def test_what_a_device_takes_from_others_is_there(
    tmp_path: Path, cells: int, status: str, takes: str, lost: str | None
) -> None:
    text = changed(ODROID, SOC, CLOCK.format(cells=cells, status=status, off=OFF) + SOC)
    tree = compiled(changed(text, "sd@ffe05000 {", f"sd@ffe05000 {{ {takes}"))
    message = f"node /soc/sd@ffe05000 of device `sd` in it takes {lost} from /clock-controller, {IN_VAIN}"
    description = described(tmp_path, tree)
    assert messages(description) == ([("SDF132", message)] if lost else [])
    assert {fault.severity for fault in description.faults} <= {"warning"}


def test_a_clock_on_a_bus_that_is_not_given_is_told_with_the_device(tmp_path: Path) -> None:
    text = changed(ODROID, "mdio-multiplexer@4c000 {", "clock: clk { #clock-cells = <0>; }; mdio-multiplexer@4c000 {")
    tree = compiled(changed(text, "sd@ffe05000 {", "sd@ffe05000 { clocks = <&clock>;"))
    (fault,) = described(tmp_path, tree, devices='["sd"]').faults
    assert (fault.severity, fault.advice) == ("warning", "pass `bus1` through too")
    assert messages(described(tmp_path, tree)) == []


def test_a_second_driver_vm_has_its_ram_elsewhere(tmp_path: Path) -> None:
    """QEMU's board has no name for its tree's memory node: the build's own would stand beside it."""
    other = '[[guest]]\nname = "a"\nram = "64 MiB"\ndevices = ["virtio_mmio0"]\n'
    (fault,) = described(tmp_path, compiled(VIRT), "qemu_virt_aarch64", '["virtio_mmio31"]', more=other).faults
    assert fault.code == "SDF133"
    assert "has RAM at /memory@40000000 that the guest does not have: its 96 MiB at 0x" in fault.message
    assert fault.advice.startswith("remove it: fdtput -r board.dtb /memory@40000000, or ")


def test_an_overlay_is_no_base(tmp_path: Path) -> None:
    text = '/dts-v1/;\n/plugin/;\n&{/} { model = "more"; };\n'
    (fault,) = described(tmp_path, compiled(text), devices="[]").faults
    assert (fault.code, fault.message) == ("SDF133", "device tree 'board.dtb' of guest `linux` is an overlay")


def test_a_fit_image_is_no_tree(tmp_path: Path) -> None:
    (fault,) = described(tmp_path, compiled("/dts-v1/;\n/ { images { }; configurations { }; };\n"), devices="[]").faults
    assert (fault.code, fault.message) == ("SDF133", "device tree 'board.dtb' of guest `linux` is a FIT image")


def filled(size_bytes: int) -> bytes:
    """The tree with one more property, so that it is as large as that."""
    tree = read_flat_tree(compiled(ODROID))
    empty = len(flat_tree_bytes(tree)) + 12  # of a property's head
    letters = (size_bytes - empty) % 4 or 4
    properties = {**tree.root.properties, "f" * (letters + 3): bytes(size_bytes - empty - letters - 4)}
    return flat_tree_bytes(tree._replace(root=tree.root._replace(properties=properties)))


@pytest.mark.parametrize(("more", "expected"), [(0, []), (1, ["SDF133"])])
def test_the_tree_ends_below_the_top_of_ram(tmp_path: Path, more: int, expected: list[str]) -> None:
    """1 MiB below the top on this board, less a page for the empty RAM disk and 64 KiB for what the build adds."""
    tree = filled(2**20 - 4096 - 2**16 + more)
    assert len(tree) == 2**20 - 4096 - 2**16 + more
    assert [fault.code for fault in described(tmp_path, tree).faults] == expected


@pytest.mark.parametrize(
    ("ranges", "at"),
    [
        ("ranges;", [(0x1000, 0x10)]),
        ("ranges = <0 0 0x8000 0 0x2000>;", [(0x9000, 0x10)]),
        ("ranges = <0 0 0x8000 0 0x1000>;", []),
        ("ranges = <0x1000 0 0x8000 0 0x1000>;", [(0x8000, 0x10)]),
        ("", []),
        ("ranges = <1>;", []),
    ],
)
def test_registers_are_seen_through_a_bus(ranges: str, at: list[tuple[int, int]]) -> None:
    text = (
        "/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>;\n"
        f"bus {{ #address-cells = <1>; #size-cells = <2>; {ranges} dev {{ reg = <0x1000 0 0x10>; }}; }}; }};\n"
    )
    nodes = index(read_flat_tree(compiled(text)).root)
    assert list(nodes["/bus/dev"].registers) == at

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import fdt
import pytest

from sdfgen.describe import describe
from sdfgen.emit.devicetree.tree import OVERLAID_ROOT, ROOT, Cells, Node, Property, blob, cells64, flag, source, strings
from sdfgen.facts.board import board_files, load_board
from sdfgen.facts.board_tables import FIRST_SPI_INTID
from sdfgen.faults.fault import Faults
from sdfgen.generate import generated_files
from sdfgen.guest_files.initrd import final_bytes
from sdfgen.subsystems import register
from sdfgen.subsystems.block.model import blocks_of
from sdfgen.units import PAGE_BYTES
from tests.paths import EXAMPLE, GOLDENS, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System
    from tests.conftest import Golden

QEMU = "qemu_virt_aarch64"
ODROID = "odroidc4"
BOARDS = (QEMU, ODROID)
TREES = GOLDENS / "devicetree"

# An overlay names nodes of another tree by their path, so they have no `reg` here; `chosen` is
# below the root only once it is applied, and so is a node's interrupt parent.
OVERLAY_FLAGS = ("-Wno-unit_address_vs_reg", "-Wno-chosen_node_is_root", "-Wno-interrupts_property")

DRIVER = """
[system]
name = "trees"
boards = ["{board}"]
microkit = "2.1.0"
[block]
driver = "driver"
storage = "/dev/vda"
[[guest]]
name = "driver"
ram = "128 MiB"
devices = {devices}
{keys}
"""
CLIENT = """
[[guest]]
name = "{name}"
disk = [{{ partition = {partition} }}]
{keys}
"""
NATIVE = """
[[protection_domain]]
name = "native{partition}"
program_image = "native.elf"
disk = [{{ partition = {partition} }}]
"""
OWN_TREE = """
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    interrupt-parent = <&gic>;
    chosen { stdout-path = "serial0:115200n8"; };
    memory@0 { device_type = "memory"; reg = <0x0 0x0 0x0 0x40000000>; };
    gic: interrupt-controller@ffc01000 {
        compatible = "arm,gic-400";
        interrupt-controller;
        #interrupt-cells = <3>;
        #address-cells = <0>;
        reg = <0x0 0xffc01000 0x0 0x1000>, <0x0 0xffc02000 0x0 0x2000>;
    };
    soc {
        compatible = "simple-bus";
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        bus@ff800000 {
            compatible = "simple-bus";
            reg = <0x0 0xff800000 0x0 0x100000>;
            #address-cells = <2>;
            #size-cells = <2>;
            ranges = <0x0 0x0 0x0 0xff800000 0x0 0x100000>;
            serial@3000 { compatible = "amlogic,meson-gx-uart"; reg = <0x0 0x3000 0x0 0x18>; status = "okay"; };
        };
        mmc@ffe05000 { compatible = "amlogic,meson-axg-mmc"; reg = <0x0 0xffe05000 0x0 0x800>; status = "disabled"; };
        mmc@ffe07000 { compatible = "amlogic,meson-axg-mmc"; reg = <0x0 0xffe07000 0x0 0x800>; status = "okay"; };
        usb@ffe09000 { compatible = "amlogic,meson-g12a-usb-ctrl"; reg = <0x0 0xffe09000 0x0 0xa0>; };
    };
};
"""


def clients(count: int, keys: str = 'ram = "8 MiB"') -> str:
    return "".join(CLIENT.format(name=f"client{i}", partition=i, keys=keys) for i in range(count))


def resolved(path: Path, board: str) -> System:
    description = describe(str(path), boards=[board])
    assert [str(fault.message) for fault in description.faults if fault.severity == "error"] == []
    return description.systems[board]


def device_tree_files(system: System) -> dict[str, bytes]:
    return {name: data for name, data in generated_files(system).items() if name.startswith(("dts/", "dtb/"))}


def make(tmp_path: Path, *, board: str = QEMU, devices: str = '["virtio_mmio31"]', keys: str = "", tail: str) -> System:
    path = tmp_path / "system.toml"
    path.write_text(DRIVER.format(board=board, devices=devices, keys=keys) + tail)
    return resolved(path, board)


def blob_of(files: dict[str, bytes], name: str) -> fdt.FDT:
    return fdt.parse_dtb(files[f"dtb/{name}.dtb"])


def value(tree: fdt.FDT, path: str, name: str) -> list[object]:
    return list(tree.get_node(path).get_property(name).data)


def pairs(tree: fdt.FDT, path: str) -> list[tuple[int, int]]:
    """Read a `reg` of two address and two size cells."""
    cells = [int(str(cell)) for cell in value(tree, path, "reg")]
    wide = [high << 32 | low for high, low in zip(cells[::2], cells[1::2], strict=True)]
    return list(zip(wide[::2], wide[1::2], strict=True))


def uio_nodes(tree: fdt.FDT) -> list[fdt.Node]:
    return [node for node in tree.root.nodes if node.exist_property("reg-names")]


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: device-tree-compiler)")
    return path


def dtc(*arguments: str, stdin: bytes) -> bytes:
    done = subprocess.run([tool("dtc"), *arguments, "-"], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.decode() == ""
    return done.stdout


def compiled(text: bytes) -> bytes:
    flags = OVERLAY_FLAGS if b"/plugin/" in text else ()
    return dtc("-I", "dts", "-O", "dtb", *flags, stdin=text)


def sorted_source(tree: bytes) -> str:
    return dtc("-q", "-s", "-I", "dtb", "-O", "dts", stdin=tree).decode()


@pytest.mark.parametrize("board", BOARDS)
def test_two_clients_are_as_committed(board: str, golden: Golden) -> None:
    files = device_tree_files(resolved(EXAMPLE, board))
    texts = {name.removeprefix("dts/"): data.decode() for name, data in files.items() if name.endswith(".dts")}
    for name, text in texts.items():
        golden.check(TREES / board / name, text)
    assert sorted(texts) == sorted(path.name for path in (TREES / board).iterdir())


def test_files_of_a_board_whose_facts_suffice(tmp_path: Path) -> None:
    assert sorted(device_tree_files(make(tmp_path, tail=clients(1)))) == [
        "dtb/client0.dtb",
        "dtb/driver.dtb",
        "dts/client0.dts",
        "dts/client0.overlay.dts",
        "dts/driver.dts",
        "dts/driver.overlay.dts",
    ]


def test_files_of_a_board_with_a_tree_of_its_own(tmp_path: Path) -> None:
    assert sorted(device_tree_files(make(tmp_path, board=ODROID, devices='["sd"]', tail=clients(1)))) == [
        "dtb/client0.dtb",
        "dts/client0.dts",
        "dts/client0.overlay.dts",
        "dts/driver.overlay.dts",
    ]


def test_native_clients_have_no_tree(tmp_path: Path) -> None:
    files = device_tree_files(make(tmp_path, tail="".join(NATIVE.format(partition=i) for i in range(2))))
    assert sorted(files) == ["dtb/driver.dtb", "dts/driver.dts", "dts/driver.overlay.dts"]


def test_no_trees_without_guests() -> None:
    assert device_tree_files(resolved(SYSTEMS / "raw.toml", QEMU)) == {}


@pytest.mark.parametrize("board", BOARDS)
def test_a_guest_without_a_disk_has_a_tree(board: str) -> None:
    files = device_tree_files(resolved(SYSTEMS / "lone_guest.toml", board))
    assert sorted(files) == ["dtb/linux.dtb", "dts/linux.dts", "dts/linux.overlay.dts"]


def test_first_line_says_who_made_it(tmp_path: Path) -> None:
    for name, data in device_tree_files(make(tmp_path, tail=clients(1))).items():
        if name.endswith(".dts"):
            first = data.decode().splitlines()[0]
            assert first == f"/* Made by sdfgen for trees on {QEMU}: changes are lost at the next build. */"


def test_clients_that_differ_only_in_name_have_equal_trees(tmp_path: Path) -> None:
    files = device_tree_files(make(tmp_path, tail=clients(2)))
    assert files["dtb/client0.dtb"] == files["dtb/client1.dtb"]
    assert files["dts/client0.dts"] == files["dts/client1.dts"]


@pytest.mark.parametrize("board", BOARDS)
def test_client_tree_has_the_addresses_of_the_system(board: str) -> None:
    system = resolved(EXAMPLE, board)
    files = device_tree_files(system)
    gic = system.board.gic
    for name in ("client1", "client2"):
        guest = system.guest(name)
        tree = blob_of(files, name)
        assert pairs(tree, f"memory@{guest.ram_gpa:x}") == [(guest.ram_gpa, guest.ram_bytes)]
        (row,) = (row for row in guest.emulated if row.kind == "virtio_blk")
        disk = f"virtio-blk@{row.gpa:x}"
        assert pairs(tree, disk) == [(row.gpa, row.size_bytes)]
        assert value(tree, disk, "interrupts") == [0, row.intid - FIRST_SPI_INTID, 4]
        assert pairs(tree, f"interrupt-controller@{gic.distributor:x}") == [
            (gic.distributor, gic.distributor_size),
            (gic.cpu_interface, system.region_index()["gic_vcpu"].size_bytes),
        ]


def test_driver_tree_has_the_addresses_of_the_system(tmp_path: Path) -> None:
    system = make(tmp_path, devices='["rtc", "uart", "virtio_mmio31"]', tail=clients(2))
    tree = blob_of(device_tree_files(system), "driver")
    for name in ("rtc", "uart", "virtio_mmio31"):
        device = system.board.devices[name]
        assert device.intid is not None
        path = f"{device.facts.node}@{device.base:x}"
        assert pairs(tree, path) == [(device.base, device.size_bytes)]
        trigger = {"edge": 1, "level": 4}[device.facts.trigger]
        assert value(tree, path, "interrupts") == [0, device.intid - FIRST_SPI_INTID, trigger]
    clock = value(tree, "apb-pclk", "phandle")[0]
    assert value(tree, "pl011@9000000", "clocks") == [clock, clock]
    assert value(tree, "", "interrupt-parent") == value(tree, "interrupt-controller@8000000", "phandle")


def test_clocks_that_no_device_needs_are_left_out(tmp_path: Path) -> None:
    tree = blob_of(device_tree_files(make(tmp_path, tail=clients(1))), "driver")
    assert not tree.root.exist_subnode("apb-pclk")


@pytest.mark.parametrize(("count", "devices"), [(1, 2), (3, 2), (4, 3), (59, 14)])
def test_uio_devices_of_five_maps_each(tmp_path: Path, count: int, devices: int) -> None:
    system = make(tmp_path, tail=clients(count))
    (block,) = blocks_of(system)
    driver, sizes = block.driver, {region.name: region.size_bytes or 0 for region in system.regions}
    tree = blob_of(device_tree_files(system), "driver")
    nodes = uio_nodes(tree)
    assert [node.name.split("@")[0] for node in nodes] == list(driver.devices)
    assert len(nodes) == devices
    assert [len(node.get_property("reg-names").data) for node in nodes[:-1]] == [5] * (devices - 1)
    names = [name for node in nodes for name in node.get_property("reg-names").data]
    ranges = [pair for node in nodes for pair in pairs(tree, node.name)]
    wanted = [(m.name, (m.gpa, sizes[m.region] if m.region else PAGE_BYTES)) for m in driver.maps]
    assert list(zip(names, ranges, strict=True)) == wanted
    assert {tuple(node.get_property("compatible").data) for node in nodes} == {("generic-uio", "uio")}


def test_only_the_first_uio_device_has_the_interrupt(tmp_path: Path) -> None:
    system = make(tmp_path, tail=clients(4))
    first, *others = uio_nodes(blob_of(device_tree_files(system), "driver"))
    assert list(first.get_property("interrupts").data) == [0, 50 - FIRST_SPI_INTID, 1]
    assert not any(node.exist_property("interrupts") for node in others)


def test_initrd_range_of_the_driver_ends_with_its_archive(tmp_path: Path) -> None:
    (tmp_path / "initrd.gz").write_bytes(bytes(12345))
    size = final_bytes(12345)
    system = make(tmp_path, keys='initrd = "initrd.gz"', tail=clients(1))
    start = system.guest("driver").initrd_gpa
    files = device_tree_files(system)
    tree = blob_of(files, "driver")
    assert value(tree, "chosen", "linux,initrd-start") == [start >> 32, start & 0xFFFF_FFFF]
    assert value(tree, "chosen", "linux,initrd-end") == [0, start + size]
    assert f"linux,initrd-end = <0x0 {start + size:#x}>; /* {size} bytes */" in files["dts/driver.overlay.dts"].decode()
    assert not blob_of(files, "client0").get_node("chosen").exist_property("linux,initrd-start")


@pytest.mark.parametrize(
    ("board", "devices", "expected"),
    [
        (QEMU, '["virtio_mmio31"]', "uio_pdrv_genirq.of_id=generic-uio panic=1 nr_cpus=1 console=ttyAMA0 quiet"),
        (
            QEMU,
            '["virtio_mmio31", "uart"]',
            "uio_pdrv_genirq.of_id=generic-uio panic=1 nr_cpus=1 console=ttyAMA0 quiet",
        ),
        (
            ODROID,
            '["sd", "uart"]',
            (
                "uio_pdrv_genirq.of_id=generic-uio panic=1 nr_cpus=1"
                " clk_ignore_unused pd_ignore_unused console=ttyAML0 quiet"
            ),
        ),
        (
            ODROID,
            '["sd"]',
            (
                "uio_pdrv_genirq.of_id=generic-uio panic=1 nr_cpus=1"
                " clk_ignore_unused pd_ignore_unused console=ttyAMA0 quiet"
            ),
        ),
    ],
)
def test_bootargs_end_with_the_authors(tmp_path: Path, board: str, devices: str, expected: str) -> None:
    system = make(tmp_path, board=board, devices=devices, keys='bootargs = "quiet"', tail=clients(1))
    assert f'bootargs = "{expected}";' in device_tree_files(system)["dts/driver.overlay.dts"].decode()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_guest_has_its_cpus(tmp_path: Path, count: int) -> None:
    """Called by the numbers that libvmm writes into VMPIDR and takes from PSCI's CPU_ON."""
    system = make(tmp_path, tail=clients(1, keys=f"cpus = {count}"))
    tree = blob_of(device_tree_files(system), "client0")
    nodes = tree.get_node("cpus").nodes
    assert [node.name for node in nodes] == [f"cpu@{i}" for i in range(count)]
    assert [node.get_property("reg").data for node in nodes] == [[i] for i in range(count)]
    assert {node.get_property("enable-method").data[0] for node in nodes} == {"psci"}
    assert set(value(tree, "timer", "interrupts")[2::3]) == {(2**count - 1) * 0x100 + 4}
    assert [node.name for node in blob_of(device_tree_files(system), "driver").get_node("cpus").nodes] == ["cpu@0"]


def test_linux_on_the_boards_own_tree_uses_as_many_cpus_as_its_guest_has(tmp_path: Path) -> None:
    system = make(tmp_path, board=ODROID, devices='["sd"]', tail=clients(1), keys="cpus = 3")
    assert " nr_cpus=3 " in device_tree_files(system)["dts/driver.overlay.dts"].decode()


def test_bootargs_of_clients_end_with_the_authors(tmp_path: Path) -> None:
    system = make(tmp_path, tail=clients(1, keys='ram = "8 MiB"\nbootargs = "console=hvc0"'))
    assert value(blob_of(device_tree_files(system), "client0"), "chosen", "bootargs") == [
        "console=ttyAMA0 console=hvc0"
    ]


@pytest.mark.parametrize(("devices", "uart"), [('["uart"]', "pl011@9000000"), ('["virtio_mmio31"]', "pl011@160000")])
def test_the_driver_has_one_console(tmp_path: Path, devices: str, uart: str) -> None:
    tree = blob_of(device_tree_files(make(tmp_path, devices=devices, tail=clients(1))), "driver")
    assert value(tree, "chosen", "stdout-path") == [f"/{uart}"]
    assert [node.name for node in tree.root.nodes if node.name.startswith("pl011")] == [uart]


@pytest.mark.parametrize("board", BOARDS)
def test_emulated_consoles_have_the_addresses_of_the_system(board: str) -> None:
    system = resolved(EXAMPLE, board)
    files = device_tree_files(system)
    facts = system.board.console
    for name in ("storage", "client1", "client2") if board == QEMU else ("client1", "client2"):
        tree = blob_of(files, name)
        uart = f"pl011@{facts.registers:x}"
        assert value(tree, "chosen", "stdout-path") == [f"/{uart}"]
        assert value(tree, uart, "compatible") == ["arm,pl011", "arm,primecell"]
        assert pairs(tree, uart) == [(facts.registers, facts.size)]
        assert value(tree, uart, "interrupts") == [0, facts.intid - FIRST_SPI_INTID, 4]
        assert value(tree, uart, "clocks") == value(tree, "console-clock", "phandle") * 2


def test_the_console_has_a_clock_beside_those_of_devices(tmp_path: Path) -> None:
    tree = blob_of(device_tree_files(make(tmp_path, devices='["rtc"]', tail=clients(1))), "driver")
    assert value(tree, "pl031@9010000", "clocks") == value(tree, "apb-pclk", "phandle")
    assert value(tree, "pl011@160000", "clocks") == value(tree, "console-clock", "phandle") * 2
    assert value(tree, "apb-pclk", "phandle") != value(tree, "console-clock", "phandle")


@pytest.mark.parametrize("name", board_files())
def test_board_files_refer_to_what_there_is(name: str) -> None:
    board = load_board(name, board_files()[name], Faults(), register.board_keys())
    assert board is not None
    clocks = {clock.name for clock in board.facts.clock}
    assert board.guest.console_device in board.devices
    for device in board.devices.values():
        assert set(device.facts.clocks) <= clocks
        assert len(device.facts.clocks) == len(device.facts.clock_names)
        assert not board.guest.complete_tree or device.facts.node


ODD_TEXTS = ('say "hi" \\n', "", "ü\x7fa", "a\\x41")
ODD = Node(
    ROOT,
    (
        flag("true"),
        strings("texts", *ODD_TEXTS),
        Property("mixed", (Cells((1, 2)), "text", cells64(0x1_0000_0002), Cells(("late",)))),
        Property("pair", (Cells(("early", "late")),), comment="both"),
    ),
    (Node("a", label="early"), Node("b", label="late")),
)


def test_blob_of_odd_values() -> None:
    tree = fdt.parse_dtb(blob(ODD))
    assert value(tree, "", "pair") == [1, 2]
    assert tree.header.version == 17
    assert tree.header.last_comp_version == 16
    assert tree.header.boot_cpuid_phys == 0


def test_source_of_odd_values() -> None:
    text = source(ODD)
    assert "\tpair = <&early &late>; /* both */\n" in text
    assert '\ttexts = "say \\"hi\\" \\\\n", "", "\\xc3\\xbc\\x7fa", "a\\\\x41";\n' in text
    assert "\tlate: b {\n" in text


def test_source_of_an_overlay() -> None:
    assert source(Node(OVERLAID_ROOT, (), (Node("a"),))) == "/dts-v1/;\n/plugin/;\n\n&{/} {\n\ta {\n\t};\n};\n"


def test_dtc_makes_the_same_blob_of_odd_values() -> None:
    assert sorted_source(blob(ODD)) == sorted_source(dtc("-q", "-I", "dts", "-O", "dtb", stdin=source(ODD).encode()))


@pytest.mark.parametrize("board", BOARDS)
def test_dtc_has_no_warning_and_makes_the_same_blobs(board: str) -> None:
    files = device_tree_files(resolved(EXAMPLE, board))
    for name, text in files.items():
        if name.endswith(".dts"):
            theirs = compiled(text)
            ours = files.get(name.replace("dts", "dtb"))
            assert ours is None or sorted_source(ours) == sorted_source(theirs)


def test_dtc_accepts_everything_at_once(tmp_path: Path) -> None:
    (tmp_path / "initrd.gz").write_bytes(bytes(12345))
    keys = 'initrd = "initrd.gz"\nbootargs = "say=\\"hi\\""'
    system = make(tmp_path, devices='["rtc", "uart", "virtio_mmio31"]', keys=keys, tail=clients(59))
    files = device_tree_files(system)
    for name in ("driver", "client58"):
        assert sorted_source(files[f"dtb/{name}.dtb"]) == sorted_source(compiled(files[f"dts/{name}.dts"]))


def test_overlay_applies_to_a_boards_own_tree(tmp_path: Path) -> None:
    system = make(tmp_path, board=ODROID, devices='["sd", "bus2_low"]', tail=clients(1))
    overlay, base, out = (tmp_path / name for name in ("overlay.dtb", "base.dtb", "out.dtb"))
    overlay.write_bytes(compiled(device_tree_files(system)["dts/driver.overlay.dts"]))
    base.write_bytes(dtc("-q", "-I", "dts", "-O", "dtb", stdin=OWN_TREE.encode()))
    subprocess.run([tool("fdtoverlay"), "-i", str(base), "-o", str(out), str(overlay)], check=True)
    tree = fdt.parse_dtb(out.read_bytes())
    guest = system.guest("driver")
    assert guest.console is not None
    assert pairs(tree, f"pl011@{guest.console.gpa:x}") == [(guest.console.gpa, guest.console.size_bytes)]
    clock = value(tree, "console-clock", "phandle")
    assert value(tree, f"pl011@{guest.console.gpa:x}", "clocks") == clock * 2
    assert clock != value(tree, "interrupt-controller@ffc01000", "phandle")
    assert value(tree, "chosen", "stdout-path") == [f"/pl011@{guest.console.gpa:x}"]
    assert pairs(tree, "memory@0") == [(guest.ram_gpa, guest.ram_bytes)]
    assert [node.name.split("@")[0] for node in uio_nodes(tree)] == ["block-uio0", "block-uio1"]
    status = {
        path: value(tree, path, "status")[0]
        for path in ("soc/bus@ff800000", "soc/bus@ff800000/serial@3000", "soc/usb@ffe09000")
    }
    assert status == {
        "soc/bus@ff800000": "okay",
        "soc/bus@ff800000/serial@3000": "disabled",
        "soc/usb@ffe09000": "disabled",
    }
    assert value(tree, "soc/mmc@ffe05000", "status") == ["okay"]
    assert value(tree, "soc/mmc@ffe07000", "status") == ["disabled"]
    assert not tree.get_node("soc/sd@ffe05000").exist_property("compatible")

"""Consoles: who has one, what he and his guest are told, and what sDDF's clients and drivers are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patcher import read_values
from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.faults.render import as_text
from sdfgen.generate import generated_files
from sdfgen.model.system import Terminal
from sdfgen.subsystems.console.model import Console, console_of
from tests.paths import GOLDENS, ROOT, SYSTEMS

if TYPE_CHECKING:
    from sdfgen.model.system import System
    from tests.conftest import Golden

BOARDS = ("qemu_virt_aarch64", "odroidc4")
SOURCE = Path(__file__).parent / "sddf_serial.c"
ZIG = (sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static", "-no-pie", "-g")
SDDF = """\
[system]
name = "demo"
boards = ["qemu_virt_aarch64"]

[[protection_domain]]
name = "serial_driver"
program_image = "driver.elf"
priority = 120
stack_size = 0x1000

[[protection_domain]]
name = "theirs"
program_image = "client.elf"
priority = 50
stack_size = 0x1000
sddf_console = true

[console]
driver = "serial_driver"
queue_size = "4 KiB"
baud = 9600
"""


def consoles(board: str = BOARDS[0], *settings: str) -> System:
    described = describe(str(SYSTEMS / "consoles.toml"), settings)
    assert not described.faults.errors, as_text(described.faults.sorted())
    return described.systems[board]


def console(system: System) -> Console:
    found = console_of(system)
    assert found is not None
    return found


def test_the_system_file(golden: Golden) -> None:
    golden.check(GOLDENS / "sdf" / "consoles.system", system_file(consoles()))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", ["console_mux", "console_uart", "greeter_console"])
def test_the_tables(board: str, name: str, golden: Golden) -> None:
    made = generated_files(consoles(board))[f"src/{name}_table.c"].decode()
    golden.check(GOLDENS / "c" / board / f"{name}_table.c", made)


def test_guests_have_one_unless_they_refuse_and_domains_if_they_ask() -> None:
    system = consoles()
    assert [client.name for client in console(system).clients] == [
        *("client1", "client2", "greeter"),
        *("client1_vmm", "client2_vmm"),
    ]
    assert system.terminals == (Terminal("client1", 0), Terminal("client2", 1), Terminal("greeter", 2))


def test_multiplexer_and_driver_count_where_there_is_a_monitor() -> None:
    rows = {one.pd: [row.name for row in one.rows] for one in consoles(BOARDS[0], "monitor={}").counted}
    everybody = ["client1", "client2", "greeter", "client1_vmm", "client2_vmm"]
    assert (rows["console_mux"], rows["console_uart"]) == (["", *everybody], [""])
    own = ('console.multiplexer={program_image="own.elf"}', 'console.uart_driver={program_image="own_too.elf"}')
    rows = {one.pd: [] for one in consoles(BOARDS[0], "monitor={}", *own).counted}
    assert not {"console_mux", "console_uart"} & set(rows)


def test_where_there_is_a_guest_its_timer_wakes_the_multiplexer(tmp_path: Path) -> None:
    link = console(consoles()).timer
    assert link is not None
    channels = [{(end.pd, end.id) for end in channel.ends} for channel in consoles().channels]
    (ends,) = [ends for ends in channels if ("console_mux", link.channel) in ends]
    assert {pd for pd, _ in ends} == {"console_mux", "guest_timer"}
    (tmp_path / "system.toml").write_text(SDDF, encoding="utf-8")
    alone = describe(str(tmp_path / "system.toml")).systems[BOARDS[0]]
    assert console(alone).timer is None
    assert ".page_vaddr = 0x0," in generated_files(alone)["src/console_mux_table.c"].decode()


def test_nobody_sees_anothers_queues() -> None:
    system = consoles()
    regions = {region.name for region in system.regions if region.name.startswith("console_")}
    seen = {name: [one.region for one in maps if one.region in regions] for name, maps in system.spaces()}
    own = {"client1_vmm": "client1", "client2_vmm": "client2", "greeter": "greeter"}
    for name, mapped in seen.items():
        if name == "console_mux":
            assert sorted(mapped) == sorted(regions)
        elif name == "console_uart":
            assert mapped == ["console_mux_uart"]
        elif name == "guest_timer":
            assert mapped == ["console_mux_wake"]
        else:
            assert mapped == ([f"console_{own[name]}"] if name in own else []), name


def test_a_region_holds_its_queues_without_one_over_another() -> None:
    system = consoles()
    sizes = {region.name: region.size_bytes or 0 for region in system.regions}
    starts = {one.region: one.vaddr for pd in system.all_pds() if pd.name == "console_mux" for one in pd.maps}
    places: dict[str, list[tuple[int, int]]] = {}
    for client in console(system).clients:
        region = f"console_{client.owner}"
        for queue in (client.far.tx, client.far.rx):
            if queue.size_bytes:
                ranges = ((queue.indices, 12), (queue.data, queue.size_bytes))
                places.setdefault(region, []).extend((start - starts[region], size) for start, size in ranges)
    for region, found in places.items():
        end = 0
        for start, size in sorted(found):
            assert start >= end
            end = start + size
        assert end <= sizes[region]


def test_a_guest_speaks_on_hvc0_and_before_it_by_the_pl011() -> None:
    system = consoles()
    tree = generated_files(system)["dts/client1.dts"].decode()
    assert 'bootargs = "earlycon console=hvc0"' in tree
    assert "virtio-console@150000" in tree
    assert 'stdout-path = "/pl011@160000"' in tree
    other = generated_files(system)["dts/quiet.dts"].decode()
    assert 'bootargs = "console=ttyAMA0"' in other
    assert "virtio-console" not in other


def test_a_guest_may_have_disks_as_well(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "two-clients" / "system.toml").read_text(encoding="utf-8") + "\n[console]\n"
    (tmp_path / "system.toml").write_text(text, encoding="utf-8")
    described = describe(str(tmp_path / "system.toml"), (), ("qemu_virt_aarch64",))
    assert not described.faults.errors, as_text(described.faults.sorted())
    system = described.systems["qemu_virt_aarch64"]
    assert [one.owner for one in system.terminals] == ["client1", "client2", "storage"]


def test_sddfs_client_and_driver_are_told(tmp_path: Path) -> None:
    (tmp_path / "system.toml").write_text(SDDF, encoding="utf-8")
    for name, flags in (("client", ()), ("driver", ("-DDRIVER",))):
        subprocess.run((*ZIG, *flags, str(SOURCE), "-o", str(tmp_path / f"{name}.elf")), check=True)
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = (sys.executable, "-m", "sdfgen", "build", "system.toml")
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    system = describe(str(tmp_path / "system.toml")).systems["qemu_virt_aarch64"]
    model = console(system)
    (client,) = model.clients
    expected = {
        "client": ("[.serial_client_config]", client.near, client.near.channel, client.near.channel),
        "driver": ("[.serial_driver_config]", model.near, model.near.channel, model.near.channel + 1),
    }
    for name, (section, near, tx, rx) in expected.items():
        wanted = {
            ".magic": (*b"sDDF", 3),
            ".tx.queue.vaddr": near.tx.indices,
            ".tx.queue.size": 12,
            ".tx.data.vaddr": near.tx.data,
            ".tx.data.size": 4096,
            ".tx.id": tx,
            ".rx.queue.vaddr": near.rx.indices,
            ".rx.data.vaddr": near.rx.data,
            ".rx.data.size": 4096,
            ".rx.id": rx,
        }
        wanted |= {".default_baud": 9600, ".rx_enabled": 1} if name == "driver" else {}
        path = tmp_path / "build" / "qemu_virt_aarch64" / "elf" / f"{name}.elf"
        found = read_values(str(path), [section + member for member in wanted])
        numbers = {member: found[section + member] for member in wanted}
        magic = numbers.pop(".magic")
        assert (tuple(magic.encode()) if isinstance(magic, str) else magic) == wanted.pop(".magic")
        assert numbers == wanted


def test_the_driver_of_sddf_has_two_channels(tmp_path: Path) -> None:
    (tmp_path / "system.toml").write_text(SDDF, encoding="utf-8")
    shutil.copy(SOURCE, tmp_path)
    system = describe(str(tmp_path / "system.toml")).systems["qemu_virt_aarch64"]
    ends = [tuple((end.pd, end.id) for end in channel.ends) for channel in system.channels]
    model = console(system)
    assert ends[:2] == [
        (("console_mux", model.far.channel), ("serial_driver", model.near.channel)),
        (("console_mux", model.received_channel), ("serial_driver", model.near.channel + 1)),
    ]

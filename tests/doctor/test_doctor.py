"""`sdfgen doctor`: each thing that is missing is told at its step, with what to do."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.commands.doctor import doctor
from sdfgen.describe import describe
from sdfgen.doctor import examine
from sdfgen.doctor.kernel_config import config_of
from sdfgen.doctor.kernel_needs import kernel_needs
from sdfgen.run import qemu
from tests.build.brought_world import put_world
from tests.guests.test_tree_rules import compiled, described, messages
from tests.paths import EXAMPLE, GOLDENS, ROOT
from tests.trees import ODROID

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

BOARD: Final = "qemu_virt_aarch64"
NEEDED: Final = {
    *("DEVTMPFS", "PROC_FS", "SYSFS", "BLK_DEV_INITRD", "RD_GZIP", "BINFMT_SCRIPT", "VIRTIO_MMIO", "VIRTIO_BLK"),
    *("UIO", "UIO_PDRV_GENIRQ", "SERIAL_AMBA_PL011", "SERIAL_AMBA_PL011_CONSOLE"),
}
UIO: Final = ("UIO", "UIO_PDRV_GENIRQ")
CONFIG: Final = "# Linux/arm64\n" + "".join(f"CONFIG_{name}=y\n" for name in sorted(NEEDED))


def image(config: str = "") -> bytes:
    """An arm64 Image as far as anybody looks, with a configuration inside."""
    head = bytearray(4096)
    head[56:60] = b"ARMd"
    return bytes(head) + (b"IKCFG_ST" + gzip.compress(config.encode(), mtime=0) + b"IKCFG_ED" if config else b"")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clients with kernels and RAM disks, on a machine whose QEMU is always the same."""
    text = EXAMPLE.read_text()
    for name in ("storage", "client1", "client2"):
        files = f'name = "{name}"\nkernel = "{name}.Image"\ninitrd = "initrd"\n'
        text = text.replace(f'name = "{name}"\n', files, 1)
        (tmp_path / f"{name}.Image").write_bytes(image(CONFIG))
    (tmp_path / "initrd").write_bytes(gzip.compress(b"070701" + b"0" * 104 + b"TRAILER!!!\0\0\0\0", mtime=0))
    (tmp_path / "system.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(examine, "program", lambda: "qemu")
    monkeypatch.setattr(examine, "_version", lambda _: "10.0.0")
    for name in ("MICROKIT_SDK", "LIBVMM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put_sdk(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_world(project)
    monkeypatch.setenv("MICROKIT_SDK", str(project / "sdk"))
    monkeypatch.setenv("LIBVMM", str(project / "libvmm"))


def said(*configs: str, step: str = "run") -> str:
    text, status = doctor("system.toml", (BOARD,), step, configs, "text")
    assert status == int("things to do" in text or "thing to do" in text)
    version = sys.version.split()[0]
    lines = text.replace(os.getcwd(), "HERE").replace(version, "PYTHON").splitlines()
    return "\n".join("  good     compiler: COMPILER" if "compiler: zig" in line else line for line in lines) + "\n"


def without(*names: str) -> str:
    return "".join(line for line in CONFIG.splitlines(keepends=True) if line.split("=")[0][7:] not in names)


def no_uio(project: Path) -> None:
    (project / "storage.Image").write_bytes(image(without(*UIO)))


def modules(project: Path) -> None:
    text = CONFIG.replace("VIRTIO_BLK=y", "VIRTIO_BLK=m").replace("PL011_CONSOLE=y", "PL011_CONSOLE=m")
    (project / "client1.Image").write_bytes(image(text))


def no_config(project: Path) -> None:
    (project / "client2.Image").write_bytes(image())


def no_kernel(project: Path) -> None:
    path = project / "system.toml"
    path.write_text(path.read_text().replace('kernel = "client1.Image"\n', ""))


def faulty(project: Path) -> None:
    path = project / "system.toml"
    path.write_text(path.read_text().replace("partition = 1", "partition = 0"))


def other_version(project: Path) -> None:
    (project / "sdk" / "VERSION").write_text("2.0.1\n")


CASES: Final = {
    "whole": lambda _: None,
    "no_uio": no_uio,
    "modules": modules,
    "no_config": no_config,
    "no_kernel": no_kernel,
    "faulty": faulty,
    "other_version": other_version,
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_is_told(case: str, project: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    put_sdk(project, monkeypatch)
    CASES[case](project)
    golden.check(GOLDENS / "doctor" / f"{case}.txt", said())


def test_without_an_sdk_all_up_to_the_image_is_there(project: Path, golden: Golden) -> None:
    golden.check(GOLDENS / "doctor" / "no_sdk.txt", said())
    assert "all is there to build" in said(step="build")
    assert project


def test_without_qemu_nothing_runs(project: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    put_sdk(project, monkeypatch)
    monkeypatch.setattr(examine, "program", qemu.program)
    monkeypatch.setattr(qemu, "PROGRAM", "qemu-of-nobody")
    golden.check(GOLDENS / "doctor" / "no_qemu.txt", said())


@pytest.mark.parametrize("name", ["client2.Image.config", ".config", "named"])
def test_a_configuration_lies_beside_the_kernel_or_is_named(name: str, project: Path) -> None:
    no_config(project)
    (project / name).write_text(without("VIRTIO_MMIO"))
    text = said(*(("client2=named",) if name == "named" else ()))
    assert "guest `client2`: CONFIG_VIRTIO_MMIO is not set" in text
    assert f"help: set CONFIG_VIRTIO_MMIO=y (it was read from {name}): docs/kernels.md" in text
    assert text.count("guest `client2`") == 1


def test_the_configuration_of_a_kernel_that_is_built_is_at_its_top(tmp_path: Path) -> None:
    folder = tmp_path / "arch" / "arm64" / "boot"
    folder.mkdir(parents=True)
    (folder / "Image").write_bytes(image())
    (tmp_path / ".config").write_text(CONFIG)
    found = config_of(str(folder / "Image"))
    assert found is not None
    assert (found.source, found.options["UIO"]) == (str(tmp_path / ".config"), "y")


def test_debian_names_configurations_after_kernels(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz-6.1.0-9-arm64").write_bytes(image())
    (tmp_path / "config-6.1.0-9-arm64").write_text(CONFIG)
    assert config_of(str(tmp_path / "vmlinuz-6.1.0-9-arm64")) is not None


@pytest.mark.parametrize("content", [b"", b"hello", image(), b"IKCFG_ST" + b"\x1f\x8b damaged"])
def test_what_is_no_configuration_is_told(content: bytes, project: Path) -> None:
    (project / "named").write_bytes(content)
    assert "named is no kernel configuration, and no kernel that holds one (CONFIG_IKCONFIG)" in said("client2=named")


def test_a_guest_that_does_not_exist_is_told(project: Path) -> None:
    (project / "named").write_text(CONFIG)
    program = (sys.executable, "-m", "sdfgen", "doctor", "--kernel-config", "client3=named")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=project, env=environment, capture_output=True, text=True, check=False)
    message = "sdfgen: --kernel-config: there is no guest 'client3'; it has client1, client2, storage\n"
    assert (done.stderr, done.returncode) == (message, 2)


def test_machines_get_all_of_it(project: Path) -> None:
    no_uio(project)
    text, status = doctor("system.toml", (BOARD,), "run", (), "json")
    found = json.loads(text)
    assert status == 1
    assert {row["step"] for row in found} == {"check", "build", "image", "run"}
    lacking = [row["what"] for row in found if row["step"] == "run" and row["status"] == "missing"]
    assert [what.split(":")[1] for what in lacking] == [f" CONFIG_{name} is not set" for name in UIO]


def test_without_a_description_it_is_what_any_takes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "system.toml").unlink()
    monkeypatch.setattr(examine, "program", lambda: "qemu")
    text, status = doctor(None, (), "run", (), "text")
    assert status == 1
    assert "Microkit SDK 2.3.0: MICROKIT_SDK is not set" in text
    assert "guest" not in text


def test_what_a_kernel_needs_follows_the_board_and_the_guest(project: Path) -> None:
    systems = describe(str(project / "system.toml")).systems
    found = {
        name: [need.option for need in kernel_needs(systems[BOARD], systems[BOARD].guest(name))]
        for name in ("storage", "client1")
    }
    assert set(found["storage"]) == NEEDED
    assert set(found["client1"]) == NEEDED - {*UIO, "BINFMT_SCRIPT"}


SUPPLIERS: Final = """
    clocks: clock-controller { compatible = "amlogic,sm1-clkc"; #clock-cells = <1>; };
    resets: reset-controller { compatible = "amlogic,meson-axg-reset"; #reset-cells = <1>; };
    pinctrl { compatible = "amlogic,meson-g12a-periphs-pinctrl"; pins: card { }; };
    feed: regulator-card { compatible = "regulator-fixed"; };
    lines: regulator-lines { compatible = "regulator-gpio"; };
    power: pwrseq { compatible = "mmc-pwrseq-emmc"; };
"""
CARD: Final = (
    "clocks = <&clocks 1 &clocks 2>; resets = <&resets 3>; pinctrl-0 = <&pins>; vmmc-supply = <&feed>;"
    " vqmmc-supply = <&lines>; "
)


@pytest.mark.parametrize(
    ("properties", "options"),
    [
        ("", set()),
        (CARD, {"COMMON_CLK_G12A", "RESET_MESON", "PINCTRL_MESON_G12A", "REGULATOR_FIXED_VOLTAGE", "REGULATOR_GPIO"}),
        ("mmc-pwrseq = <&power>; ", {"PWRSEQ_EMMC"}),
    ],
    ids=["none", "card", "power"],
)
def test_what_a_device_is_fed_by_needs_drivers_too(tmp_path: Path, properties: str, options: set[str]) -> None:
    node = 'sd@ffe05000 { compatible = "amlogic,meson-axg-mmc"; '
    assert ODROID.count(node) == 1
    tree = ODROID.replace(node, node + properties).replace("    soc {", f"{SUPPLIERS}    soc {{")
    found = described(tmp_path, compiled(tree))
    assert messages(found) == []
    system = found.systems["odroidc4"]
    needs = {need.option for need in kernel_needs(system, system.guest("linux"))}
    assert needs >= {"MMC_MESON_GX", *options}
    assert needs & {"COMMON_CLK_G12A", "REGULATOR_FIXED_VOLTAGE", "PWRSEQ_EMMC"} <= options

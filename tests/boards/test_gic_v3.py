"""A board with a GICv3: redistributors in the device tree, no CPU interface to map, interrupts without CPU masks."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.generate import generated_files

from .own import HERE, OWN, SYSTEM, cases, put

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System
    from tests.conftest import Golden

V3 = next(case for case in cases("good.toml") if case["name"] == "gic_v3")
GOLDENS = HERE / "goldens"


@pytest.fixture
def system(tmp_path: Path) -> System:
    put(tmp_path, V3)
    return describe(str(tmp_path / "system.toml")).systems[OWN]


@pytest.mark.parametrize("guest", ["driver", "client"])
def test_device_tree(system: System, guest: str, golden: Golden) -> None:
    golden.check(GOLDENS / f"gic_v3_{guest}.dts", generated_files(system)[f"dts/{guest}.dts"].decode())


def test_each_cpu_has_a_redistributor(tmp_path: Path) -> None:
    put(tmp_path, V3, SYSTEM.replace('name = "client"', 'name = "client"\ncpus = 3'))
    system = describe(str(tmp_path / "system.toml")).systems[OWN]
    text = generated_files(system)["dts/client.dts"].decode()
    assert "<0x0 0x80a0000 0x0 0x60000>" in text
    assert " 0x4>" in text  # a GICv3's private interrupts have no mask of CPUs


def test_no_more_cpus_than_the_board_has_redistributors(tmp_path: Path) -> None:
    put(tmp_path, V3, SYSTEM.replace('name = "client"', 'name = "client"\ncpus = 3'))
    board = tmp_path / "boards" / f"{OWN}.toml"
    text = board.read_text(encoding="utf-8")
    assert text.count("redistributor_size = 0x8_0000") == 1
    board.write_text(text.replace("redistributor_size = 0x8_0000", "redistributor_size = 0x4_0000"), encoding="utf-8")
    (fault,) = describe(str(tmp_path / "system.toml")).faults
    assert (fault.code, fault.message) == (
        "SDF081",
        f"guest `client` is given 3 virtual CPUs; board `{OWN}` has room for 2",
    )


def test_dtc_has_no_warning(system: System) -> None:
    dtc = shutil.which("dtc")
    if dtc is None:
        pytest.skip("dtc is not installed (Debian: device-tree-compiler)")
    text = generated_files(system)["dts/driver.dts"]
    done = subprocess.run([dtc, "-I", "dts", "-O", "dtb", "-"], input=text, capture_output=True, check=True)
    assert done.stderr == b""


def test_system_file(system: System, golden: Golden) -> None:
    golden.check(GOLDENS / "gic_v3.system", system_file(system))
    assert "gic_vcpu" not in system.region_index()


@pytest.mark.parametrize(
    ("address", "what"), [(0x0800_F000, "the interrupt distributor"), (0x0811_F000, "the interrupt redistributors")]
)
def test_nothing_is_mapped_over_the_controller(tmp_path: Path, address: int, what: str) -> None:
    put(tmp_path, V3, f'{SYSTEM}[[map]]\npd = "client"\nmr = "client_wake"\nvaddr = {address:#x}\n')
    (fault,) = (f for f in describe(str(tmp_path / "system.toml")).faults if f.code == "SDF086")
    assert f"covers {what}" in fault.message

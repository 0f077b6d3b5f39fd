"""What sdfgen emits it reads back as the same system, and the same rules say the same of either."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen import judge
from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.facts.board import board_files, load_board
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.fault import Faults
from sdfgen.faults.render import as_text
from sdfgen.read.load import load
from sdfgen.resolve.system import resolve
from sdfgen.subsystems import register
from tests.paths import EXAMPLE, FAULTS, FOUR_CORES, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System

DESCRIBED = sorted([EXAMPLE, FOUR_CORES, *SYSTEMS.glob("*.toml")])
# Not of Microkit: where values come from, and what sdfgen alone decides or asks for.
UNSAID = {"origin", "why", "key", "core_why", "trusted", "prefill_made"}
# Faults that a system file has otherwise than a description: what it cannot be written as, or is then.
OTHERWISE = {
    "pd_priority_less_than_0": "SDF003",
    "vm_priority_less_than_0": "SDF003",
    "pd_budget_negative": "SDF003",
    "domain_invalid_shift": "SDF003",
    "pd_cap_mappings_invalid": "SDF004",
    "ch_ppcall_by_others_1_4_1": None,  # who calls stands nowhere
    "marked_callee_with_a_channel": None,  # likewise
    "pp_in_2_0_1": None,  # it is not emitted
    "domain_ids_too_few": "SDF067",  # a name that is cut off
    "domain_entry_of_both_kinds": "SDF068",  # the end marker of the two
}
RULED = sorted(path for path in FAULTS.glob("SDF0[2-6]*/*.toml") if "SDF024" <= path.parent.name <= "SDF069")


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def plain(value: Any) -> Any:  # noqa: ANN401 - any part of a system
    """Return a part of a system without what the system file does not say."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = zip(value._fields, value, strict=True)
        found = {name: plain(part) for name, part in parts if name not in UNSAID}
        if "period_us" in found and found["period_us"] is None:  # as long as the budget, and then written out
            found["period_us"] = found["budget_us"]
        return found
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def microkit_of(system: System) -> dict[str, Any]:
    found = {name: plain(getattr(system, name)) for name in ("pds", "regions", "channels", "domains", "config")}
    return found | {"version": system.dialect.version}


def read_back(system: System, folder: Path) -> System:
    path = folder / "x.system"
    path.write_text(system_file(system), encoding="utf-8")
    search = (os.path.abspath(system.folder),)
    request = Request(str(path), system.board.name, system.dialect.version, system.config, (), search)
    examined = examine(request)
    assert examined.system is not None, as_text(examined.faults.sorted())
    return examined.system


@pytest.mark.parametrize("path", DESCRIBED, ids=named)
def test_what_is_emitted_is_read_back(path: Path, tmp_path: Path) -> None:
    systems = describe(str(path)).systems
    assert systems
    for system in systems.values():
        assert microkit_of(read_back(system, tmp_path)) == microkit_of(system), system.board.name


@pytest.mark.parametrize("version", DIALECTS)
def test_every_version_is_read_back(version: str, tmp_path: Path) -> None:
    system = describe(str(EXAMPLE), (f"system.microkit='{version}'",)).systems["qemu_virt_aarch64"]
    expected = microkit_of(system)
    if system.dialect.pp_on_pd:  # it does not say who calls, but who may be called
        expected["channels"] = microkit_of(read_back(system, tmp_path))["channels"]
    assert microkit_of(read_back(system, tmp_path)) == expected


@pytest.mark.parametrize("path", DESCRIBED, ids=named)
def test_what_is_emitted_is_good(path: Path, tmp_path: Path) -> None:
    for system in describe(str(path)).systems.values():
        file = tmp_path / "x.system"
        file.write_text(system_file(system), encoding="utf-8")
        for board in (None, system.board.name):
            faults = examine(Request(str(file), board)).faults
            assert not faults.errors, as_text(faults.sorted())


def resolved(path: Path) -> System | None:
    """Return the system of a description with faults, where it can be resolved."""
    faults = Faults()
    root, _ = load(str(path), faults)
    spec = register.spec().read(root, faults) if root is not None else None
    if spec is None or faults.errors or spec.system is None or spec.guest:
        return None
    name = next(iter(spec.system.boards), "")
    files = board_files(str(path.parent))
    board = load_board(name, files[name], faults, register.board_keys()) if name in files else None
    dialect = DIALECTS.get(spec.system.microkit)
    if board is None or dialect is None:
        return None
    system = resolve(spec, board, dialect, str(path.parent), faults)
    return None if faults.errors else system


# Those of which there is a system: only rules are against them.
RESOLVED = {named(path): system for path in RULED if (system := resolved(path)) is not None}


def test_most_of_the_rules_faults_have_a_system() -> None:
    assert len(RESOLVED) >= 160
    assert {name.partition("/")[2] for name in RESOLVED} >= OTHERWISE.keys()


@pytest.mark.parametrize("name", RESOLVED)
def test_the_same_rule_judges_what_others_wrote(name: str, tmp_path: Path) -> None:
    system = RESOLVED[name]
    faults = Faults()
    judge.check(system, faults)
    file = tmp_path / "x.system"
    file.write_text(system_file(system), encoding="utf-8")
    search = (os.path.abspath(system.folder),)
    found = examine(Request(str(file), system.board.name, system.dialect.version, system.config, (), search)).faults
    wanted = {(fault.code, fault.severity) for fault in faults}
    stem = name.partition("/")[2]
    if stem in OTHERWISE:
        code = OTHERWISE[stem]
        wanted = {(code, "error")} if code else set()
    said = {(fault.code, fault.severity) for fault in found if fault.code != "SDF219"}  # no image is there
    assert said == wanted, as_text(found.sorted())

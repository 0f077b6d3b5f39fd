"""The monitor: who counts, where, and who sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.render import as_text
from sdfgen.generate import generated_files
from sdfgen.model.counted import PAGE_SYMBOL, REQUESTS, SERVICE, VMM
from sdfgen.run.stats import check_counted, stats
from sdfgen.run.status import UsageError
from sdfgen.subsystems.monitor.model import Monitor, monitor_of
from tests.paths import EXAMPLE, GOLDENS, SYSTEMS

if TYPE_CHECKING:
    from sdfgen.model.system import System
    from tests.conftest import Golden

BOARD = "qemu_virt_aarch64"


def monitored(*settings: str) -> System:
    described = describe(str(SYSTEMS / "monitored.toml"), settings)
    assert not described.faults.errors, as_text(described.faults.sorted())
    return described.systems[BOARD]


def monitor(system: System) -> Monitor:
    found = monitor_of(system)
    assert found is not None
    return found


def test_the_system_file(golden: Golden) -> None:
    golden.check(GOLDENS / "sdf" / "monitored.system", system_file(monitored()))


def test_the_table(golden: Golden) -> None:
    golden.check(GOLDENS / "c" / "monitor_table.c", generated_files(monitored())["src/system_monitor_table.c"].decode())


@pytest.mark.parametrize("version", DIALECTS)
def test_each_page_is_written_by_one_and_seen_by_the_monitor(version: str) -> None:
    system = monitored(f'system.microkit="{version}"')
    domains = {pd.name: pd for pd in system.all_pds()}
    seen = {page.counted.region: page for page in monitor(system).pages}
    assert list(seen) == [f"{pd}_counters" for pd in ("block_virt", "client1_vmm", "client2_vmm", "storage_vmm")]
    for pd in domains.values():
        for mapped in (one for one in pd.maps if one.region in seen):
            page = seen[mapped.region]
            if pd.name == "system_monitor":
                assert (mapped.perms, mapped.setvar_vaddr, mapped.vaddr) == ("r", None, page.vaddr)
            else:
                assert (mapped.perms, mapped.setvar_vaddr, pd.name) == ("rw", PAGE_SYMBOL, page.counted.pd)
    maps = [one.region for pd in domains.values() for one in pd.maps if one.region in seen]
    assert sorted(maps) == sorted(2 * [*seen])


def test_rows_are_the_clients_and_the_devices() -> None:
    rows = {page.counted.pd: [(row.name, row.kind) for row in page.counted.rows] for page in monitor(monitored()).pages}
    assert rows == {
        "block_virt": [("", SERVICE), ("client1_0", REQUESTS), ("client1_logs", REQUESTS)],
        "client1_vmm": [("", VMM), ("console", REQUESTS), ("disk_0", REQUESTS), ("disk_logs", REQUESTS)],
        "client2_vmm": [("", VMM), ("console", REQUESTS)],
        "storage_vmm": [("", VMM), ("console", REQUESTS), ("uio_block", REQUESTS)],
    }


def test_a_program_of_the_authors_has_no_page() -> None:
    system = monitored('guest.client2.vmm={program_image="own.elf"}', 'block.virtualiser={program_image="virt.elf"}')
    assert [page.counted.pd for page in monitor(system).pages] == ["client1_vmm", "storage_vmm"]


def test_without_a_monitor_nobody_has_a_page() -> None:
    system = describe(str(EXAMPLE), (), (BOARD,)).systems[BOARD]
    assert (system.counted, monitor_of(system)) == ((), None)
    assert not [region.name for region in system.regions if region.name.endswith("_counters")]
    with pytest.raises(UsageError, match=r"^--stats: nothing is counted in this system$"):
        check_counted(system)


def test_the_counters_as_tables(golden: Golden) -> None:
    system = monitored()
    check_counted(system)
    pages = {int(region.phys_addr or 0): region.name for region in system.regions if region.name.endswith("_counters")}

    def read(address: int, size_bytes: int) -> bytes:
        magic = b"SDFGCNTR" if pages[address] != "client2_vmm_counters" else bytes(8)
        row = b"".join((1000**n % 2**64).to_bytes(8, "little") for n in range(8))
        return (magic + bytes(56) + row + bytes(64) + row * 60)[:size_bytes]

    golden.check(GOLDENS / "run" / "stats.txt", stats(system, read))

"""What the Microkit tool's own tests reject is rejected here, and nothing that they accept.

The names are those of the tool's test files (tool/microkit/tests/sdf, version 2.3.0).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.describe import describe
from sdfgen.rules.registry import RULES
from tests.paths import EXAMPLE, FAULTS
from tests.shapes import MANY, QEMU, resolved, tree

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System

OURS = [code for code in RULES if "SDF020" <= code <= "SDF069"]

# The tool's test, the code that it has here, and the file when it is not named like the tool's.
REJECTED = [
    ("mr_malformed_size", "SDF003"),
    ("mr_unsupported_page_size", "SDF039"),
    ("mr_size_not_multiple_of_page_size", "SDF040"),
    ("mr_addr_not_aligned_to_page_size", "SDF041"),
    ("mr_missing_size", "SDF040"),
    ("mr_missing_name", "SDF005"),
    ("mr_invalid_attrs", "SDF004"),
    ("mr_overlapping_phys_addr", "SDF042"),
    ("mr_prefill_empty_file", "SDF043"),
    ("mr_prefill_does_not_exists", "SDF043"),
    ("mr_prefill_size_without_prefill", "SDF056"),
    ("mr_prefill_bootinfo_type_invalid", "SDF044"),
    ("mr_prefill_path_bootinfo_both_specified", "SDF044"),
    ("pd_missing_name", "SDF005"),
    ("pd_missing_program_image", "SDF005"),
    ("pd_missing_path", "SDF005", "pd_missing_program_image"),
    ("pd_missing_mr", "SDF005"),
    ("pd_missing_vaddr", "SDF005"),
    ("pd_missing_irq", "SDF005"),
    ("pd_missing_id", "SDF005"),
    ("pd_missing_symbol", "SDF005"),
    ("pd_missing_region_paddr", "SDF005"),
    ("pd_duplicate_setvar", "SDF053"),
    ("pd_duplicate_program_image", "SDF002"),
    ("pd_invalid_attrs", "SDF004"),
    ("pd_program_image_invalid_attrs", "SDF003"),
    ("pd_budget_gt_period", "SDF033"),
    ("pd_write_only_mr", "SDF047"),
    ("pd_parent_has_id", "SDF031"),
    ("pd_child_missing_id", "SDF031"),
    ("pd_duplicate_child_id", "SDF030"),
    ("pd_duplicate_child_id_vcpu", "SDF030"),
    ("pd_small_stack_size", "SDF034"),
    ("pd_unaligned_stack_size", "SDF034"),
    ("pd_overlapping_maps", "SDF050"),
    ("pd_overlapping_mixed_page_sizes", "SDF050"),
    ("pd_invalid_cpu", "SDF038"),
    ("pd_cap_mappings_overlapping", "SDF069"),
    ("pd_cap_mappings_invalid", "SDF069"),
    ("pd_cap_mappings_invalid_pd_ref", "SDF069"),
    ("cap_mappings_slot_invalid", "SDF069"),
    ("irq_id_greater_than_max", "SDF028"),
    ("irq_id_less_than_0", "SDF028"),
    ("irq_invalid_trigger", "SDF037"),
    ("vm_not_child", "SDF004"),
    ("vm_duplicate_name", "SDF024"),
    ("vm_missing_vcpu", "SDF063"),
    ("vm_missing_vcpu_id", "SDF005"),
    ("vm_invalid_vcpu_id", "SDF028"),
    ("vm_invalid_vcpu_cpu", "SDF038"),
    ("vm_overlapping_maps", "SDF050"),
    ("vm_missing_mr", "SDF046"),
    ("ch_missing_pd", "SDF005", "ch_end_missing_pd"),
    ("ch_id_greater_than_max", "SDF028"),
    ("ch_id_less_than_0", "SDF028"),
    ("ch_invalid_attrs", "SDF004"),
    ("ch_invalid_pd", "SDF058"),
    ("ch_invalid_element", "SDF004"),
    ("ch_not_enough_ends", "SDF057"),
    ("ch_too_many_ends", "SDF057"),
    ("ch_end_invalid_pp", "SDF003"),
    ("ch_end_invalid_notify", "SDF003"),
    ("ch_bidirectional_ppc", "SDF059"),
    ("ch_ppcall_priority", "SDF060"),
    ("domain_smp", "SDF065"),
    ("domain_exceed_max_domains", "SDF065"),
    ("domain_assign_pd_to_invalid_domain", "SDF066"),
    ("domain_invalid_timeslice", "SDF067"),
    ("domain_no_schedule", "SDF068"),
    ("domain_no_pd_domain", "SDF066"),
    ("domain_invalid_start_index", "SDF003"),
    ("domain_out_of_bounds_start_index", "SDF068"),
    ("domain_invalid_shift", "SDF068"),
    ("domain_out_of_bounds_shift", "SDF068"),
    ("sys_duplicate_pd_name", "SDF024"),
    ("sys_duplicate_mr_name", "SDF024"),
    ("sys_duplicate_irq_number", "SDF036"),
    ("sys_duplicate_irq_id", "SDF029"),
    ("sys_channel_duplicate_a_id", "SDF029"),
    ("sys_channel_duplicate_b_id", "SDF029"),
    ("sys_no_protection_domains", "SDF027"),
    ("sys_too_many_pds", "SDF027"),
    ("sys_map_invalid_mr", "SDF046"),
    ("sys_map_not_aligned", "SDF048"),
    ("sys_map_too_high", "SDF049"),
    ("sys_map_range_too_high", "SDF049"),
    ("wrong_fpu_flag_value", "SDF003"),
    # What x86 has is refused by key, whatever its value: the boards here are AArch64.
    ("irq_ioapic_on_arm", "SDF009"),
    ("irq_ioapic_{less_than_0,pin_less_than_0,invalid_trigger,invalid_polarity}", "SDF009", "irq_ioapic_on_arm"),
    ("irq_ioapic_{vector_less_than_0,vector_greater_than_107}", "SDF009", "irq_ioapic_on_arm"),
    ("irq_msi_on_arm", "SDF009"),
    ("irq_msi_pci_{bus,dev,func}_{less_than_0,greater_than_255,31,7}", "SDF009", "irq_msi_on_arm"),
    ("irq_msi_{handle_less_than_0,vector_*,pci_invalid}", "SDF009", "irq_msi_on_arm"),
    ("pd_overlapping_x86_io_ports_{1,2}", "SDF009", "pd_ioport"),
    ("pd_invalid_x86_io_port_size", "SDF009", "pd_ioport"),
    ("iommu_missing_from_config", "SDF009"),
    ("iommu_*", "SDF009", "iommu_missing_from_config"),
]

# The tool's tests that have no counterpart, each with the reason.
ELSEWHERE = {
    "irq_arm_on_x86": "there is no x86 board",
    "irq_msi_pci_valid": "an x86 key, refused",
    "mr_prefill_bootinfo_valid": "its kind is of x86; `fdt` is accepted below",
    "pd_setvar_no_paddr": "refused for x86 only; accepted below",
    "vm_with_priority": "refused for x86 only; accepted below",
    "vm_x86_ppc_{invalid_1,invalid_2,valid}": "there is no x86 board",
    "vm_x86_vm_with_child_invalid": "there is no x86 board",
    "ch_missing_id": "accepted below: sdfgen chooses the id",
    "sys_text_elements": "TOML has no text between tables",
}

HEAD = """
[system]
name = "demo"
boards = ["qemu_virt_aarch64"]
microkit = "2.3.0"
"""
PD = """
[[protection_domain]]
name = "pd"
program_image = "pd.elf"
"""
PREFILLED = """map = [{ mr = "ram", vaddr = 0x200_0000, setvar_prefill_size = "ram_bytes" }]
[[memory_region]]
name = "ram"
prefill_path = "four.bin"
"""
ACCEPTED = {
    "mr_prefill_no_size_valid": PD + PREFILLED,
    "mr_prefill_page_sized_valid": PD + PREFILLED + "size = 0x20_0000\npage_size = 0x20_0000\n",
    "mr_prefill_sized_valid": PD + PREFILLED + "size = 0x1000\n",
    "mr_prefill_bootinfo_valid": PD
    + 'map = [{ mr = "tree", vaddr = 0x200_0000 }]\n'
    + '[[memory_region]]\nname = "tree"\nprefill_bootinfo = "fdt"\n',
    "pd_setvar_no_paddr": PD
    + 'setvar = [{ symbol = "ram_paddr", region_paddr = "ram" }]\n'
    + '[[memory_region]]\nname = "ram"\nsize = 0x1000\n',
    "vm_valid": PD + '[protection_domain.virtual_machine]\nname = "guest"\nvcpu = [{ id = 0 }, { id = 61 }]\n',
    "vm_with_priority": PD
    + "priority = 20\n"
    + '[protection_domain.virtual_machine]\nname = "guest"\npriority = 10\nvcpu = [{ id = 0 }]\n',
    "ch_missing_id": PD + PD.replace("pd", "b") + '[[channel]]\nends = [{ pd = "pd" }, { pd = "b" }]\n',
    "domain_valid": '[domains]\nnames = ["a"]\n'
    'schedule = [{ domain = "a", duration = "1 us" }, { end_marker = true }]\n' + PD + 'domain = "a"\n',
}


@pytest.mark.parametrize("row", REJECTED, ids=lambda row: row[0])
def test_what_the_tool_rejects_is_rejected(row: tuple[str, ...]) -> None:
    said = FAULTS / row[1] / f"{row[-1] if len(row) > 2 else row[0]}.txt"
    assert f"error[{row[1]}]" in said.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_tool_accepts_is_accepted(name: str, tmp_path: Path) -> None:
    (tmp_path / "four.bin").write_bytes(b"four")
    path = tmp_path / "system.toml"
    path.write_text(HEAD + ACCEPTED[name], encoding="utf-8")
    faults = describe(str(path)).faults
    assert [fault.message for fault in faults if fault.code != "SDF176"] == [], "which tells that it is slow"


def test_each_rule_has_an_input() -> None:
    assert set(OURS) <= {path.parent.name for path in FAULTS.glob("*/*.toml")}


def test_rows_without_counterpart_have_none() -> None:
    assert not ELSEWHERE.keys() & {row[0] for row in REJECTED}


def _example() -> System:
    return next(iter(describe(str(EXAMPLE)).systems.values()))


def _odd(value: Any, number: int, text: str) -> Any:  # noqa: ANN401 - any part of a system
    """Put one number and one text wherever a system has any; board, version and places stay."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return number
    if isinstance(value, str):
        return text
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        kept = {"origin", "board", "dialect"}
        fields = zip(value._fields, value, strict=True)
        return type(value)(*(v if f in kept else _odd(v, number, text) for f, v in fields))
    return tuple(_odd(item, number, text) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("number", [-1, 0, 1, 2**64, 2**80])
@pytest.mark.parametrize("text", ["", "x", "\0", "\udc80", "€" * 100])
def test_rules_never_raise_on_odd_values(number: int, text: str) -> None:
    odd = _odd(_example(), number, text)
    for code in OURS:
        list(RULES[code].function(odd))


def test_rules_are_quick_on_the_largest_system(tmp_path: Path) -> None:
    system = resolved(tmp_path, tree(QEMU, MANY["sixty_native"], "2.1.0"))
    start = time.perf_counter()
    for code in OURS:
        list(RULES[code].function(system))
    assert time.perf_counter() - start < 0.5  # measured: 0.01

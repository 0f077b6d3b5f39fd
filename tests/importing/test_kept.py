"""What a person finds again in a description that was imported, and what is told instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.existing.request import Request
from sdfgen.importing.convert import import_system
from tests.existing.test_examine import pd, system
from tests.importing.canonical import canonical
from tests.importing.steps import FILES, QEMU, built, description, imported

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden


def test_a_person_would_keep_it(golden: Golden, tmp_path: Path) -> None:
    text = (FILES / "kept.system").read_text(encoding="utf-8")
    found = description(text, tmp_path, board=QEMU)
    golden.check(FILES / "kept.toml", found)
    assert canonical(built(found, tmp_path).encode()) == canonical(text.encode())


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0x1000", "0x1000"),
        ("0x1_000", "0x1_000"),
        ("0xABCDe000", "0xABCDe000"),
        ("4096", "4096"),
        ("4_096", "4_096"),
        ("+4096", "+4096"),
        ("0x_1000", "0x1000"),
        ("0x1000_", "0x1000"),
        ("04096", "4096"),
        ("4__096", "4096"),
        ("0x+1000", "0x1000"),
        ("0x1fffffffff000", "0x1fffffffff000"),
    ],
)
def test_numbers_are_as_they_were(written: str, kept: str, tmp_path: Path) -> None:
    text = system(f'<memory_region name="m" size="{written}" />' + pd())
    assert f"\nsize = {kept}\n" in description(text, tmp_path)


def test_comments_of_included_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "more.xml").write_text("<!-- its own --><memory_region name='m' size='0x1000' />")
    include = '<!-- why --><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="more.xml" />'
    found = description(system(include + pd()), tmp_path)
    assert "# why\n# its own\n[[memory_region]]" in found


def test_what_no_channel_leads_to_is_kept(tmp_path: Path) -> None:
    """Microkit 1.4.1 marks who can be called: it is said of the callers, unless there are none."""
    ends = '<channel><end pd="a" id="0" /><end pd="b" id="0" /></channel>'
    called = "".join(pd(f'{n}" pp="true" priority="{n}"').replace("pd1", "a").replace("pd2", "b") for n in (1, 2))
    alone = description(system(called), tmp_path)
    assert alone.count("pp = true") == 2
    assert canonical(built(alone, tmp_path).encode()) == canonical(system(called))
    one = system(called.replace(' pp="true"', "", 1) + ends)
    found = description(one, tmp_path)
    assert 'ends = [{ pd = "a", id = 0, pp = true }, { pd = "b", id = 0 }]' in found
    assert found.count("pp = true") == 1
    assert canonical(built(found, tmp_path).encode()) == canonical(one)


def test_what_a_description_cannot_say(tmp_path: Path) -> None:
    for attribute, said in (("a&#9;b", "'a\\tb' has control characters"), ("", "'' is not a non-empty string")):
        text = system("\n" + pd('" priority="1"', f'<setvar symbol="{attribute}" region_paddr="m" />'))
        text = text.replace("<system>", '<system><memory_region name="m" size="0x1000" />')
        found = imported(text, tmp_path)
        assert found.text is None
        (fault,) = found.faults
        assert (fault.code, fault.message) == ("SDF220", f"a description cannot say this: {said}")
        assert fault.place[:2] == (2, text.split("\n")[1].index(f'"{attribute}" region') + 2)


def test_other_architectures_are_told_once(tmp_path: Path) -> None:
    port = '<ioport id="1" addr="0x10" size="8" />'
    found = imported(system(pd('"', port * 2) + "<foo />"), tmp_path)
    (fault,) = found.faults
    assert (fault.code, fault.message) == ("SDF009", "<ioport> is for x86, and descriptions are of AArch64 systems")
    found = imported(system(pd()), tmp_path, board="qemu_virt_riscv64")
    (fault,) = found.faults
    assert fault.message == "board `qemu_virt_riscv64` is riscv64, and descriptions are of AArch64 systems"


def test_what_check_refuses_is_not_imported(tmp_path: Path) -> None:
    found = imported(system(pd('" priority="255"')), tmp_path)
    assert (found.text, [fault.code for fault in found.faults]) == (None, ["SDF032"])


def test_what_microkit_does_not_look_at_is_left_out_and_told(tmp_path: Path) -> None:
    found = imported(system(pd('"', "words<setvar symbol='s' region_paddr='m'><x /></setvar>")), tmp_path)
    assert {fault.code for fault in found.faults} == {"SDF046", "SDF204", "SDF004"}
    text = system('<memory_region name="m" size="0x1000"><x /></memory_region>' + pd())
    found = imported(text, tmp_path)
    assert found.text is not None
    assert [(fault.code, fault.severity) for fault in found.faults] == [("SDF004", "note")]


def test_a_file_to_fill_in_that_is_nowhere_is_said(tmp_path: Path) -> None:
    text = system('<memory_region name="m" size="0x1000" prefill_path="m.bin" />' + pd())
    found = imported(text, tmp_path)
    assert found.text is not None
    assert found.said[-1] == "`m.bin` must lie beside the description"


def test_a_file_that_is_elsewhere_is_told(tmp_path: Path) -> None:
    """Its length decides the region's, and the description is to be where it is not."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "m.bin").write_bytes(b"x")
    text = system('<memory_region name="m" prefill_path="m.bin" />' + pd())
    found = imported(text, tmp_path, search=(str(folder),))
    assert found.text is None
    assert {fault.code for fault in found.faults} <= {"SDF220", "SDF221", "SDF219"}
    assert import_system(Request(str(tmp_path / "x.system"), search=(str(folder),)), str(folder)).text is not None

"""One fault each, with the exact message; input and target stay as they were."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from patcher import PatchError, PatchRequest, patch_file
from tests.patcher.building import DYNAMIC, SECTION, SEGMENT, Elf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Edit = Callable[[Elf], object]

ONLY_LINKED = "only linked 64-bit little-endian files can be patched"


def fault_of(source: Path, tmp_path: Path, *requests: PatchRequest) -> PatchError:
    """Patch to another file and in place; both must fail alike and change nothing."""
    target = tmp_path / "target"
    target.write_bytes(b"the last good output")
    before, names = source.read_bytes(), sorted(os.listdir(tmp_path))
    with pytest.raises(PatchError) as first:
        patch_file(str(source), str(target), requests)
    with pytest.raises(PatchError) as second:
        patch_file(str(source), str(source), requests)
    assert [str(fault) for fault in first.value.faults] == [str(fault) for fault in second.value.faults]
    assert source.read_bytes() == before
    assert target.read_bytes() == b"the last good output"
    assert sorted(os.listdir(tmp_path)) == names
    return first.value


BIG = 2**64
REFUSED: dict[str, tuple[list[PatchRequest], str, str]] = {
    "missing": (
        [PatchRequest("base_c", 1)],
        "PATCH007",
        "no symbol is named `base_c`; did you mean `base_b` or `base_a`?",
    ),
    "missing without a similar one": (
        [PatchRequest("quite_different", 1)],
        "PATCH007",
        "no symbol is named `quite_different`; define it as a variable that the program uses, or the linker drops it",
    ),
    "missing, no name at all": (
        [PatchRequest("", 1)],
        "PATCH007",
        "no symbol is named ``; define it as a variable that the program uses, or the linker drops it",
    ),
    "missing, no text": (
        [PatchRequest("base_a\0\udcff", 1)],
        "PATCH007",
        "no symbol is named `base_a\0\udcff`; did you mean `base_a` or `base_b`?",
    ),
    "twice": (
        [PatchRequest("twice", 1)],
        "PATCH008",
        "2 symbols are named `twice`, at {one:#x}, {two:#x}; rename all but one",
    ),
    "function": ([PatchRequest("_start", 1)], "PATCH009", "`_start` is a function; name a variable"),
    "file name": ([PatchRequest("other.c", 1)], "PATCH009", "`other.c` is a file name; name a variable"),
    "thread-local": ([PatchRequest("per_thread", 1)], "PATCH009", "`per_thread` is thread-local; name a variable"),
    "absolute": ([PatchRequest("absolute", 1)], "PATCH009", "`absolute` is an absolute number; name a variable"),
    "undefined": (
        [PatchRequest("nowhere", 1)],
        "PATCH009",
        "`nowhere` is undefined: this file only refers to it; link the object that defines it",
    ),
    "4 bytes instead of 8": (
        [PatchRequest("small", 1)],
        "PATCH010",
        "`small` has 4 bytes, 8 requested; change its type or the request",
    ),
    "1 byte instead of 4": (
        [PatchRequest("tiny", 1, 4)],
        "PATCH010",
        "`tiny` has 1 byte, 4 requested; change its type or the request",
    ),
    "16 bytes instead of 8": (
        [PatchRequest("pair", 1)],
        "PATCH010",
        "`pair` has 16 bytes, 8 requested; change its type or the request",
    ),
    "no integer": (
        [PatchRequest("pair", 1, None)],
        "PATCH010",
        "`pair` has 16 bytes, no integer; name a member or an element of it",
    ),
    "no size": ([PatchRequest("label", 1)], "PATCH010", "`label` has no size; in assembly, add `.size label, 8`"),
    "size 3": (
        [PatchRequest("base_a", 1, 3)],
        "PATCH010",
        "3 bytes are requested for `base_a`; request 1, 2, 4 or 8",
    ),
    "negative": (
        [PatchRequest("base_a", -1)],
        "PATCH011",
        "the value of `base_a`, -1, is negative; values are unsigned",
    ),
    "65 bits": (
        [PatchRequest("base_a", BIG)],
        "PATCH011",
        "the value of `base_a` has 65 bits and the variable has 64; correct the value or its size",
    ),
    "9 bits": (
        [PatchRequest("tiny", 256, None)],
        "PATCH011",
        "the value of `tiny` has 9 bits and the variable has 8; correct the value or its size",
    ),
    "in .bss": (
        [PatchRequest("zero", 1)],
        "PATCH012",
        "`zero` is in .bss and has no bytes in the file; initialise it with a value not 0",
    ),
    "unmapped": (
        [PatchRequest("unloaded", 1)],
        "PATCH013",
        "no loadable segment holds `unloaded` at 0x0; put it in a section that is loaded once, such as .data",
    ),
    "two values": (
        [PatchRequest("base_a", 1), PatchRequest("base_a", 2)],
        "PATCH015",
        "`base_a` is requested twice, as 0x1 (8 bytes) and as 0x2 (8 bytes); keep one",
    ),
    "two sizes": (
        [PatchRequest("base_a", 1), PatchRequest("base_a", 1, None)],
        "PATCH015",
        "`base_a` is requested twice, as 0x1 (8 bytes) and as 0x1 (its own size); keep one",
    ),
    "overlapping": (
        [PatchRequest("base_a", 1), PatchRequest("inner", 1)],
        "PATCH016",
        "`base_a` and `inner` share bytes at {inner:#x}; request one of them",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_requests(copy: Path, tmp_path: Path, name: str) -> None:
    requests, code, message = REFUSED[name]
    elf = Elf(copy)
    one = elf.vaddr("twice")
    fault = fault_of(copy, tmp_path, *requests)
    assert str(fault) == f"{copy}: error[{code}]: {message.format(one=one, two=one + 8, inner=elf.vaddr('inner'))}"
    assert fault.also == ()


def test_all_faults_are_reported_in_one_run(copy: Path, tmp_path: Path) -> None:
    requests = [PatchRequest(name, 1) for name in ("_start", "base_a", "zero", "config.magik", "small")]
    fault = fault_of(copy, tmp_path, *requests)
    assert [(one.code, one.symbol) for one in fault.faults] == [
        ("PATCH009", "_start"),
        ("PATCH012", "zero"),
        ("PATCH017", "config.magik"),
        ("PATCH010", "small"),
    ]


def test_a_symbol_that_occurs_often_is_listed_in_part(many: Path, tmp_path: Path) -> None:
    elf = Elf(many)
    name = elf.get({"name": (0, "I")}, elf.symbol_at("value_0"), "name")
    for number in range(1, 7):
        elf.symbol(f"value_{number}", name=name)
    path = tmp_path / "often"
    path.write_bytes(elf.data)
    message = str(fault_of(path, tmp_path, PatchRequest("value_0", 1)))
    assert message.startswith(f"{path}: error[PATCH008]: 7 symbols are named `value_0`, at 0x")
    assert message.endswith(" and 3 more; rename all but one")


@pytest.mark.parametrize("build", ["pie", "relr"])
def test_bytes_that_the_loader_writes(request: pytest.FixtureRequest, tmp_path: Path, build: str) -> None:
    elf = Elf(request.getfixturevalue(build))
    path = tmp_path / "copy"
    path.write_bytes(elf.data)
    fault = fault_of(path, tmp_path, PatchRequest("pointer", 1))
    assert str(fault) == (
        f"{path}: error[PATCH014]: the loader relocates `pointer` at {elf.vaddr('pointer'):#x} and overwrites the"
        " value; initialise it with a number instead of an address"
    )


def test_relocated_bytes_beside_a_variable_do_no_harm(pie: Path, tmp_path: Path) -> None:
    (record,) = patch_file(str(pie), str(tmp_path / "patched"), [PatchRequest("pair[1]", 1)])
    assert record.vaddr + 8 == Elf(pie).vaddr("pointer")


def test_relocations_are_found_without_sections(pie: Path, tmp_path: Path) -> None:
    elf = Elf(pie)
    elf.section(".rela.dyn", type=1)
    path = tmp_path / "copy"
    path.write_bytes(elf.data)
    assert fault_of(path, tmp_path, PatchRequest("pointer", 1)).code == "PATCH014"


def test_relocations_of_procedures_are_found(pie: Path, tmp_path: Path) -> None:
    elf = Elf(pie)
    elf.section(".rela.dyn", type=1)
    for tag, other in ((7, 23), (8, 2)):
        elf.set(DYNAMIC, elf.dynamic(tag), tag=other)
    elf.set(DYNAMIC, elf.dynamic(9), tag=20, value=7)
    path = tmp_path / "copy"
    path.write_bytes(elf.data)
    assert fault_of(path, tmp_path, PatchRequest("pointer", 1)).code == "PATCH014"


def test_relocations_that_the_linker_applied_do_no_harm(emit_relocs: Path, tmp_path: Path) -> None:
    assert ".rela.data" in Elf(emit_relocs).sections()
    assert patch_file(str(emit_relocs), str(tmp_path / "patched"), [PatchRequest("pointer", 1)])


def test_relocations_are_found_without_a_dynamic_segment(pie: Path, tmp_path: Path) -> None:
    elf = Elf(pie)
    elf.set(SEGMENT, elf.segments(2)[0], type=0)
    path = tmp_path / "copy"
    path.write_bytes(elf.data)
    assert fault_of(path, tmp_path, PatchRequest("pointer", 1)).code == "PATCH014"


def load(elf: Elf, number: int, **fields: int) -> None:
    elf.set(SEGMENT, elf.segments()[number], **fields)


def cut(size_bytes: int) -> Edit:
    return lambda elf: elf.data.__delitem__(slice(size_bytes, None))


def dynamic(elf: Elf, tag: int, value: int) -> None:
    elf.set(DYNAMIC, elf.dynamic(tag), value=value)


def section_unknown(elf: Elf) -> None:
    load(elf, 3, filesz=0xA4)
    elf.symbol("base_a", shndx=0xFFFF)


def without_symbols(elf: Elf) -> None:
    elf.section(".symtab", type=1)


BROKEN: dict[str, tuple[Edit, str, str]] = {
    "empty": (cut(0), "PATCH002", "the file is empty; build it again"),
    "text": (
        lambda elf: elf.data.__setitem__(slice(None), b"hello, world\n" * 9),
        "PATCH002",
        "this is no ELF file; name a linked executable",
    ),
    "magic only": (
        cut(4),
        "PATCH004",
        "the ELF header is at 0x0..0x40, beyond the end of the file at 0x4; copy or link it again",
    ),
    "63 bytes": (
        cut(63),
        "PATCH004",
        "the ELF header is at 0x0..0x40, beyond the end of the file at 0x3f; copy or link it again",
    ),
    "headers cut": (
        cut(300),
        "PATCH004",
        "program headers are at 0x40..0x238, beyond the end of the file at 0x12c; copy or link it again",
    ),
    "last byte cut": (
        lambda elf: elf.data.pop(),
        "PATCH004",
        "section headers are at {shoff:#x}..{end:#x}, beyond the end of the file at {last:#x}; copy or link it again",
    ),
    "section too long": (
        lambda elf: elf.section(".comment", offset=0x10, size=2**63),
        "PATCH004",
        (
            "section {comment} is at 0x10..0x8000000000000010, beyond the end of the file at {end:#x};"
            " copy or link it again"
        ),
    ),
    "segment too long": (
        lambda elf: load(elf, 3, filesz=2**40, memsz=2**40),
        "PATCH004",
        "segment 4 is at 0x370..0x10000000370, beyond the end of the file at {end:#x}; copy or link it again",
    ),
    "too many sections": (
        lambda elf: elf.header(shnum=0xFF00),
        "PATCH004",
        (
            "section headers are at {shoff:#x}..{many_end:#x}, beyond the end of the file at {end:#x};"
            " copy or link it again"
        ),
    ),
    "32-bit": (lambda elf: elf.header(**{"class": 1}), "PATCH003", f"this is a 32-bit file; {ONLY_LINKED}"),
    "class 7": (lambda elf: elf.header(**{"class": 7}), "PATCH003", f"this is of ELF class 7; {ONLY_LINKED}"),
    "big-endian": (lambda elf: elf.header(data=2), "PATCH003", f"this is a big-endian file; {ONLY_LINKED}"),
    "relocatable": (lambda elf: elf.header(type=1), "PATCH003", f"this is a relocatable object; {ONLY_LINKED}"),
    "core": (lambda elf: elf.header(type=4), "PATCH003", f"this is a core dump; {ONLY_LINKED}"),
    "type 0": (lambda elf: elf.header(type=0), "PATCH003", f"this is of ELF type 0; {ONLY_LINKED}"),
    "header size": (
        lambda elf: elf.header(phentsize=32),
        "PATCH005",
        "a program header has 32 bytes instead of 56; link the file again",
    ),
    "section header size": (
        lambda elf: elf.header(shentsize=40),
        "PATCH005",
        "a section header has 40 bytes instead of 64; link the file again",
    ),
    "segment larger in the file": (
        lambda elf: load(elf, 3, memsz=0),
        "PATCH005",
        "a segment has more bytes in the file than in memory; link the file again",
    ),
    "symbol table entry size": (
        lambda elf: elf.section(".symtab", entsize=16),
        "PATCH005",
        "the symbol table is malformed; link the file again",
    ),
    "symbol table without names": (
        lambda elf: elf.section(".symtab", link=999),
        "PATCH005",
        "the symbol table is malformed; link the file again",
    ),
    "two symbol tables": (
        lambda elf: elf.section(".comment", type=2),
        "PATCH005",
        "the symbol table is malformed; link the file again",
    ),
    "stripped": (
        without_symbols,
        "PATCH006",
        "the file has no symbol table; patch it before it is stripped, or link without -s",
    ),
    "no section headers": (
        lambda elf: elf.header(shoff=0, shnum=0, shstrndx=0),
        "PATCH006",
        "the file has no symbol table; patch it before it is stripped, or link without -s",
    ),
    "section symbol": (
        lambda elf: elf.symbol("base_a", info=3),
        "PATCH009",
        "`base_a` is a section; name a variable",
    ),
    "common symbol": (
        lambda elf: elf.symbol("base_a", shndx=0xFFF2),
        "PATCH009",
        "`base_a` is a common block; name a variable",
    ),
    "indirect function": (
        lambda elf: elf.symbol("base_a", info=0x1A),
        "PATCH009",
        "`base_a` is an indirect function; name a variable",
    ),
    "unknown kind": (
        lambda elf: elf.symbol("base_a", info=13),
        "PATCH009",
        "`base_a` is of kind 13; name a variable",
    ),
    "address in no segment": (
        lambda elf: elf.symbol("base_a", value=0xDEAD_0000),
        "PATCH013",
        "no loadable segment holds `base_a` at 0xdead0000; put it in a section that is loaded once, such as .data",
    ),
    "half outside": (
        lambda elf: load(elf, 3, filesz=0xA4, memsz=0xA4),
        "PATCH013",
        "no loadable segment holds `base_a` at {base_a:#x}; put it in a section that is loaded once, such as .data",
    ),
    "address at the top": (
        lambda elf: elf.symbol("base_a", value=2**64 - 4),
        "PATCH013",
        (
            "no loadable segment holds `base_a` at 0xfffffffffffffffc; put it in a section that is loaded once,"
            " such as .data"
        ),
    ),
    "two segments": (
        lambda elf: load(elf, 2, vaddr=elf.vaddr("base_a") - 16, offset=0, filesz=64, memsz=64),
        "PATCH013",
        "2 loadable segments hold `base_a` at {base_a:#x}; put it in a section that is loaded once, such as .data",
    ),
    "no segments": (
        lambda elf: elf.header(phnum=0),
        "PATCH013",
        "no loadable segment holds `base_a` at {base_a:#x}; put it in a section that is loaded once, such as .data",
    ),
    "beyond the bytes of its segment": (
        lambda elf: load(elf, 3, filesz=0xA4),
        "PATCH012",
        "`base_a` is in .data and has no bytes in the file; initialise it with a value not 0",
    ),
    "beyond the bytes, section unknown": (
        section_unknown,
        "PATCH012",
        "`base_a` is in memory that starts as zero and has no bytes in the file; initialise it with a value not 0",
    ),
    "section without bits": (
        lambda elf: elf.section(".data", type=8),
        "PATCH012",
        "`base_a` is in .data and has no bytes in the file; initialise it with a value not 0",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(static: Path, tmp_path: Path, name: str) -> None:
    edit, code, message = BROKEN[name]
    elf = Elf(static)
    shoff, end = elf.get({"shoff": (40, "Q")}, 0, "shoff"), len(elf.data)
    facts = {
        "shoff": shoff,
        "end": end,
        "last": end - 1,
        "many_end": shoff + 0xFF00 * 64,
        "comment": list(elf.sections()).index(".comment"),
        "base_a": elf.vaddr("base_a"),
    }
    edit(elf)
    path = tmp_path / "broken"
    path.write_bytes(elf.data)
    fault = fault_of(path, tmp_path, PatchRequest("base_a", 1))
    assert str(fault) == f"{path}: error[{code}]: {message.format(**facts)}"


BROKEN_DYNAMIC: dict[str, tuple[Edit, str, str]] = {
    "relocations nowhere": (
        lambda elf: dynamic(elf, 7, 0xDEAD_0000),
        "PATCH005",
        "the relocation table at 0xdead0000 is in no loadable segment; link the file again",
    ),
    "relocations cut": (
        lambda elf: dynamic(elf, 8, 25),
        "PATCH005",
        "a relocation table of 25 bytes is malformed or too large; link the file again",
    ),
    "relocations too long": (
        lambda elf: dynamic(elf, 8, 2**63),
        "PATCH004",
        (
            "a relocation table is at {rela:#x}..{rela_end:#x}, beyond the end of the file at {end:#x};"
            " copy or link it again"
        ),
    ),
}


@pytest.mark.parametrize("name", BROKEN_DYNAMIC)
def test_broken_relocations(pie: Path, tmp_path: Path, name: str) -> None:
    edit, code, message = BROKEN_DYNAMIC[name]
    elf = Elf(pie)
    rela = elf.get(SECTION, elf.sections()[".rela.dyn"], "offset")
    edit(elf)
    path = tmp_path / "broken"
    path.write_bytes(elf.data)
    fault = fault_of(path, tmp_path, PatchRequest("base_a", 1))
    text = message.format(rela=rela, rela_end=rela + 2**63, end=len(elf.data))
    assert str(fault) == f"{path}: error[{code}]: {text}"


def test_a_packed_table_that_means_too_many_addresses(relr: Path, tmp_path: Path) -> None:
    elf = Elf(relr)
    start = len(elf.data)
    elf.data += b"\xff" * 0x4_0000
    elf.section(".relr.dyn", offset=start, size=0x4_0000)
    path = tmp_path / "broken"
    path.write_bytes(elf.data)
    fault = fault_of(path, tmp_path, PatchRequest("base_a", 1))
    assert fault.message == "a relocation table of 262144 bytes is malformed or too large; link the file again"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "cannot be read (No such file or directory); name an ELF file"),
        ("folder", "this is a directory; name an ELF file"),
        ("pipe", "this is no regular file; name an ELF file"),
        ("a\0b", "cannot be read (embedded null byte); name an ELF file"),
    ],
)
def test_inputs_that_are_no_files(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    path = f"{tmp_path}/{name}"
    with pytest.raises(PatchError) as caught:
        patch_file(path, str(tmp_path / "target"), [PatchRequest("base_a", 1)])
    assert str(caught.value) == f"{path}: error[PATCH001]: {message}"
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(copy: Path) -> None:
    copy.chmod(0)
    with pytest.raises(PatchError, match=r"PATCH001.*Permission denied"):
        patch_file(str(copy), str(copy), [PatchRequest("base_a", 1)])


def test_a_file_that_may_not_be_opened(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PatchError) as caught:
        patch_file(str(copy), str(copy), [PatchRequest("base_a", 1)])
    assert str(caught.value) == f"{copy}: error[PATCH001]: cannot be read (Permission denied); name an ELF file"


def test_an_object_file(relocatable: Path) -> None:
    with pytest.raises(PatchError) as caught:
        patch_file(str(relocatable), str(relocatable), [PatchRequest("twice", 1)])
    assert str(caught.value) == f"{relocatable}: error[PATCH003]: this is a relocatable object; {ONLY_LINKED}"


def test_an_error_survives_pickling(copy: Path, tmp_path: Path) -> None:
    import pickle

    fault = fault_of(copy, tmp_path, PatchRequest("zero", 1), PatchRequest("small", 1))
    again = pickle.loads(pickle.dumps(fault))  # noqa: S301 - written one line above
    assert [str(one) for one in again.faults] == [str(one) for one in fault.faults]


def test_every_code_has_a_summary_and_is_stable() -> None:
    from patcher.errors import BLAMED, CODES

    assert list(CODES) == [f"PATCH{number:03}" for number in range(1, 26)]
    assert all(code.summary for code in CODES.values())
    assert {code.blame for code in CODES.values()} == set(BLAMED)

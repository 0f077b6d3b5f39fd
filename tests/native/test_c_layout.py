"""How the files under templates/c/ hang together: no circles, headers of their files, a VMM that knows no device."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from .toolchain import TEMPLATES_C

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COMMENTS_AND_TEXTS: Final = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
ATTRIBUTES: Final = re.compile(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)\s*")
INCLUDES: Final = re.compile(r'^#include [<"](?:sdfgen/)?(\w+)\.h[>"]', re.MULTILINE)
# At the start of a line, as this code is written. Functions and variables, for others to use.
NAMED: Final = r"^(?!typedef|#|_Static_assert|[\w ]*\bstatic\b)[A-Za-z_][\w *]*?\b(\w+)"
DEFINED: Final = re.compile(NAMED + r"(?:\([^;{}]*\)\n\{| =)", re.MULTILINE)
DECLARED: Final = re.compile(NAMED + r"(?:\([^;{}]*\)|\[\])?;", re.MULTILINE)
# What a name has after the idea that its header is of.
ARCHITECTURE: Final = "_aarch64"
# Called by Microkit, Linux and a build's tables; nobody's header has them.
ENTRY_POINTS: Final = {"init", "notified", "fault", "main"}
VMM: Final = "vmm"


class Source(NamedTuple):
    """One file without its comments and texts."""

    folder: str
    stem: str
    code: str


def sources(ending: str) -> list[Source]:
    paths = sorted(glob.glob(os.path.join(TEMPLATES_C, "**", f"*.{ending}"), recursive=True))
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            code = ATTRIBUTES.sub("", COMMENTS_AND_TEXTS.sub(" ", file.read()))
        stem = os.path.basename(path).rpartition(".")[0].removesuffix(ARCHITECTURE)
        found.append(Source(os.path.relpath(os.path.dirname(path), TEMPLATES_C), stem, code))
    return found


SOURCES: Final = sources("c")
HEADERS: Final = sources("h")


def definitions(source: Source) -> set[str]:
    """The names that a file defines for others."""
    return set(DEFINED.findall(source.code))


def calls() -> dict[str, set[str]]:
    """For each .c file those whose functions and variables it uses."""
    owner = {name: source.stem for source in SOURCES for name in definitions(source) - ENTRY_POINTS}
    used = {source.stem: set(re.findall(r"\b\w+\b", source.code)) for source in SOURCES}
    return {stem: {owner[word] for word in words if word in owner} - {stem} for stem, words in used.items()}


def circles(uses: Mapping[str, Iterable[str]]) -> list[str]:
    """What is left when all that uses nothing that is left has been taken away, again and again."""
    left = {stem: set(used) for stem, used in uses.items()}
    while done := {stem for stem, used in left.items() if not used & left.keys()}:
        left = {stem: used for stem, used in left.items() if stem not in done}
    return sorted(f"{stem} uses {', '.join(sorted(used & left.keys()))}" for stem, used in left.items())


def test_files_of_the_same_name_are_one_idea() -> None:
    """Objects of a build lie in one folder."""
    stems = [source.stem for source in SOURCES]
    assert sorted(stems) == sorted(set(stems))


def test_definitions_are_found() -> None:
    found = {source.stem: definitions(source) for source in SOURCES}
    assert "virtq_pop" in found["virtq"]
    assert found["vmm_uio"] == {"vmm_uio_kind"}
    assert found["mem"] == {"memcpy", "memmove", "memset", "memcmp"}
    assert found["crc32"] == {"crc32_update"}
    assert found["vmm_fault"] == {"fault"}


def test_calls_are_found() -> None:
    found = calls()
    assert {"virtq", "virtio_blk_task", "block_queue"} <= found["virtio_blk"]
    assert "vmm_irq" in found["vmm_devices"]
    assert found["crc32"] == set()


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}}) == []
    assert circles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ["a uses b", "b uses a", "c uses a"]


def test_no_file_calls_who_calls_it() -> None:
    assert circles(calls()) == []


def test_no_folder_uses_who_uses_it() -> None:
    folder = {source.stem: source.folder for source in SOURCES}
    uses: dict[str, set[str]] = {name: set() for name in folder.values()}
    for stem, used in calls().items():
        uses[folder[stem]] |= {folder[other] for other in used} - {folder[stem]}
    assert circles(uses) == []


def test_no_header_includes_who_includes_it() -> None:
    assert circles({header.stem: set(INCLUDES.findall(header.code)) for header in HEADERS}) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_what_others_use_is_declared_in_the_header_of_that_name(source: Source) -> None:
    declared = {name for header in HEADERS if header.stem == source.stem for name in DECLARED.findall(header.code)}
    assert definitions(source) - declared - ENTRY_POINTS == set()


def kinds() -> set[str]:
    """The kinds of devices, each of which has a folder."""
    return {source.stem.removeprefix("vmm_") for source in SOURCES if source.folder.startswith("vmm_")}


def test_kinds_of_devices_are_found() -> None:
    assert {"pl011", "uio", "virtio_blk"} <= kinds()


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(TEMPLATES_C, VMM, "*"))), ids=os.path.basename)
def test_the_vmm_names_no_device(path: str) -> None:
    """Nor do its comments."""
    with open(path, encoding="utf-8") as file:
        words = set(re.findall(r"[a-z0-9]+", file.read().lower()))
    parts = {part for kind in kinds() for part in kind.split("_")}
    assert words & {*parts, "block", "disk", "console", "uart", "net"} == set()


def test_the_vmm_uses_no_kind_of_device() -> None:
    folder = {source.stem: source.folder for source in SOURCES}
    used = {folder[other] for source in SOURCES if source.folder == VMM for other in calls()[source.stem]}
    assert used <= {VMM, "microkit", "pd", "cache", "counters"}

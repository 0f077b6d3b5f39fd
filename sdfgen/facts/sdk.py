"""What a Microkit SDK knows of a board: the kernel's configuration, and the memory that the kernel hands out."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any

from sdfgen.faults.place import Span
from sdfgen.faults.source import Source, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from sdfgen.faults.place import Path

GEN_CONFIG = "include/kernel/gen_config.json"
PLATFORM_GEN = "platform_gen.json"
KERNEL_ELF = "elf/sel4.elf"
LOADER_ELF = "elf/loader.elf"
AARCH64 = "aarch64"

_ELF = struct.Struct("<4sB27xQ14xHH")  # magic, class, program headers' offset, size and number
_SEGMENT = struct.Struct("<I20xQ8xQ")  # type, physical address, size in memory
_ELF64 = 2
_LOAD = 1


class SdkError(Exception):
    """A file of an SDK is not what it should be; `path` is the file."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path!r} {why}")
        self.path = path


class JsonSource(Source):
    """A JSON file of an SDK. The path of a place is a key, and the index of an object in its list."""

    def span(self, path: Path, *, key: bool = False) -> Span:  # noqa: ARG002 - values stand beside their keys
        """Return the place of a key, or of an object in its list."""
        word = f'"{path[0]}"' if path else ""
        at = self.text.find(word)
        width = len(word)
        for _ in range(int(path[1]) + 1 if len(path) > 1 else 0):
            at = self.text.find("{", at + 1)
            width = self.text.find("}", at) - at + 1
        if at < 0:
            return Span(1, 1, 1)
        return Span(self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at), max(1, width))


class Range(NamedTuple):
    """Physical addresses from `start` to before `end`."""

    start: int
    end: int


class Sdk(NamedTuple):
    """An SDK's facts about one board in one configuration.

    Attributes:
        name: The folder of the configuration, below that of the SDK.
        folder: That folder.
        options: The kernel's configuration.
        memory: RAM that the kernel hands out.
        devices: What else it hands out.
        kernel: Where its ELF lies.
        loader_address: Where the image is loaded.
        cores: Cores of the smp configurations; None without any.
        config_file: The kernel's configuration, for places in it.
        platform_file: The file with memory and devices; None where the SDK has none.
        cores_file: Where the cores are from.
        cores_name: Its folder, below that of the SDK.
    """

    name: str
    folder: str
    options: dict[str, Any]
    memory: tuple[Range, ...]
    devices: tuple[Range, ...]
    kernel: Range | None
    loader_address: int | None
    cores: int | None
    config_file: Source
    platform_file: Source | None
    cores_file: Source
    cores_name: str

    @property
    def architecture(self) -> str:
        """What seL4 calls the architecture: `aarch64`, `riscv64`, `x86_64`."""
        return str(self.options.get("SEL4_ARCH", AARCH64))

    @property
    def address_bits(self) -> int | None:
        """How far physical addresses reach, where the kernel says so."""
        return next((bits for bits in (32, 40, 44) if self.options.get(f"ARM_PA_SIZE_BITS_{bits}") is True), None)

    @property
    def gic_version(self) -> int | None:
        """Which interrupt controller the kernel drives."""
        is_v3 = self.options.get("ARM_GIC_V3_SUPPORT")
        return None if is_v3 is None else 3 if is_v3 else 2

    def option(self, name: str) -> bool | None:
        """Return a switch of the kernel's configuration; None for one that it does not have."""
        value = self.options.get(name)
        return value if isinstance(value, bool) else None

    def number(self, name: str) -> int | None:
        """Return a number of the kernel's configuration; None for one that it does not have."""
        return _number(self.options.get(name))

    def kept(self) -> tuple[Range, ...]:
        """Return what lies between all that the kernel hands out: its own devices."""
        found, reach = [], None
        for part in sorted((*self.memory, *self.devices)):
            if reach is not None and part.start > reach:
                found.append(Range(reach, part.start))
            reach = part.end if reach is None else max(reach, part.end)
        return tuple(found)

    def of_config(self, option: str) -> Where:
        """Return the place of an option."""
        return Where(self.config_file, (option,))

    def of_file(self, name: str) -> Where:
        """Return a file of the configuration as a place."""
        return Where(Source(os.path.join(self.folder, name), ""))

    def of_platform(self, key: str, index: int | None = None) -> Where:
        """Return the place of `memory` or `devices`, or of one of their ranges."""
        source = self.platform_file or self.config_file
        return Where(source, (key,) if index is None else (key, index))


def boards_of(sdk: str) -> list[str]:
    """Return the names of the boards that an SDK has."""
    folder = os.path.join(sdk, "board")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def configs_of(sdk: str, board: str) -> list[str]:
    """Return the configurations of a board that tell about their kernel, those for debugging first."""
    folder = os.path.join(sdk, "board", board)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    told = [name for name in names if os.path.isfile(os.path.join(folder, name, GEN_CONFIG))]
    return sorted(told, key=lambda name: (name != "debug", "smp" in name, name))


def fact_files(sdk: str, board: str, config: str) -> dict[str, str]:
    """Return the files of an SDK that facts are read from: path by name below the SDK's folder."""
    names = [f"board/{board}/{config}/{name}" for name in (GEN_CONFIG, PLATFORM_GEN, KERNEL_ELF, LOADER_ELF)]
    smp = _smp(sdk, board, config)
    names += [f"board/{board}/{smp}/{GEN_CONFIG}"] if smp and smp != config else []
    paths = {name: os.path.join(sdk, name) for name in names}
    return {name: path for name, path in paths.items() if os.path.isfile(path)}


def _smp(sdk: str, board: str, config: str) -> str | None:
    """Return the configuration that tells how many cores there are."""
    names = [config, f"smp-{config}", *configs_of(sdk, board)]
    found = (n for n in names if n.startswith("smp-") and os.path.isfile(f"{sdk}/board/{board}/{n}/{GEN_CONFIG}"))
    return next(found, None)


def read_sdk(sdk: str, board: str, config: str) -> Sdk | None:
    """Read what an SDK knows of a board; None when it says nothing.

    Args:
        sdk: The SDK's folder.
        board: The board's name.
        config: The configuration.

    Raises:
        SdkError: When a file that should tell is unreadable.
    """
    folder = os.path.join(sdk, "board", board, config)
    if not os.path.isfile(os.path.join(folder, GEN_CONFIG)):
        return None
    config_file, options = _json(os.path.join(folder, GEN_CONFIG))
    platform_path = os.path.join(folder, PLATFORM_GEN)
    platform_file, platform = _json(platform_path) if os.path.isfile(platform_path) else (None, {})
    smp = _smp(sdk, board, config)
    cores_file, of_cores = _json(f"{sdk}/board/{board}/{smp}/{GEN_CONFIG}") if smp else (config_file, {})
    loader = _loaded(os.path.join(folder, LOADER_ELF))
    return Sdk(
        name=f"board/{board}/{config}",
        folder=folder,
        options=options,
        memory=_ranges(platform_path, platform, "memory"),
        devices=_ranges(platform_path, platform, "devices"),
        kernel=_loaded(os.path.join(folder, KERNEL_ELF)),
        loader_address=loader.start if loader else None,
        cores=_number(of_cores.get("MAX_NUM_NODES")),
        config_file=config_file,
        platform_file=platform_file,
        cores_file=cores_file,
        cores_name=f"board/{board}/{smp or config}",
    )


def _json(path: str) -> tuple[Source, dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        value = json.loads(text)
    except (OSError, ValueError) as error:
        raise SdkError(path, f"cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise SdkError(path, "holds no JSON object")
    return JsonSource(path, text, path), value


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, (int, str)) and str(value).isdecimal() else None


def _ranges(path: str, value: dict[str, Any], key: str) -> tuple[Range, ...]:
    try:
        return tuple(Range(int(part["start"]), int(part["end"])) for part in value.get(key, ()))
    except (TypeError, KeyError, ValueError):
        raise SdkError(path, f"has no list of `start` and `end` as `{key}`") from None


def _loaded(path: str) -> Range | None:
    """Return the physical addresses that an ELF is loaded to; None for a file that is no such ELF."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        magic, kind, offset, size, count = _ELF.unpack_from(data)
        headers = (_SEGMENT.unpack_from(data, offset + i * size) for i in range(count))
        parts = [(address, address + length) for word, address, length in headers if word == _LOAD]
    except (OSError, struct.error):
        return None
    if magic != b"\x7fELF" or kind != _ELF64 or not parts:
        return None
    return Range(min(start for start, _ in parts), max(end for _, end in parts))

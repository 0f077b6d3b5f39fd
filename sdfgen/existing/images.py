"""What program images say of the system: structures that were filled in when they were built, and guests' files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.existing.trees import guest_tree
from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Source, Where
from sdfgen.guests.kernel import image_of
from sdfgen.model.tree import Constant, GuestFile, Resource, ResourceId
from sdfgen.read.configs import configs
from sdfgen.read.flat_tree import MAGIC, FlatTreeError, read_flat_tree
from sdfgen.read.guest_images import guest_images
from sdfgen.read.kinds import ARM64_IMAGE, HEAD_BYTES
from sdfgen.read.memory import UnreadableError
from sdfgen.read.program import names_in
from sdfgen.read.tree import of_flat
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.faults.fault import Faults
    from sdfgen.model.microkit import ProtectionDomain
    from sdfgen.model.system import System
    from sdfgen.model.tree import GuestTree
    from sdfgen.read.configs import Config, Value
    from sdfgen.read.guest_images import GuestImage

_REGION, _DEVICE_REGION, _INTERRUPT = {"vaddr", "size"}, {"region", "io_addr"}, {"id", "irq"}
"""Members of sDDF's `region_resource` and `device_region_resource`, and of libvmm's `vmm_config_irq`."""
_OF_GUEST = {"ram": "ram_start", "ram_size": "ram_bytes", "dtb": "dtb", "initrd": "initrd"}
"""Members of libvmm's `vmm_config`, and what a constant of a VMM's C would be."""
_NO_CHANNELS = "vcpus"


class _Image(NamedTuple):
    """A program image that is there, and the names in it."""

    pd: ProtectionDomain
    path: str
    names: bytes
    where: Where


class Said(NamedTuple):
    """What images say."""

    resources: tuple[Resource, ...]
    ids: tuple[ResourceId, ...]
    constants: tuple[Constant, ...]
    files: tuple[GuestFile, ...]
    trees: tuple[GuestTree, ...]


def said_by_images(system: System, faults: Faults) -> Said:
    """Return what the images of a system say of it, of those that are there.

    Args:
        system: The system, with the places of its images.
        faults: Takes structures that cannot be read.
    """
    images = [
        _Image(pd, path, names_in(path), Where(Source(os.path.normpath(path), "")))
        for pd in system.all_pds()
        if os.path.isfile(path := system.find(pd.program_image))
    ]
    found = [(image.pd, config, image.where) for image in images for config in _configs(image, faults)]
    files = [
        (image.pd.vm.name, what, file, image.where)
        for image in images
        if image.pd.vm
        for what, file in _guest_images(image).items()
    ]
    return Said(
        tuple(one for pd, config, where in found for one in _resources(pd, config, where)),
        tuple(
            ResourceId(pd.name, path, number, where)
            for pd, config, where in found
            for path, number in _ids(config.name, config.value)
        ),
        tuple(one for pd, config, where in found if pd.vm for one in _constants(pd.vm.name, config, where)),
        tuple(file for one in files if (file := _file(*one)) is not None),
        tuple(tree for one in files if (tree := _tree(*one, faults)) is not None),
    )


def _guest_images(image: _Image) -> dict[str, GuestImage]:
    """Return guests' files in an image; none where it is no sound ELF, which the rules about images tell."""
    try:
        return guest_images(image.path, image.names)
    except UnreadableError:
        return {}


def _file(machine: str, what: str, file: GuestImage, where: Where) -> GuestFile | None:
    if what != "kernel":
        return GuestFile(machine, what, file.size_bytes, 0, where)
    image = image_of(file.head[:HEAD_BYTES], file.size_bytes)
    if image.kind != ARM64_IMAGE:
        return None
    return GuestFile(machine, what, image.size_bytes, image.text_offset, where)


def _tree(machine: str, what: str, file: GuestImage, where: Where, faults: Faults) -> GuestTree | None:
    if what != "dtb" or file.head[:4] != MAGIC.to_bytes(4, "big"):
        return None
    try:
        return guest_tree(of_flat(read_flat_tree(file.head).root, where.source.name), machine)
    except FlatTreeError as error:
        message = f"the device tree of `{machine}` in {where.source.name!r} {error}"
        faults.add(Fault("SDF210", message, where, error.advice))
        return None


def _configs(image: _Image, faults: Faults) -> list[Config]:
    pd = image.pd
    try:
        return list(configs(image.path, image.names))
    except UnreadableError as error:
        message = f"the configuration structures of {pd.program_image!r} were not compared: {error}"
        where = pd.origin.at("program_image")
        faults.add(Fault("SDF219", message, where, "compile it with -g, and do not strip it", (), "note"))
        return []


def _resources(pd: ProtectionDomain, config: Config, where: Where) -> Iterator[Resource]:
    for path, start, size_bytes, io_addr in _ranges(config.name, config.value):
        yield Resource(pd.name, False, path, start, size_bytes, io_addr, where)
    for number, one in enumerate(_list(config.value, "uios", "guest_paddr", "vmm_vaddr", "size")):
        path = f"{config.name}.uios[{number}]"
        if pd.vm is not None and one["size"]:
            yield Resource(pd.vm.name, True, f"{path}.guest_paddr", one["guest_paddr"], one["size"], 0, where)
            if one["vmm_vaddr"]:
                yield Resource(pd.name, False, f"{path}.vmm_vaddr", one["vmm_vaddr"], one["size"], 0, where)


def _list(value: Value, name: str, *members: str) -> list[dict[str, int]]:
    """Return the elements of a list that are used, each of which has some numbers; nothing where it is no such list."""
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(_has(one, members) for one in found):
        return []
    return found[: _count(value, name, found)]


def _has(value: Value, members: Iterable[str]) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), int) for name in members)


def _count(value: dict[str, Value], name: str, found: list[Value]) -> int:
    count = value.get(f"num_{name}", len(found))
    return count if isinstance(count, int) else len(found)


def _parts(path: str, value: dict[str, Value]) -> Iterator[tuple[str, Value]]:
    """Yield the members of a structure that are structures; of a list as many as are used."""
    for name, part in value.items():
        if isinstance(part, dict):
            yield f"{path}.{name}", part
        elif isinstance(part, list) and name != _NO_CHANNELS:
            used = part[: _count(value, name, part)]
            yield from ((f"{path}.{name}[{number}]", one) for number, one in enumerate(used) if isinstance(one, dict))


def _ranges(path: str, value: Value) -> Iterator[tuple[str, int, int, int]]:
    """Yield path, start, size and physical address of the regions in a structure that are used."""
    if not isinstance(value, dict):
        return
    region = value.get("region") if value.keys() == _DEVICE_REGION else value
    if isinstance(region, dict) and region.keys() == _REGION and _has(region, _REGION):
        if region["vaddr"] or region["size"]:
            yield path, region["vaddr"], region["size"], value["io_addr"] if _has(value, ("io_addr",)) else 0
        return
    for inner, part in _parts(path, value):
        yield from _ranges(inner, part)


def _ids(path: str, value: Value) -> Iterator[tuple[str, int]]:
    """Yield the channel ids in a structure, of connections that are used, and of interrupts."""
    if not isinstance(value, dict):
        return
    number = value.get("id")
    if isinstance(number, int) and (value.keys() <= _INTERRUPT or any(_ranges(path, value))):
        yield f"{path}.id", number
    for inner, part in _parts(path, value):
        yield from _ids(inner, part)


def _constants(machine: str, config: Config, where: Where) -> Iterator[Constant]:
    """Yield what libvmm's structure says of a guest, as a VMM's C would."""
    value, name = config.value, config.name
    if not _has(value, _OF_GUEST):
        return
    for key, what in _OF_GUEST.items():
        if value[key]:
            yield Constant(machine, what, f"{name}.{key}", value[key], where)
    for number, one in enumerate(_list(value, "irqs", "id", "irq")):
        path = f"{name}.irqs[{number}]"
        yield Constant(machine, f"irq {path}", f"{path}.irq", one["irq"], where)
        yield Constant(machine, f"channel {path}", f"{path}.id", one["id"], where)
    for number, one in enumerate(_list(value, "virtio_mmio_devices", "base", "irq")):
        path = f"{name}.virtio_mmio_devices[{number}]"
        yield Constant(machine, f"registers {path}", f"{path}.base", one["base"], where)
        yield Constant(machine, f"virtual {path}", f"{path}.irq", one["irq"], where)

"""The comparison of systems by meaning sees every difference, and tells its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.importing import convert, text
from sdfgen.importing.meaning import differences
from tests.existing.test_examine import pd, system
from tests.existing.test_laws import UNSAID
from tests.importing.steps import FILES, QEMU, imported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def parts(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any part of a system
    """Yield each field of each part of a system, with what holds it."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from ((name, value) for name in value._fields)
    for item in value if isinstance(value, tuple) else ():
        yield from parts(item)


def put(value: Any, old: Any, new: Any) -> Any:  # noqa: ANN401 - any part of a system
    """Return a system in which one part is another."""
    if value is old:
        return new
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(put(item, old, new) for item in value))
    return tuple(put(item, old, new) for item in value) if isinstance(value, tuple) else value


OTHER = {int: 77, str: "other", bool: None, type(None): 78}


def test_every_difference_is_seen(tmp_path: Path) -> None:
    """Each value of each part is changed in turn, and the comparison has to tell."""
    text = (FILES / "kept.system").read_text(encoding="utf-8")
    path = tmp_path / "x.system"
    path.write_text(text, encoding="utf-8")
    one = examine(Request(str(path), QEMU)).system
    assert one is not None
    assert not list(differences(one, one))
    unseen = []
    seen = 0
    for whole in ("pds", "regions", "channels", "domains"):
        for name, part in parts(getattr(one, whole)):
            value = getattr(part, name)
            if name in UNSAID or isinstance(value, tuple) or (name, value) == ("vm", None):
                continue
            new = part._replace(**{name: not value if isinstance(value, bool) else OTHER[type(value)]})
            other = one._replace(**{whole: put(getattr(one, whole), part, new)})
            seen += 1
            if not list(differences(one, other)):
                unseen.append((type(part).__name__, name))
    assert (unseen, seen > 100) == ([], True)


def test_what_is_missing_or_too_much_is_told(tmp_path: Path) -> None:
    region = '<memory_region name="{}" size="0x1000" />'
    (tmp_path / "x.system").write_text(system(region.format("a") + region.format("b") + pd()))
    one = examine(Request(str(tmp_path / "x.system"))).system
    assert one is not None
    less = one._replace(regions=one.regions[:1])
    assert [fault.message for fault in differences(one, less)] == ["memory region `b` would be missing"]
    assert [fault.message for fault in differences(less, one)] == ["there would be memory region `b` too"]
    (fault,) = differences(one, one._replace(regions=(one.regions[0]._replace(size_bytes=1), one.regions[1])))
    assert fault.message == "memory region `a` would differ: `size` is 4096 and would be 1"
    assert fault.place[:2] == (1, 39)


def test_order_means_nothing_but_where_microkit_counts(tmp_path: Path) -> None:
    text = (FILES / "kept.system").read_text(encoding="utf-8")
    (tmp_path / "x.system").write_text(text, encoding="utf-8")
    one = examine(Request(str(tmp_path / "x.system"), QEMU)).system
    assert one is not None
    assert one.domains is not None
    turned = one._replace(pds=one.pds[::-1], regions=one.regions[::-1], channels=one.channels[::-1])
    assert not list(differences(one, turned))
    schedule = one.domains._replace(schedule=one.domains.schedule[::-1])
    assert len(list(differences(one, one._replace(domains=schedule)))) == 2
    vcpus = '<virtual_machine name="v"><vcpu id="1" /><vcpu id="2" /></virtual_machine>'
    (tmp_path / "x.system").write_text(system(pd('" priority="1"', vcpus)))
    two = examine(Request(str(tmp_path / "x.system"))).system
    assert two is not None
    (vmm,) = two.pds
    assert vmm.vm is not None
    turned = two._replace(pds=(vmm._replace(vm=vmm.vm._replace(vcpus=vmm.vm.vcpus[::-1])),))
    assert len(list(differences(two, turned))) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0x1000", "0x2000", "it reads as other values"),
        ("[[", "[", "not valid TOML: "),
        ("pd.elf", "p.elf", "it reads"),
    ],
)
def test_what_is_written_is_read_again(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of what writes the text is told, and nothing is written."""
    text_of = text.text_of
    monkeypatch.setattr(convert, "text_of", lambda *what: text_of(*what).replace(old, new))
    found = imported(system('<memory_region name="m" size="0x1000" />' + pd()), tmp_path)
    assert found.text is None
    (fault,) = found.faults
    assert fault.code == "SDF221"
    assert fault.message.startswith(f"the description is not written as it was meant: {said}")

"""Where things run when nobody says so: apart by what they do, and every word of the author's kept."""

from __future__ import annotations

from itertools import permutations, product
from random import Random
from typing import TYPE_CHECKING

import pytest

from sdfgen.layout.placement import Placed, Wish, place

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = [Wish("block_virt"), Wish("guest_timer")]
DRIVER = Wish("storage_vmm", vcpus=(None,), drives=True)


def guest(name: str, *vcpus: int | None, core: int | None = None, drives: bool = False) -> Wish:
    return Wish(f"{name}_vmm", core, vcpus or (None,), drives)


def cores_of(placed: dict[str, Placed]) -> dict[str, tuple[int, ...]]:
    """Core of each protection domain, and of its virtual CPUs."""
    return {name: (at.core.core, *(seat.core for seat in at.vcpus)) for name, at in placed.items()}


def placed(*wishes: Wish, cores: int = 4) -> dict[str, tuple[int, ...]]:
    return cores_of(place(wishes, cores))


@pytest.mark.parametrize(
    ("cores", "driver", "clients"), [(2, 0, [1, 1, 1]), (3, 0, [1, 2, 1]), (4, 1, [2, 3, 2]), (6, 1, [2, 3, 4])]
)
def test_clients_are_apart_from_services_and_drivers(cores: int, driver: int, clients: list[int]) -> None:
    found = placed(*SERVICES, DRIVER, guest("a"), guest("b"), guest("c"), cores=cores)
    assert (found["block_virt"], found["guest_timer"], found["storage_vmm"]) == ((0,), (0,), (driver, driver))
    assert [found[f"{name}_vmm"] for name in "abc"] == [(core, core) for core in clients]


def test_without_a_driver_its_core_is_the_guests() -> None:
    found = placed(Wish("guest_timer"), *(guest(name) for name in "abcd"))
    assert [found[f"{name}_vmm"][1] for name in "abcd"] == [1, 2, 3, 1]


def test_a_driver_that_is_written_elsewhere_has_that_core_for_itself() -> None:
    found = placed(*SERVICES, guest("storage", 3, drives=True), guest("a"), guest("b"))
    assert [found[name][0] for name in ("storage_vmm", "a_vmm", "b_vmm")] == [3, 1, 2]


def test_what_is_written_counts_as_load() -> None:
    found = placed(*SERVICES, DRIVER, guest("a"), guest("b", 2), guest("c", 2))
    assert found["a_vmm"] == (3, 3)


def test_raw_domains_count_as_load() -> None:
    found = cores_of(place([*SERVICES, DRIVER, guest("a"), guest("b")], 4, taken=[2, 2, 9, -1]))
    assert (found["a_vmm"][0], found["b_vmm"][0]) == (3, 3)


@pytest.mark.parametrize(("count", "expected"), [(2, (2, 3)), (3, (2, 3, 0)), (4, (2, 3, 0, 1))])
def test_virtual_cpus_lie_on_the_guests_cores_and_then_on_the_others(count: int, expected: tuple[int, ...]) -> None:
    found = placed(*SERVICES, DRIVER, guest("a", *(None,) * count))
    assert found["a_vmm"] == (expected[0], *expected)


def test_more_virtual_cpus_of_a_driver_lie_with_the_services() -> None:
    assert placed(*SERVICES, guest("storage", None, None, drives=True))["storage_vmm"] == (1, 1, 0)


def test_a_guest_and_its_vmm_are_together_whichever_is_written() -> None:
    found = placed(*SERVICES, DRIVER, guest("a", core=3), guest("b", 3), guest("c", 2, core=0))
    assert (found["a_vmm"], found["b_vmm"], found["c_vmm"]) == ((3, 3), (3, 3), (0, 2))


def test_nobody_follows_to_a_core_that_is_not() -> None:
    assert placed(*SERVICES, DRIVER, guest("a", core=9))["a_vmm"] == (9, 2)


def test_drivers_have_their_cores_before_clients_are_spread() -> None:
    found = placed(*SERVICES, guest("storage", None, None, None, drives=True), guest("a"))
    assert (found["storage_vmm"], found["a_vmm"]) == ((1, 1, 0, 2), (3, 3))


def test_why_is_told() -> None:
    found = place([*SERVICES, DRIVER, guest("a", 2, None)], 4)
    assert found["guest_timer"].core.why == "serves others"
    assert [seat.why for seat in found["storage_vmm"].vcpus] == ["drives hardware for others"]
    assert [seat.why for seat in found["a_vmm"].vcpus] == ["description", "the least loaded of the guests' cores"]
    assert found["a_vmm"].core.why == "with its guest's first virtual CPU"


def small_domain() -> Iterator[tuple[int, list[Wish]]]:
    """Every system of a service, a driver and two guests of up to three virtual CPUs, each open or written."""
    seats = (None, 0, 3)
    shapes = [vcpus for count in (1, 2) for vcpus in product(seats, repeat=count)] + [(None,) * 3, (None, 1, None)]
    for cores, driver, one, two in product((2, 3, 4), ((None,), (1,), (None, None)), shapes, shapes):
        yield cores, [Wish("service"), Wish("driver", None, driver, True), Wish("a", None, one), Wish("b", None, two)]
    for cores, core, vmm in product((2, 3, 4), seats, seats):
        yield cores, [Wish("service", core), Wish("driver", vmm, (None,), True), Wish("a", vmm, (core, None))]


def test_laws_over_small_systems() -> None:
    for cores, wishes in small_domain():
        found = place(wishes, cores)
        for wish in wishes:
            at = found[wish.name]
            written = (wish.core, *wish.vcpus)
            seats = (at.core, *at.vcpus)
            assert all(want in {None, seat.core} for want, seat in zip(written, seats, strict=True)), wishes
            if all(core is None or core < cores for core in written):
                assert all(0 <= seat.core < cores for seat in seats), wishes
            chosen = [seat.core for want, seat in zip(wish.vcpus[1:], at.vcpus[1:], strict=True) if want is None]
            fixed = {core for core in (at.vcpus[0].core, *wish.vcpus) if core is not None} if wish.vcpus else set()
            if len(wish.vcpus) <= cores and fixed <= set(range(cores)):
                assert len(set(chosen)) == len(chosen), wishes
                assert fixed.isdisjoint(chosen), wishes
            if wish.vcpus and wish.core is None:
                assert at.core.core == at.vcpus[0].core


def test_the_order_of_tables_changes_nothing() -> None:
    wishes = [Wish("t"), guest("d", drives=True), guest("a", None, None), guest("b"), guest("c", 2)]
    expected = place(wishes, 4)
    assert all(place(order, 4) == expected for order in permutations(wishes))


def test_guests_are_spread_evenly() -> None:
    random = Random(1)  # noqa: S311 - repeatable, not secret
    for _ in range(200):
        cores, count = random.randrange(3, 9), random.randrange(1, 20)
        found = placed(*SERVICES, DRIVER, *(guest(f"g{i}") for i in range(count)), cores=cores)
        loads = [
            sum(at[-1] == core for name, at in found.items() if name.startswith("g") and len(at) > 1)
            for core in range(cores)
        ]
        own = loads[2:] if cores >= 4 else loads[1:]
        assert sum(own) == count
        assert max(own) - min(own) <= 1

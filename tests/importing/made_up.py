"""System files that chance makes: all that a grammar has, in any order and spelling, and nothing against a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from sdfgen.facts.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

COMMENTS = ("plain", "  two\n     lines ", "", "# = 1", 'a " and \\', "\u00fc \u2028 \x7f", "BEGIN CONTENT MARKER x")
LETTERS = ("a", "B9", "net/rx@0", "with blank", "\u00fc", 'q"', "it's", "back\\slash", "a.b:c+d")


class Maker:
    """Makes one system file.

    Attributes:
        version: The Microkit version that it is for.
        comments: A word of each comment in it.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.version = random.choice(list(DIALECTS))
        self._knows = DIALECTS[self.version].attributes
        self.comments: list[str] = []
        self._count = 0
        self._interrupts = 0

    def text(self) -> str:
        """Return the text of the file."""
        scheduled = self._has("domains") and self._chance()
        self._domains = [self._name("d") for _ in range(self._random.randint(1, 4))] if scheduled else []
        self._regions = [self._name("m") for _ in range(self._random.randint(1, 5))]
        self._unused = list(self._domains)
        parts = [self._region(name) for name in self._regions]
        self._ids: dict[str, list[int]] = {}
        parts += [self._domain(nested=0) for _ in range(self._random.randint(2, 4) + len(self._domains))]
        parts += [self._channel() for _ in range(self._random.randint(0, 4)) if self._can_talk()]
        self._random.shuffle(parts)
        first = [self._schedule()] if scheduled else []
        return f"{self._said()}<system>{''.join((*first, *parts))}{self._said()}</system>{self._said()}"

    def _chance(self, often: float = 0.5) -> bool:
        return self._random.random() < often

    def _has(self, attribute: str) -> bool:
        return attribute in self._knows

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}{self._random.choice(LETTERS)}"

    def _number(self, value: int) -> str:
        """Write a number in one of the ways that Microkit reads."""
        digits = self._random.choice((f"{value}", f"{value:#x}", f"0x{value:X}", f"{value:_}", f"0x{value:_x}"))
        return self._random.choice((digits, digits, f"_{digits}_" if digits[:2] != "0x" else f"0x_{digits[2:]}"))

    def _said(self) -> str:
        space = self._random.choice((" ", "\n", "\n    "))
        if not self._chance(0.3):
            return space
        self.comments.append(f"c{len(self.comments)}c")
        return f"{space}<!--{self._random.choice(COMMENTS)} {self.comments[-1]}-->{self._random.choice((' ', chr(10)))}"

    def _element(self, tag: str, attributes: Mapping[str, str | None], *inside: str) -> str:
        given = [f" {name}={quoteattr(value)}" for name, value in attributes.items() if value is not None]
        self._random.shuffle(given)
        body = list(inside)
        self._random.shuffle(body)
        end = f">{''.join(body)}{self._said()}</{tag}>" if body or self._chance(0.1) else "/>"
        return f"{self._said()}<{tag}{''.join(given)}{end}"

    def _maybe(self, value: str, attribute: str = "", often: float = 0.4) -> str | None:
        return value if (not attribute or self._has(attribute)) and self._chance(often) else None

    def _flag(self) -> str:
        return self._random.choice(("true", "false"))

    def _region(self, name: str) -> str:
        large = self._chance(0.3)
        self._count += 1
        attributes = {
            "name": name,
            "size": self._number(0x20_0000 if large else 0x1000 * self._random.randint(1, 4)),
            "page_size": self._maybe(self._number(0x20_0000 if large else 0x1000)),
            "phys_addr": self._maybe(self._number(0x9000_0000 + self._count * 0x20_0000)),
            "prefill_bootinfo": self._maybe("fdt", "memory_region.prefill_bootinfo", 0.1),
        }
        return self._element("memory_region", attributes)

    def _times(self) -> dict[str, str | None]:
        budget = self._random.choice((None, 20, 1000, 5000))
        period = self._random.choice((None, 5000, 10000))
        return {
            "budget": None if budget is None else self._number(budget),
            "period": None if period is None else self._number(period),
        }

    def _symbol(self) -> str:
        self._count += 1
        return f"symbol_{self._count}"

    def _maps(self, *, guest: bool) -> list[str]:
        names = self._random.sample(self._regions, self._random.randint(0, len(self._regions)))
        return [
            self._element(
                "map",
                {
                    "mr": name,
                    "vaddr": self._number(0x4000_0000 + number * 0x40_0000),
                    "perms": self._maybe(self._random.choice(("r", "rw", "wr", "rx", "rwx", "xrw"))),
                    "cached": self._maybe(self._flag()),
                    "setvar_vaddr": None if guest else self._maybe(self._symbol()),
                    "setvar_size": None if guest else self._maybe(self._symbol(), "map.setvar_size"),
                },
            )
            for number, name in enumerate(names)
        ]

    def _free_id(self, name: str) -> str:
        number = self._random.choice([n for n in range(62) if n not in self._ids[name]])
        self._ids[name].append(number)
        return str(number)

    def _irqs(self, name: str) -> list[str]:
        found = []
        for _ in range(self._random.randint(0, 2)):
            self._interrupts += 1
            attributes = {
                "irq": str(40 + self._interrupts),
                "id": self._free_id(name),
                "trigger": self._maybe(self._random.choice(("level", "edge"))),
                "setvar_id": self._maybe(self._symbol(), "irq.setvar_id"),
            }
            found.append(self._element("irq", attributes))
        return found

    def _machine(self, name: str) -> str:
        several = self._has("vcpu.several") and self.version != "2.0.1"  # which mixes them up
        vcpus = [
            self._element("vcpu", {"id": self._free_id(name), "setvar_id": self._maybe("s", "vcpu.setvar_id", 0.1)})
            for _ in range(self._random.randint(1, 3 if several else 1))
        ]
        attributes = {"name": self._name("vm"), "priority": self._maybe(self._number(0)), **self._times()}
        return self._element("virtual_machine", attributes, *vcpus, *self._maps(guest=True))

    def _caps(self, name: str) -> list[str]:
        if not self._has("protection_domain.cap") or self._chance(0.8):
            return []
        slots = self._random.sample(range(1, 128), 2)
        kinds = self._random.choices(("tcb", "sc", "vspace"), k=2)
        caps = [
            self._element(f"cap_{kind}", {"slot": self._number(slot), "pd": name})
            for kind, slot in zip(kinds, slots, strict=True)
        ]
        return [self._element("cspace", {}, *caps)]

    def _domain(self, nested: int, parent: str = "") -> str:
        name = self._name("pd")
        self._ids[name] = []
        if self._domains:
            scheduled = self._unused.pop() if self._unused else self._random.choice(self._domains)
        attributes = {
            "name": name,
            "priority": self._number(1 + self._random.choice((0, 253))),
            **self._times(),
            "passive": self._maybe(self._flag(), often=0.1),
            "stack_size": self._maybe(self._number(0x4000)),
            "smc": self._maybe(self._flag(), "protection_domain.smc", 0.1),
            "fpu": self._maybe(self._flag(), "protection_domain.fpu"),
            "cpu": self._maybe(self._number(0), "protection_domain.cpu", 0.2),
            "domain": scheduled if self._domains else None,
            "pp": self._maybe(self._flag(), often=0.3) if self.version == "1.4.1" else None,
            "id": self._free_id(parent) if parent else None,
            "setvar_id": self._maybe(self._symbol(), "protection_domain.setvar_id") if parent else None,
        }
        image = {
            "path": f"{self._random.choice(LETTERS)}.elf",
            "path_for_symbols": self._maybe("debug.elf", "protection_domain.path_for_symbols", 0.2),
        }
        setvar = {"symbol": self._symbol(), "region_paddr": self._random.choice(self._regions)}
        inside = [
            self._element("program_image", image),
            *self._maps(guest=False),
            *self._irqs(name),
            *([self._element("setvar", setvar)] if self._chance() else []),
            *([self._machine(name)] if self._chance(0.3) else []),
            *([self._domain(nested + 1, name)] if nested < 2 and self._chance(0.3) else []),
            *self._caps(name),
        ]
        return self._element("protection_domain", attributes, *inside)

    def _can_talk(self) -> bool:
        return len(self._ids) > 1

    def _channel(self) -> str:
        ends = [
            self._element(
                "end",
                {
                    "pd": name,
                    "id": self._free_id(name),
                    "pp": self._maybe("false", "end.pp", 0.2),
                    "notify": self._maybe(self._flag(), "end.notify", 0.3),
                    "setvar_id": self._maybe(self._symbol(), "end.setvar_id"),
                },
            )
            for name in self._random.sample(list(self._ids), 2)
        ]
        return self._element("channel", {}, *ends)

    def _schedule(self) -> str:
        with_ids = self._chance()
        domains = [
            self._element("domain", {"name": name, "id": self._maybe(self._number(number + 1)) if with_ids else None})
            for number, name in enumerate(self._domains)
        ]
        entries = [
            self._element("schedule_entry", {"domain": self._random.choice(self._domains), "duration": f"{n + 1}00 us"})
            for n in range(self._random.randint(1, 5))
        ]
        attributes = {"start_index": self._maybe(self._number(0)), "index_shift": self._maybe(self._number(2))}
        return self._element("domains", {}, *domains, self._element("domain_schedule", attributes, *entries))

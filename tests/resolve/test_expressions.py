"""Values of `[[patch]]` tables: arithmetic as Python does it, and nothing else that Python does."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sdfgen.describe import describe
from sdfgen.resolve.expressions import MAX_LENGTH, ExpressionError, UnknownYet, evaluate
from tests.paths import EXAMPLE

if TYPE_CHECKING:
    from sdfgen.model.system import System


def example_system(*settings: str) -> System:
    return describe(str(EXAMPLE), settings, ["qemu_virt_aarch64"]).systems["qemu_virt_aarch64"]


SYSTEM = example_system()
LEARNED = example_system("block.physical_addresses=learned")
REGIONS = SYSTEM.region_index()


def joined(left: st.SearchStrategy[str], operators: list[str], right: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(left, st.sampled_from(operators), right).map(lambda parts: f"({' '.join(parts)})")


def arithmetic() -> st.SearchStrategy[str]:
    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        shifts = joined(inner, ["<<", ">>"], st.integers(0, 64).map(str))
        return st.one_of(joined(inner, ["+", "-", "*", "//", "%", "&", "|"], inner), shifts)

    return st.recursive(st.integers(0, 2**64).map(lambda n: hex(n) if n % 2 else str(n)), deeper, max_leaves=8)


@given(arithmetic())
def test_arithmetic_is_pythons(text: str) -> None:
    try:
        expected = eval(text, {"__builtins__": {}})  # noqa: S307 - numbers and operators only
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="divides by zero"):
            evaluate(text, SYSTEM)
        return
    try:
        assert evaluate(text, SYSTEM) == expected
    except ExpressionError as error:
        assert "beyond all addresses" in str(error)  # noqa: PT017 - only this one is right, and only for large values
        assert any(_value(node).bit_length() > 128 for node in ast.walk(ast.parse(text)) if isinstance(node, ast.expr))


def _value(node: ast.expr) -> int:
    try:
        value = eval(ast.unparse(node), {"__builtins__": {}})  # noqa: S307 - see above
    except ZeroDivisionError:
        return 0
    return int(value)


HOSTILE = [
    *("", " ", "\0", "\n", "1\n2", "1;2", "__import__('os').system('true')", "().__class__", "lambda: 1", "[1][0]"),
    *("1 if 1 else 2", "(x := 1)", "f'{1}'", "b'1'", "'text'", "True", "None", "1.5", "1j", "...", "not 1", "~1", "-1"),
    *("2 ** 2 ** 2 ** 40", "1 << 64 << 64", "1 << -1", "1 << (1 << 64)", "phys_addr", "phys_addr()", "phys_addr(1)"),
    *(
        "phys_addr('x', 'y')",
        "phys_addr(*['x'])",
        "phys_addr(name='x')",
        "size(size('x'))",
        "vaddr('a')",
        "irq('a', 'b')",
    ),
    *(
        "irq('a', True)",
        "channel('a', 1)",
        "size('\\ud800')",
        "1 is 2",
        "'\\d'",
        "0_",
        "0x",
        "0b2",
        "1__0",
        "0777",
        "1e5",
    ),
    *(
        "(" * 300 + "1" + ")" * 300,
        "-" * 900 + "1",
        "+".join(["1"] * 400),
        "9" * 999,
        "x." * 400 + "y",
        "\ud800",
        "é",
        "²",
    ),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("system", [SYSTEM, LEARNED], ids=["assigned", "learned"])
def test_hostile_texts_are_refused(text: str, system: System) -> None:
    try:
        assert isinstance(evaluate(text, system), int)
    except (ExpressionError, UnknownYet) as error:
        assert str(error)  # noqa: PT017 - both are right


@given(st.text(alphabet="01x '\"()+-*/%<>&|,._abphysdrizevcnlq\n\\", max_size=60))
@example("phys_addr('block_virt_data')")
def test_no_text_raises_anything_else(text: str) -> None:
    test_hostile_texts_are_refused(text, LEARNED)


@given(st.text(max_size=40))
def test_no_unicode_raises_anything_else(text: str) -> None:
    test_hostile_texts_are_refused(text, SYSTEM)


def test_long_texts_are_refused_unread() -> None:
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate("1" + " " * MAX_LENGTH, SYSTEM)


def test_functions_look_the_system_up() -> None:
    assert evaluate("phys_addr('block_virt_data')", SYSTEM) == REGIONS["block_virt_data"].phys_addr
    assert evaluate("size('client1_ram')", SYSTEM) == 128 * 2**20
    assert evaluate("vaddr('block_virt_data', 'storage')", SYSTEM) == 0x80A0_0000
    assert evaluate("vaddr('block_phys_addr', 'storage_vmm')", SYSTEM) == 0x8000_1000
    assert evaluate("irq('storage_vmm', 79)", SYSTEM) == 0
    assert evaluate("channel('block_virt', 'client1_vmm') * 10 + channel('client1_vmm', 'block_virt')", SYSTEM) == 10


def test_an_address_that_is_learned_later_is_no_error() -> None:
    with pytest.raises(UnknownYet):
        evaluate("phys_addr('block_virt_data') + 1", LEARNED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phys_addr('block_virt_dta')", "no memory region `block_virt_dta` (did you mean `block_virt_data`?)"),
        ("vaddr('client1_ram', 'client2')", "no map in `client2` of memory region `client1_ram`"),
        ("channel('client1_vmm', 'client2_vmm')", "no channel of `client1_vmm` with `client2_vmm`"),
        ("irq('block_virt', 79)", "`block_virt` has no interrupt 79"),
    ],
)
def test_what_is_missing_is_named(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, SYSTEM)
    assert message in str(caught.value)

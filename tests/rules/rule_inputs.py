"""A small input for each row of docs/rules-by-version.md: tables of a description, without `[system]`."""

from __future__ import annotations

LONG = "p" * 64


def pd(name: str = "pd", more: str = "") -> str:
    return f'[[protection_domain]]\nname = "{name}"\nprogram_image = "{name}.elf"\n{more}\n'


def region(name: str = "ram", more: str = "size = 0x1000") -> str:
    return f'[[memory_region]]\nname = "{name}"\n{more}\n'


def machine(name: str = "guest", more: str = "vcpu = [{ id = 0 }]", vmm: str = "vmm") -> str:
    body = f'priority = 100\n[protection_domain.virtual_machine]\nname = "{name}"\n{more}\n'
    return pd(vmm, body)


def child(number: str) -> str:
    return pd("parent") + f'[[protection_domain.protection_domain]]\nname = "c"\nprogram_image = "c.elf"\n{number}\n'


def mapped(more: str, extra: str = "") -> str:
    """A domain with one map of a region; `more` is what the map has beside the region's name."""
    return pd(more=f'map = [{{ mr = "ram", {more} }}]') + region(more=extra or "size = 0x1000")


def placed(address: str, size: str = "0x1000") -> str:
    return mapped("vaddr = 0x8000_0000", f"size = {size}\nphys_addr = {address}")


def channel(one: str, two: str, low: int = 1, high: int = 2) -> str:
    ends = f"[[channel]]\nends = [{{ pd = 'a', {one} }}, {{ pd = 'b', {two} }}]\n"
    return pd("a", f"priority = {low}") + pd("b", f"priority = {high}") + ends


def own_channel(one: str, two: str) -> str:
    return pd("a") + f"[[channel]]\nends = [{{ pd = 'a', {one} }}, {{ pd = 'a', {two} }}]\n"


def domains(more: str = "", names: str = '["a"]', entry: str = '{ domain = "a", duration = "1 us" }') -> str:
    return f"[domains]\nnames = {names}\nschedule = [{entry}]\n{more}\n" + pd(more='domain = "a"')


def patch(symbol: str, value: str, more: str = "") -> str:
    return f'[[patch]]\nelf = "pd.elf"\nsymbol = "{symbol}"\nvalue = {value}\n{more}\n'


SETVAR = "setvar = [{ symbol = 'x', region_paddr = 'ram' }]\n"
SLICE = '{ domain = "a", duration = "1 us" }'
FREE = ('map = [{ mr = "ram", vaddr = 0x200_0000 }]', "size = 0x1000")

INPUTS = {
    ("SDF020", "unusual name of a raw table"): pd("serial driver"),
    ("SDF020", "name with / @ . of a raw table"): region("pl011@9000000/a.b") + pd(),
    ("SDF021", "name above 63 bytes"): pd(LONG),
    ("SDF022", "name of 16 to 63 bytes"): pd("p" * 16),
    ("SDF023", "protection domain `monitor`"): pd("monitor"),
    ("SDF023", "virtual machine `monitor`"): machine("monitor"),
    ("SDF024", "two domains or regions of one name"): pd() + pd(),
    ("SDF024", "two virtual machines of one name"): machine(
        more='vcpu = [{ id = 0 }]\nmap = [{ mr = "ram", vaddr = 0 }]'
    )
    + machine(vmm="other")
    + region(),
    ("SDF025", "domain named as a machine, or as its vCPU"): machine() + pd("guest_0"),
    ("SDF025", "domain named as another with `_root`"): pd() + pd("pd_root"),
    ("SDF027", "no domain, or 64"): "".join(pd(f"p{n}") for n in range(64)),
    ("SDF028", "id of a channel, interrupt or vCPU above 61"): pd(more="irq = [{ irq = 40, id = 62 }]"),
    ("SDF028", "child id 62 or 63"): child("id = 63"),
    ("SDF028", "child id 64 to 255"): child("id = 64"),
    ("SDF028", "child id above 255"): child("id = 256"),
    ("SDF029", "one id twice in a domain"): pd(more="irq = [{ irq = 40, id = 1 }, { irq = 41, id = 1 }]"),
    ("SDF030", "one id for child and vCPU"): pd(
        "p", 'priority = 9\nvirtual_machine = { name = "g", vcpu = [{ id = 0 }] }'
    )
    + '[[protection_domain.protection_domain]]\nname = "c"\nprogram_image = "c.elf"\nid = 0\n',
    ("SDF031", "child without id"): child(""),
    ("SDF032", "domain above 254"): pd(more="priority = 255"),
    ("SDF032", "machine at 255"): machine(more="priority = 255\nvcpu = [{ id = 0 }]"),
    ("SDF032", "machine above 255"): machine(more="priority = 256\nvcpu = [{ id = 0 }]"),
    ("SDF033", "budget above its period"): pd(more="budget = 200\nperiod = 100"),
    ("SDF033", "budget or period below 20 us"): pd(more="budget = 19\nperiod = 100"),
    ("SDF034", "stack below 4 KiB, above 16 MiB or of broken pages"): pd(more="stack_size = 0x100_1000"),
    ("SDF035", "software's own (0 to 15)"): pd(more="irq = [{ irq = 15, id = 0 }]"),
    ("SDF035", "beyond the last"): pd(more="irq = [{ irq = 9999, id = 0 }]"),
    ("SDF035", "private ones that the kernel keeps (25 to 27)"): pd(more="irq = [{ irq = 25, id = 0 }]"),
    ("SDF035", "other private ones (16 to 31)"): pd(more="irq = [{ irq = 23, id = 0 }]"),
    ("SDF036", "two receivers"): pd(more="irq = [{ irq = 40, id = 0 }, { irq = 40, id = 1 }]"),
    ("SDF037", "trigger other than level and edge"): pd(more='irq = [{ irq = 40, id = 0, trigger = "low" }]'),
    ("SDF038", "core that the configuration lacks"): pd(more="cpu = 1"),
    ("SDF039", "other page sizes"): mapped("vaddr = 0x200_0000", "size = 0x4000\npage_size = 0x4000"),
    ("SDF039", "4 KiB where 2 MiB would do"): mapped("vaddr = 0x200_0000", "size = 0x20_0000\npage_size = 0x1000"),
    ("SDF040", "no size, no pages, or broken ones"): mapped("vaddr = 0x200_0000", "size = 0x1800"),
    ("SDF041", "physical address of broken pages"): mapped(
        "vaddr = 0x200_0000", "size = 0x1000\nphys_addr = 0x4000_0800"
    ),
    ("SDF042", "two regions over each other"): placed("0x4000_0000")
    + pd("b", 'map = [{ mr = "b", vaddr = 0x200_0000 }]')
    + region("b", "size = 0x1000\nphys_addr = 0x4000_0000"),
    ("SDF043", "prefill file missing, empty, too long or too short"): mapped(
        "vaddr = 0x200_0000", 'prefill_path = "missing.bin"'
    ),
    ("SDF044", "unknown boot information, or a file too"): mapped("vaddr = 0x200_0000", 'prefill_bootinfo = "fdd"'),
    ("SDF044", "boot information of x86"): mapped("vaddr = 0x200_0000", 'prefill_bootinfo = "x86_vbe"'),
    ("SDF045", "region that nobody names"): pd() + region(),
    ("SDF046", "region that does not exist"): pd(more='map = [{ mr = "ram", vaddr = 0x200_0000 }]'),
    ("SDF047", "`w`, `wx`, other letters"): mapped('vaddr = 0x200_0000, perms = "wx"'),
    ("SDF047", "`x`"): mapped('vaddr = 0x200_0000, perms = "x"'),
    ("SDF047", "a letter twice"): mapped('vaddr = 0x200_0000, perms = "rr"'),
    ("SDF047", "any order"): mapped('vaddr = 0x200_0000, perms = "wr"'),
    ("SDF048", "address of broken pages"): mapped("vaddr = 0x200_0800"),
    ("SDF049", "map that reaches into the stack, or beyond all addresses"): mapped("vaddr = 0xff_ffff_f000"),
    ("SDF050", "two maps over each other"): pd(
        more='map = [{ mr = "ram", vaddr = 0x200_0000 }, { mr = "b", vaddr = 0x200_0000 }]'
    )
    + region()
    + region("b"),
    ("SDF051", "map over 0x200000, image unknown"): mapped("vaddr = 0x20_0000"),
    ("SDF051", "map above it and below 16 MiB, image unknown"): mapped("vaddr = 0x20_1000"),
    ("SDF052", "cached here, uncached there"): pd(
        more='map = [{ mr = "ram", vaddr = 0x200_0000 }, { mr = "ram", vaddr = 0x300_0000, cached = false }]'
    )
    + region(),
    ("SDF053", "one symbol for two values"): pd(
        more='map = [{ mr = "ram", vaddr = 0x200_0000, setvar_vaddr = "x" }, '
        '{ mr = "ram", vaddr = 0x300_0000, setvar_vaddr = "x" }]'
    )
    + region(),
    ("SDF054", "no C identifier"): mapped('vaddr = 0x200_0000, setvar_vaddr = "a.b"'),
    ("SDF055", "setvar on a machine's map"): machine(
        more='vcpu = [{ id = 0 }]\nmap = [{ mr = "ram", vaddr = 0, setvar_vaddr = "x" }]'
    )
    + region(),
    ("SDF055", "`setvar_id` on a vCPU"): machine(more='vcpu = [{ id = 0, setvar_id = "x" }]'),
    ("SDF056", "`setvar_prefill_size` without a prefill file"): mapped('vaddr = 0x200_0000, setvar_prefill_size = "x"'),
    ("SDF057", "one end, or three"): pd("a") + "[[channel]]\nends = [{ pd = 'a' }]\n",
    ("SDF057", "both ends on one domain"): own_channel("id = 0", "id = 1"),
    ("SDF057", "the same, with one id"): own_channel("id = 0", "id = 0"),
    ("SDF057", "the same, with calls"): own_channel("pp = true", "id = 5"),
    ("SDF058", "end of a domain that does not exist"): pd("a") + "[[channel]]\nends = [{ pd = 'a' }, { pd = 'c' }]\n",
    ("SDF059", "both may call"): channel("pp = true", "pp = true"),
    ("SDF060", "caller not below the callee"): channel("pp = true", "id = 0", low=2, high=2),
    ("SDF061", "attribute of 1.4.1: `pp` of a domain"): pd(more="pp = true"),
    ("SDF061", "attribute of 2.0.0: `notify` of an end"): channel("notify = false", "id = 0"),
    ("SDF061", "attribute of 2.1.0: `setvar_id` of an interrupt"): pd(
        more='irq = [{ irq = 40, id = 0, setvar_id = "x" }]'
    ),
    ("SDF061", "attribute of 2.2.0: `path_for_symbols`"): pd(more='path_for_symbols = "x.elf"'),
    ("SDF061", "attribute of 2.3.0: `fpu`"): pd(more="fpu = false"),
    ("SDF062", "somebody else has a channel to a callee"): channel("pp = true", "id = 0")
    + pd("c")
    + "[[channel]]\nends = [{ pd = 'c' }, { pd = 'b' }]\n",
    ("SDF063", "machine without vCPU"): machine(more=""),
    ("SDF064", "`smc`"): pd(more="smc = true"),
    ("SDF065", "no domain, more than 16, one name or id twice, id above 15"): domains("id = [16]"),
    ("SDF066", "domain of nobody's, or nobody's domain"): domains() + pd("b"),
    ("SDF067", "time slice without domain, unit or length"): domains(entry='{ domain = "a", duration = "1 ms" }'),
    ("SDF068", "no entry, 100, or a start beyond them"): domains("start_index = 1"),
    ("SDF069", "capability of an unknown kind, owner or slot"): pd(
        more='cap = [{ kind = "tcb", slot = 0, pd = "pd" }]'
    ),
    ("SDF085", "more in pages of one size than one block"): mapped("vaddr = 0x8000_0000", 'size = "1 GiB"'),
    ("SDF091", "physical address beyond the board's"): placed("0x100_0000_0000"),
    ("SDF092", "over the kernel"): placed("0x6000_0000"),
    ("SDF093", "over the interrupt controller"): placed("0x800_0000"),
    ("SDF094", "over the root server's objects, small CNode"): placed("0xbffc_0000"),
    ("SDF094", "over the root server's objects, large CNode"): placed("0xbfa0_0000"),
    ("SDF095", "partly in memory"): placed("0xbfff_f000", "0x2000"),
    ("SDF095", "where the board's facts have nothing"): placed("0xd000_0000"),
    ("SDF096", "fixed address in normal RAM"): placed("0x9000_0000"),
    ("SDF097", "more than there is RAM"): mapped("vaddr = 0x8000_0000", 'size = "4 GiB"'),
    ("SDF176", "two vCPUs of a machine on one core"): machine(more="vcpu = [{ id = 0 }, { id = 1 }]"),
    ("SDF177", "several vCPUs in a machine before the last"): machine(more="vcpu = [{ id = 0 }, { id = 1 }]")
    + machine("later", vmm="z_vmm"),
    ("SDF099", "VMM below its machine"): machine(more="priority = 101\nvcpu = [{ id = 0 }]"),
    ("SDF100", "more than 63 domains and vCPUs"): "".join(pd(f"p{n}") for n in range(63)).replace(
        'name = "p0"', 'name = "p0"\npriority = 9\nvirtual_machine = { name = "g", vcpu = [{ id = 0 }] }'
    ),
    ("SDF105", "machine with a budget below its period"): machine(
        more="budget = 100\nperiod = 200\nvcpu = [{ id = 0 }]"
    ),
    ("SDF145", "size that no variable has, or too small a one"): pd() + patch("x", "256", "size = 1"),
    ("SDF146", "two patches of one variable"): pd() + patch("x", "1") + patch("x", "2"),
    ("SDF146", "patch of what a setvar writes"): pd(more=SETVAR) + region() + patch("x", "1"),
    ("SDF146", "patch of what a setvar writes, its own value"): pd(more=SETVAR)
    + region()
    + patch("x", '"phys_addr( \\"ram\\" )"'),
    ("SDF148", "what is no name and no path"): pd() + patch("config.", "1"),
}

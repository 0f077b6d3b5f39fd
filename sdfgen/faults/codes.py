"""Codes of the faults found before the rules run: while reading and resolving."""

READING = {
    "SDF001": (
        "a file cannot be read",
        "The description, a file it includes or a board file is missing, unreadable or not UTF-8 text.",
    ),
    "SDF002": ("not valid TOML", "The text breaks TOML 1.0; the place is where the parser gave up."),
    "SDF003": (
        "a value is of the wrong kind",
        "Each key takes one kind of value: sizes are numbers or text with a unit, addresses are numbers.",
    ),
    "SDF004": (
        "unknown key",
        "A key that nothing reads is almost always a misspelt one; in a system file Microkit refuses such attributes.",
    ),
    "SDF005": (
        "a key is missing",
        "The table cannot do without this key, nor the element of a system file without this attribute or element.",
    ),
    "SDF006": (
        "a key is set in two included files",
        "Included files are joined: tables merge and arrays of tables add up, but one value can only be set once.",
    ),
    "SDF007": ("a file includes itself", "Directly or through others; the description would never end."),
    "SDF008": ("a setting is malformed", "`--set` takes a dotted path, an equals sign and a value."),
    "SDF009": ("only for x86", "Microkit knows this on x86 only; the boards here are AArch64."),
    "SDF010": (
        "unknown board, Microkit version or configuration",
        "A board is a file of boards/; versions and configurations those whose grammar is known.",
    ),
    "SDF011": ("unknown device", "Devices are passed through by the names that the board file gives them."),
    "SDF012": ("no interrupt", "The board file gives this device no interrupt to pass through."),
    "SDF013": (
        "a guest's file cannot be used",
        "Kernel, initial RAM disk and device tree are files beside the description that can be read.",
    ),
    "SDF131": (
        "a guest's device tree cannot be read",
        "`dtb` is a flattened device tree, as `dtc -O dtb` makes it; the build adds to it what the guest is given.",
    ),
    "SDF015": (
        "no room for a region",
        "Regions whose physical address others must know lie in the windows that the board file declares safe.",
    ),
    "SDF016": (
        "no such protection domain",
        "`[[map]]`, `[[irq]]` and `[[setvar]]` add to a domain that exists.",
    ),
    "SDF017": (
        "a patch value cannot be computed",
        "The expression is malformed or names what the system does not have.",
    ),
    "SDF143": (
        "a patch has a value or a text",
        "`value` is for numbers and lists of them, `text` for arrays of char; one of them is written.",
    ),
    "SDF018": (
        "no such ELF",
        "`[[patch]]` names an ELF that the system has or makes, or a file beside the description.",
    ),
    "SDF026": (
        "a key of an earlier version",
        "It is written otherwise now: docs/moving-to-2.md has every key's new place.",
    ),
    "SDF106": (
        "no room for an emulated device",
        "The board file has `[emulated]`: addresses and virtual interrupts for the devices that VMMs play.",
    ),
    "SDF175": (
        "a list of cores has one for each virtual CPU",
        "`core` of a guest is a number for all of its virtual CPUs, or a list in the order of their ids.",
    ),
    "SDF019": (
        "an override leads to no element",
        "`NAME = {...}` and dotted paths reach into arrays by name, or by number where elements have no name.",
    ),
    "SDF125": (
        "a board file has the tables that a description makes use of",
        "A board for native domains needs no interrupt controller or guest tables; a Linux guest on it does.",
    ),
    "SDF127": (
        "the board file and the Microkit SDK agree",
        "An SDK at hand tells its kernel's memory, cores and interrupt controller: one of the two is wrong.",
    ),
    "SDF128": (
        "the SDK's kernel can do what the system asks",
        "Virtual machines need a kernel at EL2, and SMC calls one that was built to allow them.",
    ),
}
"""Title and explanation by code."""

EXISTING = {
    "SDF200": (
        "not well-formed XML",
        "The text breaks XML 1.0 or its namespaces, or nests too deeply; the place is where the parser gave up.",
    ),
    "SDF201": (
        "not XML yet",
        "Some write system files for the C preprocessor, jinja2 or sed; what these make of it can be checked.",
    ),
    "SDF202": (
        "declarations of entities are not read",
        "Microkit refuses a document type with declarations. No entity is expanded and no file read for one.",
    ),
    "SDF203": (
        "what XInclude includes",
        "Files beside the system file, and those below folders of `--include`, are put in; the Microkit tool does not.",
    ),
    "SDF204": ("text in a system file", "Microkit refuses text in <system>, and does not look at any elsewhere."),
    "SDF205": (
        "an element is where, or as often as, it may be",
        "Some stand once, and <domains> before what is in them.",
    ),
    "SDF206": (
        "the grammar of a fork",
        "Forks from before Microkit 1.4 and HAMR's have grammars of their own; all else in such a file is judged.",
    ),
    "SDF210": (
        "a device tree cannot be read",
        "Source as dtc takes it, with what the C preprocessor knows of it (`--define`), or a flattened tree.",
    ),
    "SDF220": (
        "a description cannot say this",
        "`import` writes nothing where a table has no place for what a system file says: docs/import.md.",
    ),
    "SDF221": (
        "the description would make another system",
        "`import` resolves and emits what it is about to write, and compares; what differs is a defect of sdfgen's.",
    ),
    "SDF217": (
        "something stands beside no part of the system",
        "A device tree or C file is of a virtual machine, a program image of a protection domain.",
    ),
    "SDF219": (
        "a program image is nowhere",
        "Images are looked for beside the system file and in the folders of `--search-path`; Microkit does so.",
    ),
}
"""The same for reading system files that others wrote."""

BUILDING = {
    "SDF101": (
        "the Microkit SDK or libvmm cannot be used",
        "The folder lacks what a build needs, or the SDK is of another version or without this board.",
    ),
    "SDF103": (
        "the Microkit tool refuses the system",
        "What the tool said, with the place that its words lead back to.",
    ),
    "SDF129": (
        "a system has room for its capabilities when it starts",
        "From 2.1.0 on one task makes all objects, in a CNode of 131072 slots: it counts pages, and the tool does not.",
    ),
    "SDF160": (
        "an input changed while it was built from",
        "What was read first and what was read last may be of two versions; nothing is published.",
    ),
    "SDF161": (
        "a build step failed",
        "A compiler, a linker or another step refused its input; the place is the table that it was done for.",
    ),
    "SDF162": (
        "what was made is not what was decided",
        "Everything that is made is read back with other programs' eyes; this is a defect of sdfgen's.",
    ),
    "SDF163": (
        "addresses that Microkit chooses do not stand",
        "Patching must not move what the tool has placed, and its report must say where that is.",
    ),
    "SDF164": (
        "a file cannot be written",
        "The output folder cannot be made or is full, or something in it is not a file; nothing is published.",
    ),
    "SDF104": (
        "a stack may be too small",
        "What all functions of a program image take together holds whichever calls which; less may, or may not.",
    ),
    "SDF170": (
        "a header of the Microkit SDK or of libvmm is missing",
        "The C here includes headers of both, and libvmm's include sDDF's, which lie beside them: docs/image.md.",
    ),
    "SDF171": (
        "libvmm.a is not for this system",
        "It is linked into every VMM; a board's addresses and a kernel's numbers of system calls are compiled in.",
    ),
    "SDF172": (
        "the compiler cannot be used",
        "`cc` is `zig`, which the extra sdfgen-vm[zig] brings, or the prefix of a GCC that compiles for AArch64.",
    ),
    "SDF173": (
        "the Microkit tool cannot run",
        "There is an SDK for each kind of host; the tool in it is a program for that one.",
    ),
    "SDF174": (
        "versions that do not go together",
        "What is known of libvmm, of Microkit, and of the VMMs here, which are written for libvmm 0.2.0.",
    ),
}
"""The same for what is found after the rules, while building."""

VERIFYING = {
    "SDF150": (
        "what was built is missing or has changed",
        "The manifest has the SHA-256 of every file of a build; one that was edited, cut or replaced has another.",
    ),
    "SDF151": (
        "a number is not the one that was decided",
        "Every number is read back from where it is used, and compared with what the description makes of it.",
    ),
    "SDF152": (
        "the manifest is not that of this description",
        "It says what was built from what; one that is missing, cut, edited or of another description proves nothing.",
    ),
    "SDF153": (
        "an input has changed since the build",
        "The manifest has the SHA-256 of everything that was read; what was built is of an earlier content.",
    ),
    "SDF154": (
        "the image is not what was decided",
        "The Microkit tool reports where it placed and mapped each region, and packs the program images as they are.",
    ),
    "SDF155": (
        "a program has other files of its guest in it",
        "A VMM holds its guest's kernel, device tree and initial RAM disk; all of their bytes are compared.",
    ),
}
"""The same for what `sdfgen verify` finds."""

RUNNING = {
    "SDF224": (
        "the command line asks for what the description does not have",
        "Names of guests, disks and partitions, and what `why` is asked: the place is where it says which there are.",
    ),
}
"""The same for what a command line and a description say of each other."""

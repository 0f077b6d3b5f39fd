"""One description of a seL4 Microkit system, from which every shared number is derived once."""

__version__ = "0.2.0"
DISTRIBUTION = "sdfgen-vm"
"""What is installed: PyPI's `sdfgen` is another project, whose package has the same name."""

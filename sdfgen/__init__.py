"""One description of a seL4 Microkit system, from which every shared number is derived once."""

__version__ = "0.1.0"

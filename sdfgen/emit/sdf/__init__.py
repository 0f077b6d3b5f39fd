"""The Microkit system file."""

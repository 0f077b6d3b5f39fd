"""The monitor: a protection domain that reads what others count."""

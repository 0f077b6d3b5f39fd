"""Allocators: addresses that do not overlap, ids that are free."""

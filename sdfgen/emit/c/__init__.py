"""C tables and headers."""

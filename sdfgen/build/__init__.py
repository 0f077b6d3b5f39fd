"""Build phase: the graph of steps, and publishing what they made."""

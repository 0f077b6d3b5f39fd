"""A reference model of the split ring and of block requests, and what compares the C with it."""

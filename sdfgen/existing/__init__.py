"""Systems that people already have: system files that others wrote, and what stands beside them."""

"""What is there and what is missing for each step, from a description to a system that runs."""

"""A system as people and machines look at it: what there is, who reaches what, where it comes from."""

"""A subsystem that is made up: guests ring a bell, each at its pitch, through a page of its own."""

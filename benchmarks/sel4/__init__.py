"""The block path on seL4 in QEMU, row beside row."""

"""The files of guests: initial RAM disks, merged device trees, objects to link them from; each a build step."""

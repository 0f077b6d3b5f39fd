"""The peer: a metaprogram for PyPI's sdfgen and the files it reads. Its interpreter is not this project's."""

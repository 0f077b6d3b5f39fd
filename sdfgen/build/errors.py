"""What ends a build."""


class BuildFaultsError(Exception):
    """What failed is among the description's faults."""

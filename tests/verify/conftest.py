from __future__ import annotations

import pytest

from sdfgen.verify import headers, tables
from tests.verify.built import Project, example, full, kept_macros, kept_objects


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    return {make.__name__: make(tmp_path_factory.mktemp(make.__name__)) for make in (example, full)}


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "objects", kept_objects)
    monkeypatch.setattr(headers, "macros", kept_macros)

"""A home with documents in it, for the chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui_samples import NOTES

from ragapp.app import RagApp
from ragapp.settings import Settings


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    notes = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (notes / name).write_text(text, "utf-8")
    home = tmp_path_factory.mktemp("home")
    with RagApp(Settings(home=home)) as app:
        app.ingest(notes)
    return home


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own desktop or multiplexer takes part."""
    for variable in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)

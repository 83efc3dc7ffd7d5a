"""Every test runs without a network and in a home folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import disable_socket

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported, which reads it once
for name in [name for name in os.environ if name.startswith("RAGAPP_") or name == "NO_COLOR"]:
    del os.environ[name]  # what a person likes is no part of a test

settings.register_profile("seeded", derandomize=True)
settings.load_profile("seeded")  # `--hypothesis-profile default` looks for new cases; what it finds becomes a test


@pytest.fixture(autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block sockets (processes talk to their children through Unix ones) and give an empty home."""
    disable_socket(allow_unix_socket=True)
    home: Path = tmp_path_factory.mktemp("ragapp-home")
    monkeypatch.setenv("RAGAPP_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))

"""``ragapp config``."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_samples import Cli

from ragapp.settings import Settings


def test_show_tells_every_setting_and_its_origin(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ragapp.toml").write_text('# mine\nthreads = 2\npassages = 4\ncollection = "notes"\n')
    monkeypatch.setenv("RAGAPP_PASSAGES", "5")
    shown = cli("config", "show", "--origin", "--json")
    assert shown.code == 0
    assert shown.record.keys() == Settings.model_fields.keys()
    assert shown.record["passages"] == {"value": 5, "origin": "environment RAGAPP_PASSAGES"}
    assert shown.record["threads"] == {"value": 2, "origin": f"{tmp_path / 'ragapp.toml'}:2"}
    assert shown.record["device"] == {"value": "auto", "origin": "default"}
    lines = cli("config", "show", "--origin").out.splitlines()
    assert "passages = 5   # environment RAGAPP_PASSAGES" in lines
    assert f"collection = 'notes'   # {tmp_path / 'ragapp.toml'}:4" in lines
    assert "passages = 5" in cli("config", "show").out.splitlines()
    assert cli("config", "show", "--json").record["collection"] == "notes"


def test_path_tells_which_files_are_read(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    files = [str(tmp_path / "ragapp.toml"), str(tmp_path / "config" / "ragapp" / "ragapp.toml")]
    assert cli("config", "path").out.splitlines() == files
    assert cli("config", "path", "--json").record == files

"""Settings: who wins, who is named when one is wrong, and that nothing is made up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ragapp.errors import ConfigError
from ragapp.settings import Origin, Settings, config_files, load_settings, origins


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder with nothing set."""
    for variable in [name for name in os.environ if name.startswith("RAGAPP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_user_file(text: str) -> Path:
    path = config_files()[1]
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    return path


def test_defaults_stand_alone(here: Path) -> None:
    assert load_settings().home == here / "data" / "ragapp"
    assert {origin.source for origin in origins().values()} == {"default"}


def test_flag_beats_environment_beats_project_beats_user(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = write_user_file("passages = 1\nthreads = 1\ncollection = 'user'\n# a comment\ndevice = 'cpu'\n")
    assert origins()["passages"] == Origin(1, f"{user}:1")
    project = here / "ragapp.toml"
    project.write_text("\ufeff# mine\npassages = 2\nthreads = 2\ncollection = 'project'\n", "utf-8")
    assert origins()["passages"] == Origin(2, f"{project}:2")
    monkeypatch.setenv("RAGAPP_PASSAGES", "3")
    monkeypatch.setenv("RAGAPP_THREADS", "3")
    assert origins({"passages": 4, "threads": None}) == origins() | {"passages": Origin(4, "flag")}
    assert origins()["passages"] == Origin(3, "environment RAGAPP_PASSAGES")
    assert origins()["collection"] == Origin("project", f"{project}:4")
    assert origins()["device"] == Origin("cpu", f"{user}:5")
    settings = load_settings({"passages": 4})
    assert (settings.passages, settings.threads, settings.collection, settings.device) == (4, 3, "project", "cpu")


def test_an_empty_variable_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGAPP_HOME", "")
    monkeypatch.setenv("RAGAPP_READER", "")
    assert load_settings().home == here / "data" / "ragapp"
    assert load_settings().reader is None
    assert origins()["home"].source == "default"
    assert Settings().home == here / "data" / "ragapp"


def test_a_tilde_is_the_users_home(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here / "me"))
    (here / "ragapp.toml").write_text("home = '~/notes-index'\nreader = '~nobody-of-that-name/x'\n")
    assert load_settings().home == here / "me" / "notes-index"
    assert load_settings().reader == Path("~nobody-of-that-name/x")


def test_debug_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGAPP_DEBUG", "1")
    load_settings()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("pasages = 3", "no setting 'pasages' ({path}:1)", "did you mean 'passages'?"),
        ("\n[zzz]\nx = 1", "no setting 'zzz' ({path}:2)", "ragapp config show"),
        ("\nabstain_below = 2.0", "'abstain_below' cannot be 2.0 ({path}:2)", "ragapp config show --origin"),
        ("device = 'tpu'", "'device' cannot be 'tpu' ({path}:1)", "ragapp config show --origin"),
        ("collection = ''", "'collection' cannot be '' ({path}:1)", "ragapp config show --origin"),
        ("threads = [1]", "'threads' cannot be [1] ({path}:1)", "ragapp config show --origin"),
        ("threads: 1", "is not TOML", "passages = 8"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(here: Path, text: str, message: str, hint: str) -> None:
    path = here / "ragapp.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert message.format(path=path) in error.value.message
    assert hint in error.value.hint


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGAPP_MAX_FILE_MB", "many")
    with pytest.raises(ConfigError, match=r"'max_file_mb' cannot be 'many' \(environment RAGAPP_MAX_FILE_MB\)"):
        load_settings()


def test_an_unknown_flag_or_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGAPP_COLECTION", "x")
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert "RAGAPP_COLECTION" in error.value.message
    assert error.value.hint == "did you mean 'collection'?"


def test_a_file_that_is_no_file_is_told(here: Path) -> None:
    (here / "ragapp.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings()

"""Every setting, its default and where it comes from.

Precedence: a command-line flag, then ``RAGAPP_…`` in the environment unless empty, then ``ragapp.toml`` in the
working directory, then ``ragapp.toml`` in the user's configuration folder, then the default.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ragapp.errors import ConfigError

Device = Literal["auto", "cpu", "cuda", "mps"]

ENV_PREFIX = "RAGAPP_"
FILE_NAME = "ragapp.toml"
_NOT_SETTINGS = frozenset({"RAGAPP_DEBUG"})
"""Environment variables of that prefix that are no settings."""


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("ragapp")))
    """Folder of the catalog, the segments and built models."""
    collection: str = Field(default="default", min_length=1, max_length=100)
    """Which collection to read and write."""
    encoder: str = ""
    """Encoder of new collections: a sentence-transformers folder or hub id; empty for the default."""
    reader: Path | None = None
    """Name or folder of a trained copy-fid reader; none for the one that ships with the package."""
    checker: str = "shipped"
    """Checks answers by their passages: ``shipped``, a folder, a hub id, or ``off``."""
    device: Device = "auto"
    """Where models run; ``auto`` takes a GPU if there is one."""
    threads: int = Field(default=0, ge=0, le=1024)
    """Processor threads for ingest and reading; 0 for one a core."""
    passages: int = Field(default=8, ge=1, le=100)
    """How many passages the reader reads for a question."""
    rerank: int = Field(default=24, ge=0, le=200)
    """How many passages of retrieval the reader looks at to choose those it reads; 0 to take retrieval's order."""
    abstain_below: float = Field(default=0.3, ge=0, le=1)
    """Answers of lower confidence are given as "not in your documents"."""
    chunk_tokens: int = Field(default=190, ge=32, le=400)
    """Token budget of a passage, heading included, in new collections."""
    max_file_mb: int = Field(default=50, ge=1, le=2000)
    """Larger files are refused, megabytes."""

    theme: str = "ansi-dark"
    """Theme of the chat; the default keeps the terminal's own colours."""
    ascii: bool = False
    """Draw the chat without signs beyond ASCII."""
    keys: dict[str, str] = Field(default_factory=dict)
    """Keys of the chat by binding id, where they differ from the defaults."""

    @field_validator("home", "reader", mode="before")
    @classmethod
    def _not_empty(cls, path: object) -> object:
        if path == "":  # what an unset variable of a shell makes, and to pathlib the folder that one is in
            raise PydanticCustomError("empty", "it is empty")
        return path

    @field_validator("home", "reader")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        return path and Path(os.path.expanduser(path))  # noqa: PTH111 - Path fails on an unknown ~user

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments and the environment; `load_settings` adds the files, with errors that name the line."""
        return init_settings, env_settings


class Origin(NamedTuple):
    """Where a value comes from."""

    value: object
    source: str
    """``flag``, ``environment RAGAPP_…``, ``path:line`` or ``default``."""


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """Read the settings from everywhere.

    Args:
        flags: What the command line says, by setting; ``None`` values count as not given.

    Returns:
        The settings.

    Raises:
        ConfigError: If a setting is unknown or its value is wrong; names where it stands.
    """
    return _validated(_given(flags or {}))


def changed(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """Give settings with some of them changed.

    Args:
        settings: The settings.
        changes: New values by name; text is read as in the environment.

    Returns:
        The settings, checked.

    Raises:
        ConfigError: If a setting is unknown or its value is wrong.
    """
    old = {name: Origin(getattr(settings, name), "as it was") for name in Settings.model_fields}
    return _validated(old | {_known(name, "changed"): Origin(value, "changed") for name, value in changes.items()})


def remember(name: str, value: str) -> Path:
    """Put a setting into the user's file, whatever else stands there.

    Args:
        name: A setting that is text.
        value: Its value.

    Returns:
        The file.

    Raises:
        ConfigError: If the file cannot be read or written.
    """
    path = config_files()[1]
    line = f"{name} = {json.dumps(value)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8-sig") if path.exists() else ""
        known, count = re.subn(rf"^{re.escape(name)}\s*=.*$", lambda _: line, text, count=1, flags=re.MULTILINE)
        path.write_text(known if count else f"{line}\n{text}", "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{str(path)!r} cannot be written: {error}.", f"write {line} there yourself") from error
    return path


def origins(flags: Mapping[str, object] | None = None) -> dict[str, Origin]:
    """Tell where each setting comes from.

    Args:
        flags: As for `load_settings`.

    Returns:
        Value and source by setting, in the order they are documented.

    Raises:
        ConfigError: As `load_settings`.
    """
    given = _given(flags or {})
    settings = _validated(given)
    return {
        name: Origin(getattr(settings, name), given[name].source if name in given else "default")
        for name in Settings.model_fields
    }


def config_files() -> tuple[Path, Path]:
    """Give the files that are read: the project's, then the user's."""
    return Path.cwd() / FILE_NAME, Path(platformdirs.user_config_dir("ragapp")) / FILE_NAME


def _given(flags: Mapping[str, object]) -> dict[str, Origin]:
    """Collect what is set anywhere; the first source in the order of precedence wins."""
    found: dict[str, Origin] = {}
    for name, origin in (*_from_flags(flags), *_from_environment(), *_from_files()):
        found.setdefault(name, origin)
    return found


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[str, Origin]]:
    return ((name, Origin(value, "flag")) for name, value in flags.items() if value is not None)


def _from_environment() -> Iterator[tuple[str, Origin]]:
    for variable, value in os.environ.items():
        if value and variable.startswith(ENV_PREFIX) and variable not in _NOT_SETTINGS:
            yield (
                _known(variable.removeprefix(ENV_PREFIX).lower(), f"environment {variable}"),
                Origin(value, f"environment {variable}"),
            )


def _from_files() -> Iterator[tuple[str, Origin]]:
    for path in config_files():
        try:
            text = path.read_text("utf-8-sig")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{str(path)!r} cannot be read: {error}.", "save it as UTF-8 text") from error
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{str(path)!r} is not TOML: {error}.", "write lines such as: passages = 8") from error
        for name, value in values.items():
            source = f"{path}:{_line_of(name, text)}"
            yield _known(name, source), Origin(value, source)


def _line_of(name: str, text: str) -> int:
    match = re.search(rf"^\s*\[?\"?{re.escape(name)}\b", text, re.MULTILINE)
    return text.count("\n", 0, match.end()) + 1 if match else 1


def _known(name: str, source: str) -> str:
    if name in Settings.model_fields:
        return name
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "ragapp config show"
    raise ConfigError(f"There is no setting {name!r} ({source}).", hint)


def _validated(given: Mapping[str, Origin]) -> Settings:
    try:
        return Settings.model_validate({name: origin.value for name, origin in given.items()})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        origin = given[name]
        raise ConfigError(
            f"The setting {name!r} cannot be {origin.value!r} ({origin.source}): {first['msg']}.",
            "ragapp config show --origin",
        ) from error

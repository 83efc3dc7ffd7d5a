"""``ragapp keys``."""

from __future__ import annotations

from ragapp.cli.console import write, write_json
from ragapp.cli.options import JsonOption


def keys(as_json: JsonOption = False) -> None:
    """Print the chat's keys as they are here, with those of the settings."""
    from ragapp.settings import load_settings
    from ragapp.tui.keys import bound, checked_keymap

    found = bound(checked_keymap(load_settings().keys))
    if as_json:
        write_json({key.id: key.keys.split(",") for key in found})
        return
    for key in found:
        write(f"{key.id:20} {key.keys:30} {key.label}")

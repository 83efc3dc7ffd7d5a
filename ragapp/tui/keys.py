"""Which keys there are, and whether those of the settings can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ragapp.errors import ConfigError
from ragapp.tui.commands import BINDINGS


class Key(NamedTuple):
    """A binding and the keys it has."""

    id: str
    keys: str
    """Separated by commas."""
    label: str


_OF_WIDGETS = (
    Key("prompt.send", "enter", "Send"),
    Key("prompt.newline", "shift+enter,ctrl+j,alt+enter", "New line"),
    Key("evidence.copy", "y", "Copy quote"),
    Key("evidence.open", "o", "Open file"),
    Key("evidence.pin", "p", "Pin"),
    Key("evidence.exclude", "x", "Leave out"),
)
"""Bindings that stand with the prompt and the evidence."""


def bound(changes: Mapping[str, str]) -> list[Key]:
    """List every binding with its keys.

    Args:
        changes: Keys of the settings, checked, by binding.

    Returns:
        The bindings, those of the application first.
    """
    own = [Key(binding.id, binding.key, binding.description) for binding in BINDINGS if binding.id]
    return [key._replace(keys=changes.get(key.id, key.keys)) for key in (*own, *_OF_WIDGETS)]


def key_names(changes: Mapping[str, str]) -> dict[str, str]:
    """Name the first key of every binding as a person reads it, so that hints are right under any keymap.

    Args:
        changes: Keys of the settings, checked, by binding.

    Returns:
        Names by binding id, for instance ``{"chat.add": "Ctrl+O"}``.
    """
    return {key.id: "+".join(map(str.capitalize, key.keys.split(",")[0].strip().split("+"))) for key in bound(changes)}


def checked_theme(name: str, known: Collection[str]) -> str:
    """Check a theme of the settings.

    Args:
        name: Its name.
        known: The names there are.

    Returns:
        The name.

    Raises:
        ConfigError: If there is no such theme.
    """
    if name not in known:
        raise ConfigError(f"There is no theme {name!r}.", f"one of {', '.join(sorted(known))}")
    return name


def checked_keymap(keys: Mapping[str, str]) -> dict[str, str]:
    """Check a keymap of the settings.

    Args:
        keys: Keys by binding id, for instance ``{"chat.new": "ctrl+t"}``.

    Returns:
        The keymap.

    Raises:
        ConfigError: If there is no such id, or two bindings would have the same key.
    """
    defaults = {key.id: key.keys for key in bound({})}
    known = list(defaults)
    for id in keys:
        if id not in known:
            raise ConfigError(f"There is no key binding {id!r}.", f"one of {', '.join(known)}")
    taken = Counter(key.strip() for value in (defaults | dict(keys)).values() for key in value.split(","))
    for key, count in taken.items():
        if count > 1:
            both = [id for id, value in (defaults | dict(keys)).items() if key in map(str.strip, value.split(","))]
            raise ConfigError(f"The key {key!r} is bound to {' and '.join(both)}.", "give one of them another key")
    return dict(keys)

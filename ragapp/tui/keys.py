"""The application's keys, in one place: the footer, the help, the settings and the documentation are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from textual.binding import Binding

from ragapp.errors import ConfigError

BINDINGS = (
    Binding("escape", "cancel", "Stop", id="chat.cancel"),
    Binding("ctrl+r", "conversations", "Conversations", id="chat.conversations", priority=True),
    Binding("ctrl+n", "new", "New", id="chat.new", priority=True),
    Binding("ctrl+e", "evidence", "Evidence", id="chat.evidence", priority=True),
    Binding("ctrl+o", "add", "Add", id="chat.add", priority=True),
    Binding("f1", "help", "Help", id="chat.help"),
    Binding("f2", "inspect", "Why?", id="chat.inspect"),
    Binding("f5", "again", "Ask again", id="chat.again", show=False),
    Binding("ctrl+y", "copy_answer", "Copy answer", id="chat.copy", show=False, priority=True),
    Binding("pageup", "older", "Scroll back", id="chat.older", show=False),
    Binding("ctrl+d", "leave", "Quit", id="chat.quit", show=False, priority=True),
    *(Binding(f"alt+{n}", f"citation({n})", f"Citation {n}", id=f"chat.citation{n}", show=False) for n in range(1, 10)),
)
"""Bindings of the whole application; those of a widget stand with it."""

_OF_WIDGETS = {
    "prompt.send": "enter",
    "prompt.newline": "shift+enter,ctrl+j,alt+enter",
    "evidence.copy": "y",
    "evidence.open": "o",
}
"""Bindings that stand with the prompt and the evidence, with their keys."""


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
    defaults = {binding.id: binding.key for binding in BINDINGS if binding.id}
    defaults |= _OF_WIDGETS
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

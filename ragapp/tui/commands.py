"""Everything there is to do, in one place: keys, palette, slash commands, help and documentation are made from it."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Command(NamedTuple):
    """Something the application does."""

    name: str
    """What is typed after the slash; its binding's id is ``chat.NAME``."""
    label: str
    """A word or two for the footer and the palette."""
    description: str
    keys: str = ""
    """Keys it has unless the settings say otherwise, separated by commas."""
    argument: str = ""
    """What may follow the slash command."""
    shown: bool = False
    """Whether it stands in the footer."""
    priority: bool = False
    """Whether its key works while something is typed that would take it."""
    slash: bool = True
    """Whether it can be typed as a command."""
    does: str = ""
    """Name of the application's action, where that is not its own."""

    @property
    def action(self) -> str:
        """Name of the application's action."""
        return self.does or self.name

    @property
    def id(self) -> str:
        """Id of its binding."""
        return f"chat.{self.name}"


COMMANDS = (
    Command("help", "Help", "Show or hide the keys that work here", "f1", shown=True, does="app.help"),
    Command(
        "cancel",
        "Stop",
        "Stop the answer, the ingest job or the evaluation; else go to the prompt",
        "escape",
        shown=True,
        does="app.stop",
    ),
    Command("new", "New", "Begin a conversation", "ctrl+n", shown=True, priority=True, does="app.new"),
    Command(
        "conversations",
        "Chats",
        "Search, resume, rename, delete or export a conversation",
        "ctrl+r",
        shown=True,
        priority=True,
        does="app.conversations",
    ),
    Command("list", "List", "Show or hide the conversations at the left", "ctrl+b", priority=True),
    Command("add", "Add", "Take in a file or folder", "ctrl+o", "PATH", shown=True, priority=True, does="app.add"),
    Command(
        "samples",
        "Samples",
        "Take in the sample documents of ragapp, and offer a question about them",
        "f6",
        priority=True,
        does="app.samples",
    ),
    Command("retry", "Retry", "Take in the files that failed again", does="app.retry"),
    Command(
        "scope",
        "Scope",
        "Look only into documents of these names, or #TAG type: after: before: collection:",
        "",
        "PATTERN …",
    ),
    Command("broaden", "All documents", "Ask the last question again, of all documents", "f3"),
    Command("evidence", "Evidence", "Show or hide the evidence", "ctrl+e", shown=True, priority=True),
    Command("why", "Why?", "Show how the answer came about", "f2", shown=True),
    Command("compare", "Compare", "Answer the last question under other settings, side by side", "", "SETTING=VALUE …"),
    Command("again", "Ask again", "Ask the last question again", "f5"),
    Command("edit", "Edit", "Put the last question into the prompt, to ask it differently", "f4"),
    Command("editor", "Editor", "Write the question in your editor", "ctrl+g", priority=True),
    Command("find", "Find", "Find words in this conversation", "ctrl+f", "WORDS", priority=True),
    Command("earlier", "Earlier turn", "Go to the turn before", "alt+up", slash=False),
    Command("later", "Later turn", "Go to the turn after", "alt+down", slash=False),
    Command("fold", "Fold", "Fold or unfold the turn chosen", "f8"),
    Command("fork", "Fork", "Go on in a new conversation from the turn chosen"),
    Command(
        "reader", "Reader", "Answer with another reader: one trained here, or a folder's", "", "NAME", does="app.reader"
    ),
    Command("copy", "Copy answer", "Copy the answer with its quotes", "ctrl+y", priority=True),
    Command("export", "Export", "Write the conversation to a .md, .html or .json file", "", "FILE", does="app.export"),
    Command("good", "Good answer", "Keep the question with this answer as a case for ragapp eval"),
    Command("bad", "Bad answer", "Keep the question with the right answer as a case for ragapp eval", "", "ANSWER"),
    Command(
        "eval",
        "Evaluate",
        "Ask the judged questions, those of a file or the samples, and measure the answers",
        "",
        "FILE GATE …",
        does="app.eval",
    ),
    Command("theme", "Theme", "Choose a theme, with a preview", "", "NAME", does="app.theme"),
    Command("doctor", "Doctor", "Check models, index, device and versions", does="app.doctor"),
    Command("older", "Scroll back", "Scroll back, to older turns", "pageup", slash=False),
    Command("newer", "Scroll on", "Scroll on, to newer turns", "pagedown", slash=False),
    Command("newest", "To the end", "Go to the end of the conversation", "ctrl+end", slash=False),
    Command("quit", "Quit", "Leave", "ctrl+d", priority=True, does="app.leave"),
)
"""What the application does, in the order of the help."""


def command(name: str) -> Command | None:
    """Find a slash command by its name."""
    return next((each for each in COMMANDS if each.slash and each.name == name), None)


def matching(typed: str) -> list[Command]:
    """List the slash commands that begin with what was typed."""
    return [each for each in COMMANDS if each.slash and each.name.startswith(typed)]


BINDINGS = (
    *(
        Binding(
            each.keys,
            each.action,
            each.label,
            tooltip=each.description,
            id=each.id,
            show=each.shown,
            priority=each.priority,
        )
        for each in COMMANDS
        if each.keys
    ),
    *(Binding(f"alt+{n}", f"citation({n})", f"Citation {n}", id=f"chat.citation{n}", show=False) for n in range(1, 10)),
)
"""Bindings of the whole application; those of a widget stand with it."""

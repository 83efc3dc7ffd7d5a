"""``ragapp chat``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ragapp.cli.options import CollectionOption, HomeOption, settings
from ragapp.errors import ConfigError


def chat(
    new: Annotated[bool, typer.Option("--new", help="Begin a conversation instead of going on with the last.")] = False,
    inline: Annotated[bool, typer.Option("--inline", help="Below the shell's prompt, not on its own screen.")] = False,
    home: HomeOption = None,
    collection: CollectionOption = None,
) -> None:
    """Talk with the documents in the terminal, the evidence beside every answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("A conversation needs a terminal.", 'ragapp ask "When did it open?"')
    chosen = settings(home, collection)

    from ragapp.tui.app import ChatApp

    ChatApp(chosen, resume=not new).run(inline=inline, inline_no_clear=True)

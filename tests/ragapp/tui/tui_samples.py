"""The chat under a pilot: real documents and models, a terminal without a person."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from textual.pilot import Pilot
from textual.widgets import Static

from ragapp.readers.base import Reader, ReaderPassage, Reading
from ragapp.settings import Settings
from ragapp.tui.app import ChatApp
from ragapp.tui.composer import Prompt

NOTES = {
    "forth.md": "# The Forth Bridge\n\nThe Forth Bridge opened on 4 March 1890. Its towers are 361 feet high.\n",
    "moon.txt": "Apollo 11 left Cape Canaveral on 16 July 1969 with [bold]three[/bold] men.\n",
}


@asynccontextmanager
async def chat(
    home: Path,
    size: tuple[int, int] = (120, 36),
    resume: bool = False,
    reader: Reader | None = None,
    keys: Mapping[str, str] = MappingProxyType({}),
) -> AsyncGenerator[Pilot[None]]:
    app = ChatApp(Settings(home=home, theme="textual-dark", keys=dict(keys)), resume=resume, reader=reader)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "document" in shown(pilot, "#status"))
        yield pilot


async def until(pilot: Pilot[None], done: Callable[[], bool]) -> None:
    """Let the application run until something is so; the test's own time limit ends it if that never comes."""
    while not done():
        await pilot.pause()
        await asyncio.sleep(0)


def app_of(pilot: Pilot[None]) -> ChatApp:
    assert isinstance(pilot.app, ChatApp)
    return pilot.app


def shown(pilot: Pilot[None], selector: str = "TurnView Static") -> str:
    return "\n".join(str(static.content) for static in pilot.app.query(selector).results(Static))


def told(pilot: Pilot[None]) -> str:
    """What the notifications say."""
    notifications = pilot.app._notifications  # pyright: ignore[reportPrivateUsage]
    return "\n".join(notification.message for notification in notifications)


def on_screen(pilot: Pilot[None]) -> str:
    return "\n".join(str(static.content) for static in pilot.app.screen.query(Static).results(Static))


def drawn(pilot: Pilot[None]) -> str:
    """Give what is on the screen, as the terminal gets it but for colours."""
    strips = pilot.app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage]
    return "\n".join(strip.text for strip in strips)


async def ask(pilot: Pilot[None], question: str) -> None:
    prompt = pilot.app.screen.query_one(Prompt)
    prompt.focus()
    prompt.text = question
    await pilot.press("enter")
    await until(pilot, lambda: app_of(pilot).state.turns[-1:] != () and not app_of(pilot).state.busy)
    await pilot.pause()


class WaitingReader:
    """A reader that finds nothing, and that only when it is let go on."""

    name, model_hash = "waiting", "0" * 64

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        self.asked.set()
        assert self.go_on.wait(60)
        return Reading((), 1.0, (0.0,) * len(passages))

"""How quick the chat is: first picture, a long conversation, a long answer, Escape; and what it costs while idle."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pty
import resource
import select
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from textual.pilot import Pilot

from ragapp.app import RagApp
from ragapp.events import AnswerDone, RetrievalStarted, TokenDelta
from ragapp.readers.base import Reader, ReaderPassage, Reading
from ragapp.serialization import to_json
from ragapp.settings import Settings
from ragapp.tui.app import ChatApp
from ragapp.tui.messages import Happened
from ragapp.tui.widgets import TurnView

_TURNS = 500
_WORDS = 2000
_IDLE_S = 3.0
_PROMPT = b"Ask"


@dataclass(frozen=True, slots=True)
class ChatSpeed:
    """Times and memory of the chat.

    Attributes:
        first_picture_s: Median seconds from the start of a process to the prompt on a terminal.
        open_ms: Milliseconds until a conversation of 500 turns is on the screen.
        stream_cpu_s: Processor seconds to show an answer that comes in 2,000 pieces.
        cancel_ms: Milliseconds from Escape to the answer marked as stopped, while the reader goes on.
        idle_cpu: Share of one processor while nothing happens.
        memory_mb: Resident memory the chat adds to loaded models, megabytes.
    """

    first_picture_s: float
    open_ms: float
    stream_cpu_s: float
    cancel_ms: float
    idle_cpu: float
    memory_mb: float


def measure_chat(app: RagApp, question: str, runs: int = 3) -> ChatSpeed:
    """Measure the chat over an index.

    Args:
        app: An app over an index that holds an answer to the question; conversations are added to it.
        question: What to ask.
        runs: How many processes to start for the first picture.

    Returns:
        What was measured.
    """
    answer = app.ask(question)
    conversation = app.index.conversations.create(app.settings.collection, "long")
    stored = to_json(replace(answer, passages=()))
    for _ in range(_TURNS):
        app.index.conversations.add_turn(conversation, question, stored)
    first = statistics.median(_first_picture(app.settings.home) for _ in range(runs))
    memory = _elsewhere(_in_chat_mb, app.settings, question) - _elsewhere(_alone_mb, app.settings, question)
    return asyncio.run(_measure(app, question, conversation, first, memory))


async def _measure(app: RagApp, question: str, conversation: int, first_s: float, memory_mb: float) -> ChatSpeed:
    reader = _Waiting(app.reader)
    chat = ChatApp(app.settings, resume=False, reader=reader)
    async with chat.run_test(size=(120, 36)) as pilot:
        await _until(pilot, lambda: chat.session.ready)
        began = time.perf_counter()
        chat.session.restore(conversation)
        chat.chat.refresh_session(another=True)
        await _until(pilot, lambda: len(chat.chat.query(TurnView)) > 0 and _drawn(chat))
        opened = time.perf_counter() - began

        chat.action_new()
        answer = app.ask(question)
        began = time.process_time()
        await _stream(pilot, chat, answer.text, AnswerDone(answer))
        streamed = time.process_time() - began

        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(_IDLE_S)
        idle = (time.process_time() - cpu) / (time.monotonic() - began)

        reader.holds = True
        chat.session.ask(question)
        await _until(pilot, reader.asked.is_set)
        began = time.perf_counter()
        chat.simulate_key("escape")  # the pilot would wait until all is still, and that wait be measured
        await _until(pilot, lambda: not chat.state.busy)
        cancelled = time.perf_counter() - began
        reader.go_on.set()
        return ChatSpeed(first_s, opened * 1e3, streamed, cancelled * 1e3, idle, memory_mb)


def _drawn(chat: ChatApp) -> bool:
    """Tell whether every turn on the screen has its lines and its place."""
    return all(view.children and view.region for view in chat.chat.query(TurnView))


async def _stream(pilot: Pilot[None], chat: ChatApp, text: str, done: AnswerDone) -> None:
    """Show an answer that comes a word at a time."""
    chat.session.state = chat.session.state.ask("a long one")
    events = [RetrievalStarted("a long one"), *(TokenDelta(f"{text} ") for _ in range(_WORDS)), done]
    for event in events:
        chat.post_message(Happened(0, event))
    await _until(pilot, lambda: not chat.state.busy)


async def _until(pilot: Pilot[None], done: Callable[[], bool]) -> None:
    while not done():
        await pilot.pause()


def _first_picture(home: Path) -> float:
    """Start the chat on a terminal of its own and time the prompt's appearance."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ragapp", "chat", "--new", "--home", str(home)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "36"}
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)  # noqa: S603
    seen = b""
    while _PROMPT not in seen and process.poll() is None:
        if select.select([ours], [], [], 0.05)[0]:
            seen += os.read(ours, 65536)
    seconds = time.perf_counter() - began
    process.kill()
    process.wait()
    os.close(ours)
    os.close(theirs)
    return seconds


def _elsewhere(work: Callable[[Settings, str], float], settings: Settings, question: str) -> float:
    """Run a measurement in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (settings, question))


def _alone_mb(settings: Settings, question: str) -> float:
    """Answer a question as a library would, and give the resident memory."""
    with RagApp(settings) as app:
        app.ask(question)
        return _resident_mb()


def _in_chat_mb(settings: Settings, question: str) -> float:
    """Answer it in the chat, with the long conversation open, and give the resident memory."""

    async def chat_mb() -> float:
        chat = ChatApp(settings)
        async with chat.run_test(size=(120, 36)) as pilot:
            await _until(pilot, lambda: chat.session.ready)
            chat.session.ask(question)
            await _until(pilot, lambda: not chat.state.busy)
            return _resident_mb()

    return asyncio.run(chat_mb())


def _resident_mb() -> float:
    """Give the resident memory of this process, megabytes; its peak where the system does not tell."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text("ascii").split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


class _Waiting:
    """A reader that can be held while it reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self.name, self.model_hash = reader, reader.name, reader.model_hash
        self.asked, self.go_on, self.holds = threading.Event(), threading.Event(), False

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        if self.holds:
            self.asked.set()
            self.go_on.wait()
        return self._reader.read(question, passages)

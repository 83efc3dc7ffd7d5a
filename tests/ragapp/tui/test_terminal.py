"""The chat on a real terminal: tmux holds one, types into it and reads what is on its screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

_LOOKS = 600


class Terminal:
    """A shell in a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = f"ragapp-{uuid.uuid4().hex[:8]}"
        environment = {name: value for name, value in os.environ.items() if name not in {"TMUX", "DISPLAY"}}
        self._environment = {**environment, "TMUX_TMPDIR": str(folder), "PS1": "$ "}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "sh")

    def tmux(self, *arguments: str) -> str:
        """Run a command of tmux."""
        command = ["tmux", "-L", self._socket, *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys, or type text as it is."""
        self.tmux("send-keys", *keys)

    def screen(self) -> str:
        """Give what is on the screen."""
        return self.tmux("capture-pane", "-p")

    def until(self, done: Callable[[str], bool]) -> str:
        """Look until something is on the screen; tmux itself waits a little between two looks."""
        for _ in range(_LOOKS):
            screen = self.screen()
            if done(screen):
                return screen
            self.tmux("run-shell", "-d", "0.1")
        pytest.fail(f"it never came:\n{self.screen()}")

    def close(self) -> None:
        """End this server and what runs in it."""
        self.tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Generator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_a_question_is_typed_answered_and_the_terminal_given_back(terminal: Terminal, home: Path) -> None:
    terminal.type(f"{sys.executable} -m ragapp chat --new --home {home}", "Enter")
    terminal.until(lambda screen: "Ask your documents" in screen)
    terminal.type("-l", "When did the Forth Bridge open?")  # before the models are there, and at once
    terminal.type("Enter")
    answered = terminal.until(lambda screen: "% sure" in screen)
    assert "When did the Forth Bridge open?" in answered
    assert "4 March 1890 [1]" in answered
    assert "forth.md" in answered
    assert terminal.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"
    terminal.type("C-c")
    terminal.until(lambda screen: "Ctrl+C again quits" in screen)
    terminal.type("C-c")
    terminal.until(lambda screen: "Forth Bridge open?" not in screen)
    terminal.type("-l", "echo status $?")
    terminal.type("Enter")
    terminal.until(lambda screen: "status 0" in screen)
    state = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{bracket_paste_flag}"
    assert terminal.tmux("display-message", "-p", state).strip().startswith("0 1 0")


def test_below_the_shells_prompt_there_is_room_for_the_conversation_which_stays(terminal: Terminal, home: Path) -> None:
    terminal.type(f"{sys.executable} -m ragapp chat --inline --new --home {home}", "Enter")
    terminal.until(lambda screen: "Ask your documents" in screen)
    terminal.type("-l", "When did the Forth Bridge open?")
    terminal.type("Enter")
    answered = terminal.until(lambda screen: "% sure" in screen)
    assert "ragapp chat --inline" in answered
    assert "forth.md" in answered
    assert terminal.tmux("display-message", "-p", "#{alternate_on}").strip() == "0"
    terminal.type("C-d")
    left = terminal.until(lambda screen: screen.rstrip().endswith(("$", "#")))
    assert "4 March 1890 [1]" in left

"""Evaluating out of the chat, beside the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from tui_samples import WaitingReader, app_of, ask, chat, on_screen, shown, told, until

from ragapp.cli.main import main
from ragapp.readers.base import ReaderPassage, Reading
from ragapp.tui.composer import Prompt
from ragapp.tui.screens.told import ToldScreen


async def command(pilot: Pilot[None], typed: str) -> None:
    pilot.app.screen.query_one(Prompt).text = typed
    await pilot.press("enter")


async def test_judged_answers_are_evaluated_with_gates_and_opened_afterwards(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "my questions.csv"
    mine.write_text("question,answer\nWhen did the Forth Bridge open?,4 March 1890\nWho made the moon?,\n", "utf-8")
    async with chat(home) as pilot:
        await command(pilot, f"/eval '{mine}' f1=10 answered=90")
        await until(pilot, lambda: isinstance(pilot.app.screen, ToldScreen))
        assert "passed  f1 ≥ 10 %" in on_screen(pilot)
        assert "answered ≥ 90 %: it is 50.0 %" in on_screen(pilot)
        assert "Hallucination: unsupported claims" in on_screen(pilot)
        assert "2 questions of my questions.csv" in on_screen(pilot)
        await pilot.press("escape")
        await command(pilot, f"/eval '{mine}' f2=10")
        await until(pilot, lambda: "no figure 'f2'" in told(pilot))
        await command(pilot, f"/eval {tmp_path}/none.csv")
        await until(pilot, lambda: "There is no dataset" in told(pilot))
        await command(pilot, "/eval 'open")
        await until(pilot, lambda: "close the quotation" in told(pilot))
    capfd.readouterr()
    assert main(["eval", "list", "--home", str(home)]) == 0
    run = next(line for line in capfd.readouterr().out.splitlines() if line.startswith("my_questions"))
    assert "done  2 questions" in run
    assert main(["eval", "run", "--data", str(mine), "--home", str(home)]) == 0  # the same run
    assert "is done already" in capfd.readouterr().err


async def test_one_goes_on_asking_while_an_evaluation_runs_and_stops_it(tmp_path: Path, home: Path) -> None:
    class Reader(WaitingReader):
        """Waits with the questions of the evaluation but the first."""

        def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
            return (
                super().read(question, passages)
                if question in {"slow?", "last?"}
                else Reading((), 1.0, (0.0,) * len(passages))
            )

    mine, reader = tmp_path / "mine.csv", Reader()
    mine.write_text("question,answer\nfirst?,\nslow?,\nlast?,\n", "utf-8")
    async with chat(home, reader=reader) as pilot:
        await command(pilot, f"/eval {mine}")
        await until(pilot, reader.asked.is_set)
        await until(pilot, lambda: "evaluating 1/3, " in shown(pilot, "#status"))
        assert " left" in shown(pilot, "#status")
        await ask(pilot, "When did Apollo 11 leave?")
        assert app_of(pilot).state.turns[-1].status == "done"
        await command(pilot, f"/eval {mine}")
        await until(pilot, lambda: "Escape stops it" in told(pilot))
        await pilot.press("escape")
        assert "stopping the evaluation" in shown(pilot, "#status")
        reader.go_on.set()
        await until(pilot, lambda: "The evaluation was stopped" in told(pilot))
        assert "evaluat" not in shown(pilot, "#status")
        pilot.app.screen.query_one(Prompt).text = ""
        reader.asked.clear()
        reader.go_on.clear()
        await command(pilot, f"/eval {mine}")
        await until(pilot, reader.asked.is_set)
        await pilot.press("h")  # it goes on; who types is not interrupted
        reader.go_on.set()
        await until(pilot, lambda: "the same /eval again shows the figures" in told(pilot))
        assert app_of(pilot).screen is app_of(pilot).chat


async def test_before_anything_was_judged_an_evaluation_asks_for_questions(tmp_path: Path) -> None:
    async with chat(tmp_path) as pilot:
        await command(pilot, "/eval")
        await until(pilot, lambda: bool(pilot.app.screen.query("LineScreen Input")))
        assert pilot.app.screen.query_one(Input).value == "samples"

"""Documents taken in from the chat and beside it."""

from __future__ import annotations

from pathlib import Path

from textual import events
from tui_samples import app_of, ask, chat, shown, until

from ragapp.app import RagApp
from ragapp.ingest.events import FileDone
from ragapp.settings import Settings
from ragapp.tui.composer import Prompt
from ragapp.tui.ingesting import IngestJob
from ragapp.tui.messages import Ingesting


async def test_one_is_two_keys_from_an_answer_before_there_are_documents(tmp_path: Path) -> None:
    async with chat(tmp_path) as pilot:
        assert "F6      try it" in shown(pilot, "#welcome")
        await pilot.press("f6")
        await until(pilot, lambda: bool(pilot.app.screen.query_one(Prompt).text))
        await pilot.press("enter")
        await until(pilot, lambda: bool(app_of(pilot).state.turns) and not app_of(pilot).state.busy)
        assert "4 March 1890" in shown(pilot)
        assert "There are no documents yet" not in shown(pilot, "#welcome")


async def test_what_another_program_changed_is_told_when_one_comes_back(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The harbour was dug in 1590 by monks.", "utf-8")
    with RagApp(Settings(home=tmp_path / "home")) as app:
        app.ingest(note)
    async with chat(tmp_path / "home") as pilot:
        await ask(pilot, "When was the harbour dug?")
        pilot.app.post_message(events.AppBlur())
        await until(pilot, lambda: not pilot.app.app_focus)
        note.write_text("The harbour was dug in 1690 by soldiers.", "utf-8")
        with RagApp(Settings(home=tmp_path / "home")) as app:
            app.ingest(note)
        assert "changed" not in shown(pilot, "#status")
        pilot.app.post_message(events.AppFocus())
        await until(pilot, lambda: "the index changed: F5 or /again asks again" in shown(pilot, "#status"))
        await until(pilot, lambda: "note.txt has changed since" in shown(pilot))
        await pilot.press("f5")
        await until(pilot, lambda: len(app_of(pilot).state.turns) == 2 and not app_of(pilot).state.busy)
        assert "1690" in shown(pilot)
        assert "changed" not in shown(pilot, "#status")


def test_an_ingest_job_tells_what_failed_of_what_is_done() -> None:
    def run(_work: object, *_arguments: object) -> None:
        return

    job, failed = IngestJob(run), FileDone("/n/a.pdf", "failed", 0, 10, "it is broken", "repair it")
    job.begin(run)
    told = [job.told(Ingesting(done, 3, 10, 40, 5, file)) for done, file in ((1, failed), (1, None), (2, failed))]
    assert [part.split(", ")[:2] for part in told] == [
        ["taking in 1/3 files", "1 failed"],
        ["taking in 1/3 files", "1 failed"],
        ["taking in 2/3 files", "2 failed"],
    ]
    assert "passages/s" in told[0]
    assert " left" in told[0]

"""Where answers may come from: what is typed, what is shown of it, and letting go of it."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.pilot import Pilot
from tui_samples import NOTES, app_of, ask, chat, drawn, shown, told, until

from ragapp.answers import Conditions
from ragapp.app import RagApp
from ragapp.errors import ConfigError
from ragapp.indexes.types import MediaType
from ragapp.settings import Settings
from ragapp.tui.composer import Prompt, ScopeLine
from ragapp.tui.draw import side_by_side
from ragapp.tui.scope import EVERYWHERE, Scope

TERMS = ["#work", "#home", "type:pdf", "type:text", "after:2026-01-31", "before:2026-02-01", "/n/a.md", "/n/b.md"]


@pytest.fixture
def dated(tmp_path: Path) -> Path:
    """Two documents of different days, and another collection."""
    for (name, text), year in zip(NOTES.items(), (2024, 2026), strict=True):
        (tmp_path / name).write_text(text, "utf-8")
        changed = datetime(year, 6, 1, 12).astimezone().timestamp()
        os.utime(tmp_path / name, (changed, changed))
    (tmp_path / "tea.txt").write_text("Matcha is made in Uji, near Kyoto, and ground between stones.", "utf-8")
    with RagApp(Settings(home=tmp_path / "home")) as app:
        app.ingest([tmp_path / name for name in NOTES])
    with RagApp(Settings(home=tmp_path / "home", collection="drinks")) as app:
        app.ingest(tmp_path / "tea.txt")
    return tmp_path / "home"


def test_what_is_typed_is_terms_and_a_pattern() -> None:
    scope = EVERYWHERE.kept_to("type:pdf  my notes/*.md #Work after:2026-01-31 before:2026-02-01 type:text")
    assert scope.types == ("pdf", "text")
    assert scope.glob == "my notes/*.md"
    assert scope.tags == ("work",)
    assert (scope.after, scope.before) == (date(2026, 1, 31), date(2026, 2, 1))
    assert scope.where.media_types == frozenset[MediaType]({"pdf", "text"})
    assert scope.kept_to("after:2025-01-01").after == date(2025, 1, 1)
    assert scope.kept_to("").glob == scope.glob
    assert scope.kept_to("collection:drinks") == Scope(collection="drinks")
    for wrong in ("type:odt", "type:", "after:soon", "before:", "#a,b"):
        with pytest.raises(ConfigError):
            EVERYWHERE.kept_to(wrong)


@given(st.lists(st.sampled_from([*TERMS, "collection:drinks"])), st.text(), st.lists(st.integers(), max_size=3))
def test_every_chip_can_be_let_go_of_until_none_is_left(terms: list[str], glob: str, ids: list[int]) -> None:
    scope = EVERYWHERE
    for term in terms:
        scope = scope.looking_into(term)
    scope = scope._replace(glob=glob, pinned=tuple(ids), without=tuple(ids))
    asked = Conditions(scope.collection or "default", "", scope.where, scope.pinned, 8, 32, 0.5)
    again = Scope.of(asked, "default")
    assert again.where == scope.where
    assert len(again.chips) == len(scope.chips)
    for _ in range(len(terms) + 2 * len(ids) + 1):
        assert all(chip.without != scope for chip in scope.chips)
        scope = scope.wider()
    assert scope == EVERYWHERE


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1)), st.integers(4, 100))
def test_what_stands_side_by_side_is_whole_and_fits(texts: list[str], width: int) -> None:
    lines = side_by_side([Content(text) for text in texts], width)
    assert all(line.cell_length <= width for line in lines.split("\n"))
    for text in texts:
        assert Content(text).cell_length > width or text in lines.plain


async def command(pilot: Pilot[None], typed: str) -> None:
    pilot.app.screen.query_one(Prompt).text = typed
    await pilot.press("enter")


async def test_questions_are_kept_to_kinds_and_days_and_chips_are_clicked_away(dated: Path) -> None:
    async with chat(dated) as pilot:
        await command(pilot, "/scope type:text after:2025-01-01")
        await until(pilot, lambda: " type:text   after:2025-01-01   1 document" in shown(pilot, "#scope"))
        await ask(pilot, "When did Apollo 11 leave?")
        assert "in type:text · after:2025-01-01" in shown(pilot)
        assert "16 July 1969" in shown(pilot)
        assert "moon.txt of 2026-06-01" in drawn(pilot)
        await pilot.click("#scope", offset=(2, 0))
        await until(pilot, lambda: "type:" not in shown(pilot, "#scope"))
        await command(pilot, "/scope before:2025-01-01")
        await until(pilot, lambda: "no document" in shown(pilot, "#scope"))
        await ask(pilot, "When did Apollo 11 leave?")
        assert "/broaden asks all" in shown(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: len(app_of(pilot).state.turns) == 3 and not app_of(pilot).state.busy)
        assert app_of(pilot).session.scope == EVERYWHERE
        await command(pilot, "/scope type:odt")
        await until(pilot, lambda: "one of text, markdown" in told(pilot))
    async with chat(dated, resume=True) as pilot:
        assert app_of(pilot).state.turns[0].scope.after == date(2025, 1, 1)
        assert "in type:text · after:2025-01-01" in shown(pilot)


async def test_another_collection_is_asked_and_comes_back_with_the_conversation(dated: Path) -> None:
    async with chat(dated) as pilot:
        await command(pilot, "/scope collection:nowhere")
        await until(pilot, lambda: "no collection 'nowhere'" in told(pilot))
        assert app_of(pilot).session.scope == EVERYWHERE
        await pilot.press(*"@drink")
        await until(pilot, lambda: "collection:drinks  another collection" in drawn(pilot))
        await pilot.press("tab")
        await until(pilot, lambda: "collection:drinks   1 document" in shown(pilot, "#scope"))
        await ask(pilot, "Where is matcha made?")
        assert "Uji" in shown(pilot)
        await pilot.press("alt+1")
        await until(pilot, lambda: "ground between stones" in drawn(pilot))
        await pilot.press("escape")
        await command(pilot, "/compare passages=1")
        await until(pilot, lambda: "as it was" in drawn(pilot))
        await pilot.press("escape")
        await command(pilot, "/scope collection:default")
        await until(pilot, lambda: app_of(pilot).session.scope == EVERYWHERE)
    async with chat(dated, resume=True) as pilot:
        assert app_of(pilot).state.turns[0].scope.collection == "drinks"
        assert "has changed since" not in shown(pilot)


async def test_chips_stay_whole_on_a_narrow_terminal(dated: Path) -> None:
    async with chat(dated, size=(60, 24)) as pilot:
        for term in ("type:text", "after:2020-01-01", "before:2031-12-31", "a long pattern of words*"):
            await command(pilot, f"/scope {term}")
        line = pilot.app.screen.query_one(ScopeLine)
        await until(pilot, lambda: line.region.height > 1)
        for chip in (" type:text ", " after:2020-01-01 ", " before:2031-12-31 ", " a long pattern of words* "):
            assert chip in drawn(pilot)
        await pilot.resize_terminal(160, 24)
        await until(pilot, lambda: line.region.height == 1)

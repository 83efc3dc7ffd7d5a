"""``ragapp ask``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ragapp.cli.console import explain, narrate, progress, write, write_json
from ragapp.cli.options import (
    AfterOption,
    BeforeOption,
    CollectionOption,
    HomeOption,
    JsonOption,
    PathOption,
    TagOption,
    TypeOption,
    documents_within,
    open_app,
    search_filter,
)
from ragapp.errors import ConfigError, ExitCode, RagappError
from ragapp.text import is_unicode

if TYPE_CHECKING:
    from ragapp.app import RagApp
    from ragapp.indexes.types import SearchFilter


class Question(NamedTuple):
    """A line of a question file."""

    id: str | int
    text: str


def ask(
    question: Annotated[list[str] | None, typer.Argument(help="The question.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help='Answer a file of {"id", "question"} lines, models loaded once.')
    ] = None,
    passages: Annotated[int | None, typer.Option("-k", "--passages", help="How many passages to read.")] = None,
    path: PathOption = None,
    types: TypeOption = None,
    tags: TagOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    home: HomeOption = None,
    collection: CollectionOption = None,
    with_reasons: Annotated[
        bool, typer.Option("--explain", help="Also tell what each answer leans on: read again without each passage.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Answer questions from the documents, with the place each answer stands at.

    An answer that the documents are held not to give is said to be so, with the nearest passages; that is no failure.
    """
    words = " ".join(question or []).strip()
    if bool(words) == bool(file):
        raise ConfigError("Give either a question or a file of questions.", 'ragapp ask "When did it open?"')
    if not is_unicode(words):
        raise ConfigError(f"The question {words!r} is not Unicode.", "see that the terminal's encoding is UTF-8")
    questions = read_questions(file) if file else []
    where = search_filter(path, types, tags, after, before)
    with open_app(home, collection, passages=passages) as ragapp:
        documents_within(ragapp, where)
        if file:
            failed = _ask_file(ragapp, questions, where, as_json, with_reasons)
            raise typer.Exit(ExitCode.FAILED if failed else ExitCode.OK)
        _ask_one(ragapp, words, where, as_json, with_reasons)


def _ask_one(ragapp: RagApp, question: str, where: SearchFilter, as_json: bool, with_reasons: bool) -> None:
    from ragapp.cli.answer import AnswerView
    from ragapp.cli.explain import explained, show
    from ragapp.cli.records import answer_record
    from ragapp.errors import RagappError
    from ragapp.events import AnswerDone, Failed

    title = question if len(question) <= 80 else question[:79] + "…"
    conversation = ragapp.index.conversations.create(ragapp.settings.collection, title)
    view = None if as_json else AnswerView()
    for event in ragapp.stream(question, where=where, conversation=conversation):
        if isinstance(event, Failed):
            error = RagappError(event.message, event.hint)
            error.exit_code = event.exit_code
            raise error
        if view:
            view.show(event)
        if isinstance(event, AnswerDone):
            found = explained(ragapp, event.answer) if with_reasons else None
            if as_json:
                write_json(answer_record(event.answer, found))
            elif found:
                show(found)


def _ask_file(
    ragapp: RagApp, questions: list[Question], where: SearchFilter, as_json: bool, with_reasons: bool
) -> bool:
    """Answer every question; one that fails is told and the others go on. Returns whether any failed."""
    from ragapp.cli.answer import AnswerView
    from ragapp.cli.explain import explained, show
    from ragapp.cli.records import answer_record
    from ragapp.events import AnswerDone

    _ = ragapp.collection, ragapp.encoder, ragapp.reader  # what keeps all of them from being answered is told once
    failed = False
    with progress(len(questions), "questions", "asking") as advance:
        for question in questions:
            try:
                answer = ragapp.ask(question.text, where=where)
            except RagappError as error:
                failed = True
                record = {"id": question.id, "question": question.text, "error": error.message, "hint": error.hint}
                if as_json:
                    write_json(record)
                else:
                    explain(error)
            else:
                found = explained(ragapp, answer) if with_reasons else None
                if as_json:
                    write_json({"id": question.id, **answer_record(answer, found)})
                else:
                    write(f"\n? {question.text}")
                    AnswerView().show(AnswerDone(answer))
                    if found:
                        show(found)
            advance(1)
    if failed:
        narrate("some questions could not be answered; see above")
    return failed


def read_questions(path: Path) -> list[Question]:
    """Read a file of questions, all of it before any is asked.

    Args:
        path: JSON lines with ``question`` and an ``id``, a string or an integer; the line number serves for any other.

    Returns:
        The questions in order.

    Raises:
        ConfigError: If the file cannot be read or a line is wrong; names the line.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # splitlines() also cuts at U+2028, which JSON strings may hold
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The questions {str(path)!r} cannot be read: {error}.", "give a UTF-8 file") from error
    questions: list[Question] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{str(path)!r} line {number} is not JSON: {error}.", _FORMAT) from error
        text = record.get("question") if isinstance(record, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"{str(path)!r} line {number} has no string 'question'.", _FORMAT)
        if not is_unicode(text):
            raise ConfigError(f"{str(path)!r} line {number} has a 'question' that is not Unicode: {text!r}.", _FORMAT)
        identity = record.get("id")
        questions.append(Question(identity if isinstance(identity, (str, int)) else number, text))
    if not questions:
        raise ConfigError(f"{str(path)!r} holds no question.", _FORMAT)
    return questions


_FORMAT = 'write one {"id": "1", "question": "…"} a line'

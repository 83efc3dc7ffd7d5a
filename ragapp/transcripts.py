"""Conversations as files: Markdown, HTML or JSON, every answer with its references."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ragapp.answers import Answer, Citation
from ragapp.errors import ConfigError
from ragapp.serialization import to_dict
from ragapp.text import one_line


def export(title: str, answers: Sequence[Answer], path: Path) -> None:
    """Write a conversation to a file.

    Args:
        title: Its title.
        answers: Its answers, oldest first.
        path: Where to, ending in ``.md``, ``.html`` or ``.json``.

    Raises:
        ConfigError: If the ending is another, or the file cannot be written.
    """
    if path.suffix not in _FORMATS:
        raise ConfigError(f"There is no transcript format {path.suffix!r}.", f"end the name in {', '.join(_FORMATS)}")
    try:
        path.write_text(_FORMATS[path.suffix](title, answers), "utf-8")
    except OSError as error:
        raise ConfigError(f"The transcript {str(path)!r} cannot be written: {error}", "choose another place") from error


def to_markdown(title: str, answers: Sequence[Answer]) -> str:
    """Write a conversation as Markdown, with nothing of it taken for markup."""
    lines = [f"# {_literal(title)}", ""]
    for answer in answers:
        lines += [f"## {_literal(answer.question)}", "", _literal(_said(answer)), ""]
        for number, citation in enumerate(answer.citations, 1):
            lines += [f"{number}. “{_literal(citation.quote)}”  ", f"   {_literal(_reference(citation))}"]
        lines += [""] if answer.citations else []
    return "\n".join(lines)


def to_html(title: str, answers: Sequence[Answer]) -> str:
    """Write a conversation as one HTML page that loads nothing."""
    turns: list[str] = []
    for answer in answers:
        quotes = "".join(
            f"<li><q>{escape(one_line(citation.quote))}</q><br><cite>{escape(_reference(citation))}</cite></li>"
            for citation in answer.citations
        )
        question, said = escape(one_line(answer.question)), escape(_said(answer))
        turns.append(f"<section><h2>{question}</h2><p>{said}</p><ol>{quotes}</ol></section>")
    name = escape(one_line(title))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
        "<style>body{max-width:44rem;margin:2rem auto;font:1rem/1.5 system-ui;padding:0 1rem}cite{color:#567}</style>"
        f"<h1>{name}</h1>{''.join(turns)}</html>\n"
    )


def to_json(title: str, answers: Sequence[Answer]) -> str:
    """Write a conversation as JSON."""
    return json.dumps({"title": title, "turns": [to_dict(answer) for answer in answers]}, indent=2) + "\n"


def _said(answer: Answer) -> str:
    if answer.abstained:
        return "Not in the documents."
    return f"{one_line(answer.text)} (confidence {answer.confidence:.0%})"


def _reference(citation: Citation) -> str:
    parts = [citation.document, f"version {citation.version}"]
    parts += [f"page {citation.page}"] if citation.page is not None else []
    parts += [citation.heading] if citation.heading else []
    parts += [f"line {citation.line}"] if citation.line is not None else []
    return one_line(" · ".join([*parts, f"characters {citation.char_start}–{citation.char_end}"]))


def _literal(text: str) -> str:
    """Put a text on one line and take the meaning out of Markdown's signs."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|~" else char for char in one_line(text))


_FORMATS = {".md": to_markdown, ".html": to_html, ".json": to_json}

"""Ask your own documents: every answer shows where it comes from, how sure it is, and says so when they don't hold it.

    from ragapp import RagApp

    with RagApp.open() as app:
        app.ingest("~/notes")
        answer = app.ask("When did the bridge open?")
        print(answer.text, answer.citations[0].document)

Every name below is imported when it is first used (PEP 562), so that ``import ragapp`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragapp.answers import Answer, Citation
    from ragapp.app import RagApp
    from ragapp.errors import ExitCode, RagappError
    from ragapp.events import AnswerState, Event
    from ragapp.indexes.types import Passage, ScoredPassage, SearchFilter
    from ragapp.ingest.events import JobEvent, JobReport
    from ragapp.readers.base import Reader
    from ragapp.settings import Settings, load_settings

_HOMES = {
    "Answer": "ragapp.answers",
    "AnswerState": "ragapp.events",
    "Citation": "ragapp.answers",
    "Event": "ragapp.events",
    "ExitCode": "ragapp.errors",
    "JobEvent": "ragapp.ingest.events",
    "JobReport": "ragapp.ingest.events",
    "Passage": "ragapp.indexes.types",
    "RagApp": "ragapp.app",
    "RagappError": "ragapp.errors",
    "Reader": "ragapp.readers.base",
    "ScoredPassage": "ragapp.indexes.types",
    "SearchFilter": "ragapp.indexes.types",
    "Settings": "ragapp.settings",
    "load_settings": "ragapp.settings",
}

__all__ = [
    "Answer",
    "AnswerState",
    "Citation",
    "Event",
    "ExitCode",
    "JobEvent",
    "JobReport",
    "Passage",
    "RagApp",
    "RagappError",
    "Reader",
    "ScoredPassage",
    "SearchFilter",
    "Settings",
    "load_settings",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("ragapp")
    raise AttributeError(f"module 'ragapp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

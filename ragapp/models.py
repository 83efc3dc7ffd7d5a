"""The models that a question goes through, each loaded when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from ragapp.confidence import ConfidenceModel, load_confidence
from ragapp.errors import IndexError_
from ragapp.grounding.base import Checker
from ragapp.grounding.load import OFF, load_checker
from ragapp.indexes.encoder import Encoder, load_encoder
from ragapp.readers.base import Reader
from ragapp.readers.registry import find_reader
from ragapp.settings import Settings

if TYPE_CHECKING:
    from ragapp.readers.copy_fid.reader import CopyFidReader

_WHERE = ("device", "threads")
"""Settings that every model is loaded by."""


class Models:
    """Encoder, reader, checker and confidence; may be used from several threads.

    Args:
        settings: Which models.
        pinned_encoder: Tells which encoder made the vectors there are, if there are any.
        reader: A reader to use in place of the one that the settings name.
    """

    def __init__(
        self, settings: Settings, pinned_encoder: Callable[[], str | None], reader: Reader | None = None
    ) -> None:
        self._settings, self._pinned_encoder, self._given_reader = settings, pinned_encoder, reader
        self._loading = threading.RLock()
        self._released = False

    @property
    def encoder(self) -> Encoder:
        """The encoder that the settings name, else the one that made the vectors, else the default."""
        with self._in_use():
            return self._encoder

    @property
    def reader(self) -> Reader:
        """The reader."""
        with self._in_use():
            return self._given_reader or self._named_reader

    @property
    def checker(self) -> Checker | None:
        """What checks answers; nothing if that is turned off."""
        with self._in_use():
            return self._checker

    @property
    def confidence(self) -> ConfidenceModel:
        """What was fitted to tell how sure the reader's answers may be."""
        with self._in_use():
            return self._confidence

    def varied(self, settings: Settings, pinned_encoder: Callable[[], str | None]) -> Models:
        """Give the models of other settings and perhaps another collection; those that stay the same are shared."""
        other = Models(settings, pinned_encoder, self._given_reader)
        if self._same(settings, "encoder") and (settings.encoder or pinned_encoder() in {None, self.encoder.pin.id}):
            other._encoder = self.encoder
        if self._same_reader(settings):
            other._confidence = self.confidence
            if self._given_reader is None:
                other._named_reader = self._named_reader
        if self._same(settings, "checker"):
            other._checker = self.checker
        return other

    def release(self) -> None:
        """Let go of what was loaded; what nobody else uses is freed, and nothing is loaded from here on."""
        with self._loading:
            self._released = True
            for loaded in ("_encoder", "_named_reader", "_confidence", "_checker"):
                self.__dict__.pop(loaded, None)

    @contextmanager
    def _in_use(self) -> Generator[None]:
        """Load one model at a time, and none for an answer that was still on its way when the app was closed."""
        with self._loading:
            if self._released:
                raise IndexError_(f"The index {str(self._settings.home)!r} was closed.", "open it again")
            yield

    def _same_reader(self, settings: Settings) -> bool:
        """Tell whether settings mean the same reader, be it by another name."""
        ours, wanted = self._settings, settings
        return self._same(settings, "reader") or (
            self._same(settings) and find_reader(wanted.home, wanted.reader) == find_reader(ours.home, ours.reader)
        )

    def _same(self, settings: Settings, *names: str) -> bool:
        return all(getattr(settings, each) == getattr(self._settings, each) for each in (*names, *_WHERE))

    @cached_property
    def _encoder(self) -> Encoder:
        settings = self._settings
        chosen = settings.encoder or self._pinned_encoder()
        threads, cache = settings.threads or None, settings.home / "models"
        return load_encoder(chosen, device=settings.device, threads=threads, cache=cache)

    @cached_property
    def _named_reader(self) -> CopyFidReader:
        from ragapp.readers.copy_fid.reader import CopyFidReader

        folder = find_reader(self._settings.home, self._settings.reader)
        return CopyFidReader.load(folder, self._settings.device, self._settings.threads or None)

    @cached_property
    def _confidence(self) -> ConfidenceModel:
        return load_confidence(find_reader(self._settings.home, self._settings.reader))

    @cached_property
    def _checker(self) -> Checker | None:
        settings = self._settings
        if settings.checker == OFF:
            return None
        threads, cache = settings.threads or None, settings.home / "models"
        return load_checker(settings.checker, device=settings.device, threads=threads, cache=cache)

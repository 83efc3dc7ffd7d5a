"""The library's front door: open a home, take documents in, ask, stream, delete."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from ragapp.answers import Alternative, Answer, Conditions, ModelHashes, cite, cited_passages
from ragapp.calibration import Certificate, Guarantee, certificate_in_force, features
from ragapp.confidence import signals
from ragapp.errors import CollectionNotFound, ConfigError, RagappError
from ragapp.events import (
    Abstained,
    AnswerDone,
    Event,
    Failed,
    GroundingChecked,
    PassagesFound,
    RetrievalStarted,
    SpanResolved,
    TokenDelta,
)
from ragapp.followup import standalone
from ragapp.grounding.answer_check import check_answer
from ragapp.grounding.base import Checker
from ragapp.indexes.encoder import Encoder
from ragapp.indexes.index import Collection, Index
from ragapp.indexes.types import SearchFilter
from ragapp.ingest.chunking import Chunker
from ragapp.ingest.events import JobEvent, JobReport
from ragapp.ingest.job import ingest
from ragapp.ingest.limits import MEGABYTE, Limits
from ragapp.models import Models
from ragapp.readers.base import Reader
from ragapp.reranker import as_read, choose
from ragapp.retriever import Retriever, pin
from ragapp.settings import Settings, changed, load_settings
from ragapp.text import is_unicode
from ragapp.turns import past_turns, store_turn


class RagApp:
    """Documents and the questions asked of them, in one folder of the disk.

    Models load at first use. One instance may be used from several threads; ingest holds a lock that other processes
    respect, and never blocks questions. Once it is closed, whatever needs the index raises `IndexError_`.

    Args:
        settings: Where the index is and which models to use; read from the environment and files by default.
        reader: A reader to use in place of the one that the settings name.
        make: Make the index if there is none.

    Raises:
        RagappError: If the index cannot be used, or there is none and none was to be made.
    """

    def __init__(self, settings: Settings | None = None, reader: Reader | None = None, *, make: bool = True) -> None:
        self.settings = settings or load_settings()
        self.index = Index.open(self.settings.home, make=make)
        self._models = Models(self.settings, self._pinned_encoder, reader)

    @classmethod
    def open(
        cls,
        home: str | Path | None = None,
        *,
        collection: str | None = None,
        reader: Reader | None = None,
        make: bool = True,
    ) -> Self:
        """Open a home folder.

        Args:
            home: The folder; by default what the settings say.
            collection: The collection; by default what the settings say.
            reader: A reader to use in place of the shipped one.
            make: Make the folder and its index if they are missing.

        Returns:
            The app; close it, or use it in a ``with`` statement.

        Raises:
            RagappError: If a setting is wrong, the index cannot be used, or there is none and none was to be made.
        """
        return cls(load_settings({"home": home, "collection": collection}), reader, make=make)

    def varied(self, changes: Mapping[str, object]) -> RagApp:
        """Open the same index under other settings, to compare answers.

        Args:
            changes: Settings that differ, by name.

        Returns:
            An app of its own, to be closed as well; models that the changes leave the same are shared.

        Raises:
            ConfigError: If there is no such setting or its value is wrong.
            ModelError: If a model that they name is not there.
        """
        other = RagApp(changed(self.settings, changes))
        try:
            other._models = self._models.varied(other.settings, other._pinned_encoder)
        except RagappError:
            other.close()
            raise
        return other

    def close(self) -> None:
        """Close the index and let go of the models, whose memory and threads are freed; may be called again."""
        self.index.close()
        self._models.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ingest(
        self,
        paths: Sequence[str | Path] | str | Path,
        *,
        prune: bool = False,
        tags: Sequence[str] = (),
        on_event: Callable[[JobEvent], None] | None = None,
    ) -> JobReport:
        """Take files and folders into the collection; unchanged ones cost nothing.

        Args:
            paths: Files and folders.
            prune: Also remove documents under these paths whose files are gone.
            tags: What all of them are tagged with, unchanged ones too.
            on_event: Called with each event of the job.

        Returns:
            What became of each file; files that could not be read are in it, the others are in the index.

        Raises:
            ConfigError: If a path is empty, or something cannot be a tag.
            RagappError: If the job as a whole cannot run: the index is locked, its encoder differs, the disk is full.
        """
        given = [paths] if isinstance(paths, (str, Path)) else paths
        if "" in given:  # what an unset variable of a shell makes, and to pathlib the folder that one is in
            raise ConfigError("A path is empty.", "ragapp ingest . takes in the folder you are in")
        roots = [Path(os.path.expanduser(path)) for path in given]  # noqa: PTH111 - Path fails on an unknown ~user
        return ingest(
            self.index,
            self.settings.collection,
            roots,
            self.encoder,
            # No more than the encoder sees of a passage, with its two special tokens.
            chunker=Chunker(self.encoder.token_offsets, min(self.settings.chunk_tokens, self.encoder.max_tokens - 2)),
            prune=prune,
            tags=tags,
            limits=Limits(file_bytes=self.settings.max_file_mb * MEGABYTE),
            on_event=on_event,
        )

    def ask(
        self,
        question: str,
        *,
        where: SearchFilter | None = None,
        pinned: Sequence[int] = (),
        conversation: int | None = None,
    ) -> Answer:
        """Answer a question from the documents.

        Args:
            question: The question.
            where: Which documents may be used.
            pinned: Ids of passages to read whatever the question.
            conversation: Answer in the light of this conversation's last turns, and store question and answer in it.

        Returns:
            The answer; ``abstained`` tells whether the documents are held not to hold it.

        Raises:
            RagappError: If the question is blank or not Unicode, there is no such conversation, or the index or a model
                cannot be used.
        """
        for event in self._answer(question, where or SearchFilter(), tuple(pinned), conversation):
            if isinstance(event, AnswerDone):
                return event.answer
        raise AssertionError("an answer ends with AnswerDone")

    def stream(
        self,
        question: str,
        *,
        where: SearchFilter | None = None,
        pinned: Sequence[int] = (),
        conversation: int | None = None,
    ) -> Iterator[Event]:
        """Answer a question as a stream of events; see `ask`.

        Yields:
            Events in order; the last is `AnswerDone` or `Failed`, no error is raised.
        """
        try:
            yield from self._answer(question, where or SearchFilter(), tuple(pinned), conversation)
        except RagappError as error:
            yield Failed(error.message, error.hint, error.exit_code)

    def delete(self, documents: Sequence[str]) -> int:
        """Remove documents; searches no longer find them from here on.

        Args:
            documents: Their names.

        Returns:
            How many were there.
        """
        with self.index.write() as writer:
            return writer.remove(self.collection, documents)

    def tag(self, documents: Sequence[str], *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> int:
        """Give tags to documents and take tags from them; `SearchFilter.tags` looks only into those that have one.

        Args:
            documents: Their names.
            add: Tags that they get.
            remove: Tags that they lose.

        Returns:
            How many were there.

        Raises:
            ConfigError: If something cannot be a tag, or a tag is both to be given and to be taken.
        """
        with self.index.write() as writer:
            return writer.tag(self.collection, documents, add=add, remove=remove)

    @property
    def collection(self) -> Collection:
        """The collection in use.

        Raises:
            CollectionNotFound: If nothing was ingested into it yet.
        """
        return self.index.collection(self.settings.collection)

    @property
    def encoder(self) -> Encoder:
        """The encoder; loaded at first use."""
        return self._models.encoder

    @property
    def reader(self) -> Reader:
        """The reader; loaded at first use."""
        return self._models.reader

    @property
    def checker(self) -> Checker | None:
        """What checks answers, loaded at first use; nothing if that is turned off."""
        return self._models.checker

    @property
    def retriever(self) -> Retriever:
        """Retrieval over the collection as it is now."""
        return Retriever(self.index, self.encoder, self.collection)

    def _answer(
        self, question: str, where: SearchFilter, pinned: tuple[int, ...], conversation: int | None
    ) -> Iterator[Event]:
        if not question.strip():
            raise ConfigError(f"The question {question!r} is blank.", 'ragapp ask "When did it open?"')
        if not is_unicode(question):
            raise ConfigError(f"The question {question!r} is not Unicode.", "leave out what is no character")
        began = time.perf_counter()
        yield RetrievalStarted(question)
        past = () if conversation is None else past_turns(self.index.conversations, conversation)
        asked = standalone(question, past)
        keep = self.settings.passages
        retrieved = self.retriever.retrieve(asked, max(keep, self.settings.rerank), where)
        found = pin(retrieved.passages, self.index.passages(list(pinned)))
        reader = self.reader
        rank_from = time.perf_counter()
        passages, read = choose(reader, asked, found, keep, ranked=self.settings.rerank > 0, pinned=pinned)
        rank_to = time.perf_counter()
        yield PassagesFound(passages)
        read_from = time.perf_counter()
        reading = read([as_read(scored) for scored in passages])
        best = reading.candidates[0] if reading.candidates else None
        seen = signals(asked, reading, passages)
        citations = cite(best, passages) if best else ()
        read_to = time.perf_counter()
        checker, cited = self.checker, cited_passages(citations, passages)
        check_from = time.perf_counter()
        grounding = check_answer(checker, asked, best.text, cited) if best and checker else ()
        checked_to = time.perf_counter()
        certificate, guarantee = self.certificate()
        if certificate:
            supported = min((verdict.p_supported for verdict in grounding), default=None)
            sure = certificate.estimate(features(seen, supported)) if seen else 0.0
            abstained = sure < certificate.threshold
        else:
            sure = self._models.confidence(seen) if seen else 0.0
            abstained = sure < self.settings.abstain_below
        if abstained:
            yield Abstained(sure)
        elif best:
            yield TokenDelta(best.text)
        for number, citation in enumerate(citations, 1):
            yield SpanResolved(number, citation)
        if grounding:
            yield GroundingChecked(grounding)
        now = time.perf_counter()
        answer = Answer(
            question=question,
            understood_as=asked,
            text=best.text if best else "",
            abstained=abstained,
            confidence=sure,
            signals=seen,
            citations=citations,
            alternatives=tuple(Alternative(other.text, other.probability) for other in reading.candidates[1:]),
            passages=passages,
            timings_ms={
                "encode": retrieved.encode_ms,
                "search": retrieved.search_ms,
                "rank": (rank_to - rank_from) * 1e3,
                "read": (read_to - read_from) * 1e3,
                "check": (checked_to - check_from) * 1e3,
                "total": (now - began) * 1e3,
            },
            models=self.models(),
            grounding=grounding,
            guarantee=guarantee,
        )
        if conversation is not None:
            answer = replace(answer, conditions=self._conditions(where, pinned))
            store_turn(self.index.conversations, conversation, answer)
        yield AnswerDone(answer)

    def certificate(self) -> tuple[Certificate | None, Guarantee | None]:
        """Give the certificate that answers are given under.

        Returns:
            The collection's own or else the shipped one, if it holds; and what to tell of it. A certificate of the
            collection that is void is told of and not used; a shipped one for other models, or for another threshold
            than is set, is not spoken of.
        """
        return certificate_in_force(self.settings, self.models(), lambda: self.index.fingerprint(self.collection))

    def models(self) -> ModelHashes:
        """Tell which models answer, by name and hash."""
        encoder, reader, checker = self.encoder.pin, self.reader, self.checker
        return ModelHashes(
            f"{encoder.id}@{encoder.hash}",
            f"{reader.name}@{reader.model_hash}",
            f"{checker.name}@{checker.model_hash}" if checker else "",
        )

    def _pinned_encoder(self) -> str | None:
        """Tell which encoder made the collection's vectors, if there are any."""
        try:
            return self.collection.encoder.id
        except CollectionNotFound:
            return None

    def _conditions(self, where: SearchFilter, pinned: tuple[int, ...]) -> Conditions:
        settings, documents = self.settings, self.index.fingerprint(self.collection)
        return Conditions(
            settings.collection, documents, where, pinned, settings.passages, settings.rerank, settings.abstain_below
        )

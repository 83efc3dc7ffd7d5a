"""What is evaluated: something that answers questions, and the app as such, with each way to retrieve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ragapp.answers import Answer, cited_passages
from ragapp.app import RagApp
from ragapp.evals.datasets.base import EvalQuestion
from ragapp.evals.records import Cited, Retrieval
from ragapp.grounding.answer_check import answer_claims, source_of
from ragapp.indexes.encoder import Encoder
from ragapp.indexes.index import Collection, Index
from ragapp.indexes.types import Hit, Passage, ScoredPassage, SearchFilter, StageScores
from ragapp.reranker import choose
from ragapp.retriever import Retrieved, Retriever
from ragapp.settings import Settings

SUPPORT = "support"
"""Name of the checker's P(supported) among the signals."""


class Response(NamedTuple):
    """What a system says to a question.

    Attributes:
        text: The answer, also if withheld.
        abstained: Whether it was withheld.
        confidence: Estimated probability that it is right; ``None`` if the system gives none.
        signals: What the confidence was made from, by name.
        claims: The answer's claims.
        citations: Places that it cites.
        sources: Texts that its claims should rest on: the passages it cites.
        retrieved: Names of the documents of the passages it read, best first, each once.
        passages: Texts of those passages.
        stages_ms: Milliseconds by stage, ``total`` among them.
    """

    text: str
    abstained: bool
    confidence: float | None
    signals: Mapping[str, float]
    claims: tuple[str, ...]
    citations: tuple[Cited, ...]
    sources: tuple[str, ...]
    retrieved: tuple[str, ...]
    passages: tuple[str, ...]
    stages_ms: Mapping[str, float]


class System(Protocol):
    """Answers questions."""

    @property
    def reader(self) -> str:
        """Name of what answers."""
        ...

    @property
    def retrieval(self) -> Retrieval:
        """How passages are chosen."""
        ...

    @property
    def models(self) -> Mapping[str, str]:
        """Hashes of its models by role."""
        ...

    @property
    def settings(self) -> Mapping[str, float | int | str]:
        """Settings that change its answers, by name."""
        ...

    def respond(self, question: EvalQuestion) -> Response:
        """Answer a question.

        Args:
            question: The question.

        Returns:
            The response.
        """
        ...


class EvalApp(RagApp):
    """The app with another way to retrieve.

    Args:
        settings: As for `RagApp`.
        retrieval: How passages are chosen.
        names: The index's name of each document that questions name, by that name.
        like: An app whose models serve this one, too, where the settings do not ask for others.
    """

    def __init__(
        self, settings: Settings, retrieval: Retrieval, names: Mapping[str, str], like: RagApp | None = None
    ) -> None:
        reranked = retrieval == "reranked"
        super().__init__(settings if reranked else settings.model_copy(update={"rerank": 0}))
        if like:
            self._models = like._models.varied(self.settings, self._pinned_encoder)
        self.retrieval: Retrieval = retrieval
        self.names = names
        self.called = {name: called for called, name in names.items()}
        self.given: tuple[str, ...] = ()
        """Documents that come with the question being asked."""

    @property
    def retriever(self) -> Retriever:
        """Retrieval as was asked for."""
        parts = self.index, self.encoder, self.collection
        match self.retrieval:
            case "dense":
                return _OneSearch(*parts, dense=True)
            case "lexical":
                return _OneSearch(*parts, dense=False)
            case "gold":
                return _Given(*parts, documents=[self.names[document] for document in self.given])
            case _:
                return Retriever(*parts)

    def passages_for(self, question: str) -> tuple[ScoredPassage, ...]:
        """Give the passages that the reader would read, for a system that reads them itself."""
        keep = self.settings.passages
        found = self.retriever.retrieve(question, max(keep, self.settings.rerank)).passages
        return choose(self.reader, question, found, keep, ranked=self.settings.rerank > 0).passages


class AppSystem:
    """The app, as it answers in `ragapp ask`.

    Args:
        app: The app.
        reader: Name of its reader, as it was asked for.
    """

    def __init__(self, app: EvalApp, reader: str) -> None:
        self.app = app
        self.reader = reader

    @property
    def retrieval(self) -> Retrieval:
        """See `System.retrieval`."""
        return self.app.retrieval

    @property
    def models(self) -> Mapping[str, str]:
        """See `System.models`."""
        return app_models(self.app)

    @property
    def settings(self) -> Mapping[str, float | int | str]:
        """See `System.settings`."""
        return app_settings(self.app)

    def respond(self, question: EvalQuestion) -> Response:
        """See `System.respond`."""
        self.app.given = question.given
        answer = self.app.ask(question.question)
        return Response(
            text=answer.text,
            abstained=answer.abstained,
            confidence=answer.confidence,
            signals=_signals(answer),
            claims=tuple(claim for claim, _ in answer_claims(question.question, answer.text)),
            citations=tuple(
                Cited(self.app.called.get(c.document, c.document), c.char_start, c.char_end, c.quote)
                for c in answer.citations
            ),
            sources=tuple(source_of(each) for each in cited_passages(answer.citations, answer.passages)),
            retrieved=retrieved(self.app, answer.passages),
            passages=tuple(scored.passage.text for scored in answer.passages),
            stages_ms=answer.timings_ms,
        )


def app_models(app: EvalApp) -> Mapping[str, str]:
    """Give the hashes of an app's models by role."""
    checker = {"checker": app.checker.model_hash} if app.checker else {}
    return {"encoder": app.encoder.pin.hash, "reader": app.reader.model_hash, **checker}


def app_settings(app: EvalApp) -> Mapping[str, float | int | str]:
    """Give an app's settings that change answers, by name."""
    names = ("passages", "rerank", "abstain_below", "chunk_tokens")
    certificate, _ = app.certificate()
    return {
        **{name: getattr(app.settings, name) for name in names},
        "certificate": certificate.sha256 if certificate else "",
    }


def retrieved(app: EvalApp, passages: Sequence[ScoredPassage]) -> tuple[str, ...]:
    """Name the documents of passages as questions name them, best first, each once."""
    documents = (scored.passage.document for scored in passages)
    return tuple(dict.fromkeys(app.called.get(document, document) for document in documents))


def _signals(answer: Answer) -> dict[str, float]:
    seen = dict(answer.signals._asdict()) if answer.signals else {}
    if answer.grounding:
        seen[SUPPORT] = min(verdict.p_supported for verdict in answer.grounding)
    return seen


class _OneSearch(Retriever):
    """One of the two searches alone."""

    def __init__(self, index: Index, encoder: Encoder, collection: Collection, *, dense: bool) -> None:
        super().__init__(index, encoder, collection)
        self._dense = dense

    def retrieve(self, question: str, k: int = 8, where: SearchFilter | None = None) -> Retrieved:
        """See `Retriever.retrieve`."""
        if self._dense:
            hits = self._index.search_dense(self._collection, self._encoder.encode_query(question), k, where)
        else:
            hits = self._index.search_lexical(self._collection, question, k, where)
        return _scored(self._index.passages([hit.id for hit in hits]), hits, dense=self._dense)


class _Given(Retriever):
    """The passages of the documents that a question comes with."""

    def __init__(self, index: Index, encoder: Encoder, collection: Collection, *, documents: Sequence[str]) -> None:
        super().__init__(index, encoder, collection)
        self._documents = documents

    def retrieve(self, question: str, k: int = 8, where: SearchFilter | None = None) -> Retrieved:
        """See `Retriever.retrieve`; the question plays no part."""
        passages = self._index.document_passages(self._collection, self._documents)[:k]
        return _scored(passages, [Hit(passage.id, 1.0) for passage in passages], dense=True)


def _scored(passages: Sequence[Passage], hits: Sequence[Hit], *, dense: bool) -> Retrieved:
    scores = {hit.id: max(0.0, hit.score) if dense else hit.score / (1 + hit.score) for hit in hits}
    found = (
        ScoredPassage(passage, rank, StageScores(fused=scores[passage.id])) for rank, passage in enumerate(passages, 1)
    )
    return Retrieved(tuple(found), 0.0, 0.0)

"""How often retrieval finds the passage that answers: dense, lexical, fused and re-ranked side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ragapp.app import RagApp
from ragapp.evals.reading import write_corpus
from ragapp.evals.stats import Estimate, bootstrap
from ragapp.readers.base import RankingReader
from ragapp.readers.copy_fid.training.data import QaExample
from ragapp.reranker import rerank

Stage = Literal["dense", "lexical", "fused", "reranked"]
CUTOFFS = (1, 4, 8, 20)


@dataclass(frozen=True, slots=True)
class StageScores:
    """Scores of one stage.

    Attributes:
        recall: Share of questions whose document has a passage among the first k, by k.
        mrr: Mean reciprocal rank of its first passage, 0 beyond the largest k.
    """

    recall: dict[int, Estimate]
    mrr: Estimate


def measure_retrieval(
    app: RagApp,
    contexts: Sequence[QaExample],
    asked: Sequence[QaExample],
    on_done: Callable[[], None] = lambda: None,
) -> dict[Stage, StageScores]:
    """Ingest every context as a document and search for each question's own.

    Args:
        app: An app with an empty home.
        contexts: The examples whose contexts are ingested.
        asked: Answerable ones of them.
        on_done: Called after each question.

    Returns:
        Scores of each stage.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = write_corpus(Path(folder).resolve(), (example.context for example in contexts))
        app.ingest(folder)
        ranks: dict[Stage, list[int | None]] = {stage: [] for stage in get_args(Stage)}
        for example in asked:
            for stage, documents in _rankings(app, example.question).items():
                gold = str(files[example.context])
                ranks[stage].append(documents.index(gold) + 1 if gold in documents else None)
            on_done()
    return {stage: _scores(found) for stage, found in ranks.items()}


def _rankings(app: RagApp, question: str) -> dict[Stage, list[str]]:
    """Names of the documents of the passages that each stage ranks, best first."""
    depth = max(CUTOFFS)
    collection, vector = app.collection, app.encoder.encode_query(question)  # float32 (D,)
    dense = app.index.search_dense(collection, vector, depth)
    lexical = app.index.search_lexical(collection, question, depth)
    fused = app.retriever.retrieve(question, max(depth, app.settings.rerank)).passages
    reader = app.reader
    reranked = rerank(fused, reader.examine(question), depth) if isinstance(reader, RankingReader) else fused
    names = {passage.id: passage.document for passage in app.index.passages([hit.id for hit in (*dense, *lexical)])}
    return {
        "dense": [names[hit.id] for hit in dense],
        "lexical": [names[hit.id] for hit in lexical],
        "fused": [scored.passage.document for scored in fused[:depth]],
        "reranked": [scored.passage.document for scored in reranked],
    }


def _scores(ranks: Sequence[int | None]) -> StageScores:
    recall = {k: bootstrap([float(rank is not None and rank <= k) for rank in ranks]) for k in CUTOFFS}
    return StageScores(recall, bootstrap([1 / rank if rank else 0.0 for rank in ranks]))

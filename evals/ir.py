"""How well an encoder ranks: nDCG@10 on classic test collections, by exact search."""

from __future__ import annotations

import gzip
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragapp.errors import EvalError
from ragapp.evals.stats import Estimate, bootstrap
from ragapp.indexes.encoder import Encoder
from ragapp.indexes.types import embedding_text

DOCUMENTS_FILE, QUERIES_FILE, JUDGEMENTS_FILE = "docs.jsonl.gz", "queries.jsonl.gz", "qrels.tsv.gz"
"""A collection's files: lines ``{"id", "title", "text"}``, lines ``{"id", "text"}``, rows query, 0, document, grade."""


@dataclass(frozen=True, slots=True)
class IrCollection:
    """Documents, queries and which documents answer which query.

    Attributes:
        documents: Text that is encoded, by document id.
        queries: Text by query id.
        judgements: Grade by document id, by query id; 0 is not relevant, a document that is not named neither.
    """

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]


def read_collection(folder: Path) -> IrCollection:
    """Read a test collection.

    Args:
        folder: Folder with `DOCUMENTS_FILE`, `QUERIES_FILE` and `JUDGEMENTS_FILE`.

    Returns:
        The collection.

    Raises:
        EvalError: If a file is missing or is not what it should be.
    """
    try:
        rows = _rows(folder, DOCUMENTS_FILE)
        documents = {row["id"]: embedding_text(row.get("title", ""), row["text"]) for row in rows}
        queries = {row["id"]: row["text"] for row in _rows(folder, QUERIES_FILE)}
        judgements: dict[str, dict[str, int]] = defaultdict(dict)
        with gzip.open(folder / JUDGEMENTS_FILE, "rt", encoding="utf-8") as lines:
            for line in lines:
                query, _, document, grade = line.split()
                judgements[query][document] = int(grade)
    except (OSError, ValueError, KeyError) as error:
        raise EvalError(f"No test collection can be read from {str(folder)!r}: {error}") from error
    return IrCollection(documents, queries, dict(judgements))


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], cutoff: int = 10) -> float:
    """Score a ranking by normalised discounted cumulative gain (Järvelin & Kekäläinen 2002).

    The gain is the grade itself and the discount log2(rank + 1), as trec_eval's ``ndcg_cut`` has them.

    Args:
        ranking: Document ids, best first, none twice.
        grades: Grade by document id; others have 0.
        cutoff: Ranks that count.

    Returns:
        0 to 1; 0 if no document is relevant.
    """
    ideal = _discounted(sorted(grades.values(), reverse=True)[:cutoff])
    return _discounted([grades.get(document, 0) for document in ranking[:cutoff]]) / ideal if ideal else 0.0


def measure_encoder(encoder: Encoder, collection: IrCollection) -> Estimate:
    """Score an encoder by exact search over the whole collection.

    Args:
        encoder: The encoder.
        collection: What it ranks.

    Returns:
        Mean nDCG@10 over the queries that have a relevant document.
    """
    ids = np.array(list(collection.documents))
    documents = encoder.encode_passages(list(collection.documents.values()))  # float32 (N, D)
    scores: list[float] = []
    for query, text in collection.queries.items():
        grades = collection.judgements.get(query, {})
        if any(grade > 0 for grade in grades.values()):
            best = np.argsort(-(documents @ encoder.encode_query(text)), kind="stable")[:10]  # (10,)
            scores.append(ndcg(ids[best].tolist(), grades))
    return bootstrap(scores)


def _discounted(grades: Sequence[int]) -> float:
    return sum(max(grade, 0) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]

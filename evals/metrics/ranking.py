"""Retrieval: hit, recall and reciprocal rank, nDCG and R-precision, as trec_eval computes them.

``gold`` grades the relevant documents by name, all above 0; ``ranking`` names documents, best first, none twice. Every
value is 0 to 1; without a relevant document there is nothing to measure and callers leave the question out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ragapp.evals.ir import ndcg

__all__ = ["first_mentions", "hit", "ndcg", "provenance", "r_precision", "recall", "reciprocal_rank"]


def hit(ranking: Sequence[str], gold: Mapping[str, int], k: int) -> float:
    """Tell whether one of the first k is relevant (trec_eval's ``success``)."""
    return float(any(document in gold for document in ranking[:k]))


def recall(ranking: Sequence[str], gold: Mapping[str, int], k: int) -> float:
    """Give the share of the relevant documents that is among the first k (trec_eval's ``recall``)."""
    return sum(document in gold for document in ranking[:k]) / len(gold)


def reciprocal_rank(ranking: Sequence[str], gold: Mapping[str, int]) -> float:
    """Give 1 / rank of the first relevant document; 0 if there is none (trec_eval's ``recip_rank``)."""
    return next((1 / rank for rank, document in enumerate(ranking, 1) if document in gold), 0.0)


def r_precision(ranking: Sequence[str], gold: Mapping[str, int]) -> float:
    """Give the share of relevant ones among the first R, R being how many there are (trec_eval's ``Rprec``)."""
    return sum(document in gold for document in ranking[: len(gold)]) / len(gold)


def provenance(ranking: Sequence[str], evidence: Sequence[Collection[str]]) -> float:
    """Tell whether the pages of one set of evidence are all at the top: an R-precision of 1, which KILT demands.

    KILT-F1 (Petroni et al. 2021, arXiv:2009.02252, section 5) is token F1 where this holds, and 0 elsewhere. As in
    KILT's own script, the best set of several counts.
    """
    return float(any(set(ranking[: len(pages)]) == set(pages) for pages in evidence))


def first_mentions(documents: Sequence[str]) -> list[str]:
    """Rank documents by their best passage: each stands where it is first named."""
    return list(dict.fromkeys(documents))

"""Ingest speed and memory against the usual recipe, in the same run over the same text.

The usual recipe is what most tutorials build: langchain's recursive splitter at 1000 characters with 200 of overlap,
sentence-transformers in float32, a flat FAISS index.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragapp.app import RagApp
from ragapp.errors import ConfigError
from ragapp.indexes.encoder import default_encoder_folder
from ragapp.settings import Settings

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class IngestComparison:
    """Ingest of the same texts by both, run in turn.

    Attributes:
        text_mb: Megabytes of UTF-8 text.
        rounds: How often each was run.
        ours_mb_per_s: Median megabytes of text a second, from files to a committed index.
        recipe_mb_per_s: Median megabytes of text a second of the usual recipe, from strings to an index in memory.
        ratio: Median of the ratios of the rounds.
        ours_passages: Passages that ragapp made.
        recipe_passages: Chunks that the recipe made.
    """

    text_mb: float
    rounds: int
    ours_mb_per_s: float
    recipe_mb_per_s: float
    ratio: float
    ours_passages: int
    recipe_passages: int


def compare_ingest(texts: Sequence[str], rounds: int = 3) -> IngestComparison:
    """Time both, in turn.

    Args:
        texts: The documents.
        rounds: How often to run each.

    Returns:
        Medians and their ratio.

    Raises:
        ConfigError: If langchain-text-splitters is not installed.
    """
    size_mb = sum(len(text.encode()) for text in texts) / MEGABYTE
    ours: list[float] = []
    recipe: list[float] = []
    ours_passages = recipe_passages = 0
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "corpus"
        corpus.mkdir()
        for number, text in enumerate(texts):
            (corpus / f"{number:06d}.txt").write_text(text, "utf-8")
        _warm_up(corpus)
        model = _recipe_model()
        for number in range(rounds):
            seconds, recipe_passages = _time_recipe(texts, model)
            recipe.append(size_mb / seconds)
            seconds, ours_passages = _time_ours(corpus, Path(name) / f"home-{number}")
            ours.append(size_mb / seconds)
    ratios = [a / b for a, b in zip(ours, recipe, strict=True)]
    return IngestComparison(
        size_mb,
        rounds,
        statistics.median(ours),
        statistics.median(recipe),
        statistics.median(ratios),
        ours_passages,
        recipe_passages,
    )


def _warm_up(corpus: Path) -> None:
    """Load our libraries and weights once, as the recipe's are loaded before its clock starts."""
    with tempfile.TemporaryDirectory() as home:
        _time_ours(next(iter(sorted(corpus.iterdir()))), Path(home))


def _time_ours(corpus: Path, home: Path) -> tuple[float, int]:
    with RagApp(Settings(home=home)) as app:
        _ = app.encoder
        began = time.perf_counter()
        report = app.ingest(corpus)
        return time.perf_counter() - began, report.passages


def _recipe_model() -> object:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(default_encoder_folder()), device="cpu")


def _time_recipe(texts: Sequence[str], model: object) -> tuple[float, int]:
    import faiss
    from sentence_transformers import SentenceTransformer

    try:
        from langchain_text_splitters import RecursiveCharacterTextSplitter
    except ImportError as error:
        raise ConfigError(
            "The comparison needs langchain-text-splitters, which is not installed.", "pip install 'ragapp[dev]'"
        ) from error
    assert isinstance(model, SentenceTransformer)  # noqa: S101 - loaded above, kept out of the signature for its import
    began = time.perf_counter()
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = [chunk for text in texts for chunk in splitter.split_text(text)]
    vectors = model.encode(chunks, batch_size=32, normalize_embeddings=True, show_progress_bar=False)  # (N, D)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return time.perf_counter() - began, len(chunks)

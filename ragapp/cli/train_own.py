"""``ragapp train reader --from … --data mine.csv``: a trained reader learns a person's own questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ragapp.cli.console import narrate, progress, write, write_json
from ragapp.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragapp.app import RagApp
    from ragapp.evals.stats import Estimate
    from ragapp.readers.base import Reader
    from ragapp.readers.copy_fid.training.data import QaExample
    from ragapp.readers.copy_fid.training.mixture import Find


def fine_tune(app: RagApp, data: Path, start_from: str, name: str, lora: int, seed: int, as_json: bool) -> None:
    """Fine-tune a reader on a question file, compare before and after on questions kept back, and register it.

    Args:
        app: The app whose documents the questions are about, and whose home takes the reader in.
        data: The question file.
        start_from: Name or folder of the reader to go on from.
        name: Name of the new reader.
        lora: Rank of the adapters that learn; 0 if the whole reader learns.
        seed: Seed of split, order and distractors.
        as_json: Whether to print JSON.
    """
    import hashlib

    from ragapp.evals.stats import bootstrap
    from ragapp.readers.copy_fid.features import Featurizer
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.copy_fid.training.lora import Adapters
    from ragapp.readers.copy_fid.training.own import load_own, own_settings
    from ragapp.readers.copy_fid.training.start import from_reader
    from ragapp.readers.copy_fid.training.trainer import Trainer
    from ragapp.readers.registry import ReaderCard, find_reader, new_reader, register

    folder, origin = new_reader(app.settings.home, name), find_reader(app.settings.home, Path(start_from))
    own = load_own(data, _find(app), seed)
    for reason, count in sorted(own.dropped.items()):
        narrate(f"{counted(count, 'question')} left out: {reason}")
    questions = counted(len(own.split.train), "question")
    narrate(f"{questions} to learn from, {len(own.split.held_out)} kept back to compare by")
    before = _f1(CopyFidReader.load(origin), own.split.held_out)
    start, digest = from_reader(origin), hashlib.sha256(data.read_bytes()).hexdigest()
    featurizer = Featurizer(start.tokenizer, start.model.config)
    settings = own_settings(own.split.train, featurizer, seed, adapters=lora > 0)
    finish = Adapters(start.model, lora, seed).merge if lora else lambda: None
    trainer = Trainer(folder, start.model, start.tokenizer, own.split.train, settings, digest, finish=finish)
    with progress(settings.steps, "steps", "learning") as advance:
        for _ in trainer.run(lambda _: {}, log_every=1):
            advance(1)
    after = _f1(CopyFidReader.load(folder / "reader"), own.split.held_out)
    register(
        folder,
        ReaderCard(
            name, start_from, len(own.split.train), len(own.split.held_out),
            bootstrap(before).mean, bootstrap(after).mean, digest,
        ),
    )  # fmt: skip
    gain = bootstrap([new - old for new, old in zip(after, before, strict=True)])
    _show({"f1_before": bootstrap(before), "f1_after": bootstrap(after), "gain": gain}, name, as_json)


def _find(app: RagApp) -> Find | None:
    """Give retrieval over the app's documents, if it has any."""
    from ragapp.errors import CollectionNotFound
    from ragapp.reranker import as_read

    try:
        retriever = app.retriever
    except CollectionNotFound:
        return None
    return lambda question: [as_read(scored) for scored in retriever.retrieve(question, 16).passages]


def _f1(reader: Reader, held_out: Sequence[QaExample]) -> list[float]:
    """Token F1 of each question, read among its distractors; of an unanswerable one, whether nothing is found likelier.

    SQuAD 2.0's scoring: an empty answer is right where there is none.
    """
    from ragapp.evals.squad import token_f1
    from ragapp.readers.base import ReaderPassage

    scores: list[float] = []
    for example in held_out:
        reading = reader.read(example.question, [ReaderPassage(example.context, example.title), *example.negatives])
        best = reading.candidates[0] if reading.candidates else None
        says = best.text if best and best.probability > reading.null_probability else ""
        right = token_f1(says, example.references) if example.answer else float(not says)
        scores.append(right)
    return scores


def _show(measured: dict[str, Estimate], name: str, as_json: bool) -> None:
    if as_json:
        write_json({"reader": name, **{key: estimate._asdict() for key, estimate in measured.items()}})
        return
    for key, estimate in measured.items():
        write(f"{key:10} {estimate}")
    if measured["gain"].low <= 0:
        narrate("the interval of the gain holds 0: with so few questions it may be chance")
    narrate(f"use it with RAGAPP_READER={name}")

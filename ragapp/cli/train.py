"""``ragapp train``: make the models that ragapp answers with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ragapp.cli import train_ablations, train_checker, train_confidence, train_own, train_prepare
from ragapp.cli.console import make_folder, narrate, write, write_json, writing
from ragapp.cli.options import CollectionOption, HomeOption, JsonOption, open_app, settings
from ragapp.errors import ConfigError
from ragapp.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.copy_fid.training.data import QaExample
    from ragapp.readers.copy_fid.training.trainer import Progress

app = typer.Typer(help="Train the models that answer.")

_WATCHED = 200
"""How many held-out questions the curve is measured on."""


@app.callback()
def _group() -> None:
    """Train the models that answer."""


app.command()(train_prepare.prepare)
app.command()(train_confidence.confidence)
app.command()(train_checker.checker)
app.command()(train_ablations.ablations)


@app.command()
def reader(
    data: Annotated[Path, typer.Option(help="Folder of a prepared mixture, or questions with contexts and answers.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; the same command goes on where it stopped.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps of the whole run.", min=1)] = 2600,
    start_from: Annotated[str, typer.Option("--from", help="Go on from a reader: its name, folder or 'shipped'.")] = "",
    name: Annotated[str, typer.Option(help="Name of a reader fine-tuned on your questions; default the file's.")] = "",
    lora: Annotated[
        int, typer.Option(help="Fine-tune adapters of this rank on your questions; 0 for the whole reader.", min=0)
    ] = 0,
    encoder: Annotated[str, typer.Option(help="Folder or hub id of a BERT-like encoder; default MiniLM.")] = "",
    decay: Annotated[float, typer.Option(help="Share of the steps over which the rate falls.", min=0, max=1)] = 0.25,
    passages: Annotated[
        str, typer.Option(help="How often a question is read with 1, 2, 3, … passages, separated by commas.")
    ] = "0.5,0.25,0,0.25",
    tokens: Annotated[int, typer.Option(help="Tokens a batch, padding included.", min=256)] = 6144,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 17,
    evaluate_every: Annotated[int, typer.Option(help="Steps between evaluations.", min=1)] = 500,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.", min=1)] = 250,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Processor threads; 0 for one a core.", min=0)] = 0,
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the curve as JSON lines.")] = False,
) -> None:
    """Train a copy-fid reader, or fine-tune one on your own questions.

    With --from and a question file, a trained reader learns your questions in minutes and is registered under a name.
    Otherwise a reader is trained from a prepared mixture; a kill loses at most the steps since the last checkpoint.
    """
    import torch

    from ragapp.indexes.encoder_torch import pick_device
    from ragapp.readers.copy_fid.training.batches import Mixture

    if threads:
        torch.set_num_threads(threads)
    if start_from and not data.is_dir() and out is None:
        with open_app(home, collection, make=True) as app:
            train_own.fine_tune(app, data, start_from, name or data.stem, lora, seed, as_json)
        return
    if out is None:
        raise typer.BadParameter("a run needs a folder", param_hint="--out")
    mixture = Mixture(_probabilities(passages))
    try:
        pick_device(device)
    except ConfigError as error:
        raise ConfigError(error.message, "--device cpu") from error

    from ragapp.indexes.encoder import encoder_folder
    from ragapp.readers.copy_fid.training.data import hold_out
    from ragapp.readers.copy_fid.training.start import from_encoder, from_reader
    from ragapp.readers.copy_fid.training.trainer import Trainer, TrainingSettings
    from ragapp.readers.registry import find_reader

    learned = _learned(data)
    make_folder(out)
    split = hold_out(learned.examples)
    watched = _watched(split.held_out)
    examples = counted(len(split.train), "example")
    narrate(f"{examples} to learn from, {len(watched)} of {len(split.held_out)} held out to watch by")
    recipe = TrainingSettings(
        steps=steps, decay=decay, tokens=tokens, seed=seed, evaluate_every=evaluate_every,
        checkpoint_every=checkpoint_every, mixture=mixture,
    )  # fmt: skip
    if start_from:
        start = from_reader(find_reader(settings(home, collection).home, Path(start_from)))
    else:
        start = from_encoder(encoder_folder(encoder or None), seed)
    trainer = Trainer(out, start.model, start.tokenizer, split.train, recipe, learned.hash, device)
    for progress in trainer.run(lambda reader: _scores(reader, watched)):
        _show(progress, steps, as_json)
    narrate(f"The reader is in {out / 'reader'}; use it with RAGAPP_READER={out / 'reader'}")


@app.command()
def readers(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the readers that were fine-tuned here, with what they gained."""
    from dataclasses import asdict

    from ragapp.readers.registry import list_readers

    cards = list_readers(settings(home, None).home)
    if as_json:
        write_json([asdict(card) for card in cards])
        return
    for card in cards:
        questions = counted(card.held_out, "question")
        write(f"{card.name}  F1 {card.f1_before:.3f} -> {card.f1_after:.3f} on {questions} kept back")
    if not cards:
        narrate("none yet: ragapp train reader --from shipped --data mine.csv")


@app.command()
def curve(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs; one that went on from another after it.")],
    out: Annotated[Path, typer.Option(help="Picture to write: .svg or .png.")],
) -> None:
    """Draw the losses and held-out scores of training runs."""
    from ragapp.evals.curves import draw_training

    if out.suffix not in {".svg", ".png"}:
        raise typer.BadParameter(f"{str(out)!r} is neither .svg nor .png", param_hint="--out")
    with writing(out):
        draw_training(runs, out)
    narrate(f"drawn: {out}")


class _Learned(NamedTuple):
    """What to learn from, and what identifies it."""

    examples: tuple[QaExample, ...]
    hash: str


def _learned(data: Path) -> _Learned:
    """Read a prepared mixture, or a question file as it is."""
    import hashlib

    from ragapp.readers.copy_fid.training.data import load_examples
    from ragapp.readers.copy_fid.training.mixture import read_mixture

    if data.is_dir():
        mixture = read_mixture(data)
        return _Learned(mixture.examples, mixture.report.sha256)
    loaded = load_examples(data)
    for reason, count in sorted(loaded.dropped.items()):
        narrate(f"{counted(count, 'example')} dropped: {reason}")
    return _Learned(loaded.examples, hashlib.sha256(data.read_bytes()).hexdigest())


def _probabilities(given: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in given.split(","))
    except ValueError:
        shares = ()
    if not all(0 <= share < math.inf for share in shares) or not any(shares):
        told = f"{given!r} is not a list of numbers, none below 0 and some above"
        raise typer.BadParameter(told, param_hint="--passages")
    return shares


def _watched(held_out: Sequence[QaExample]) -> list[QaExample]:
    """Choose answerable questions on contexts of a passage's length."""
    import random

    usable = [example for example in held_out if example.answer and len(example.context) < 1400]
    return random.Random(1).sample(usable, min(_WATCHED, len(usable)))


def _scores(reader: CopyFidReader, watched: Sequence[QaExample]) -> Mapping[str, float]:
    from ragapp.evals.reading import read_gold

    if not watched:
        return {}
    gold, among = read_gold(reader, watched), read_gold(reader, watched, distractors=min(3, len(watched) - 1))
    return {
        "em": gold.exact_match.mean,
        "f1": gold.f1.mean,
        "em_among_4": among.exact_match.mean,
        "f1_among_4": among.f1.mean,
    }


def _show(progress: Progress, steps: int, as_json: bool) -> None:
    if as_json:
        write_json(progress._asdict())
        return
    scores = "".join(f"  {name} {value:.3f}" for name, value in progress.scores.items())
    narrate(
        f"step {progress.step}/{steps}  loss {progress.span_loss:.2f} + {progress.passage_loss:.2f}"
        f"  {progress.questions_per_s:.1f} questions/s{scores}"
    )

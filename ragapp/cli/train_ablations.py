"""``ragapp train ablations``: what each choice of the reader's recipe is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.console import progress, write, write_json
from ragapp.cli.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.copy_fid.training.ablations import Outcome


def ablations(
    data: Annotated[Path, typer.Option(help="Folder of a prepared mixture.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder of the runs; the same command goes on where it stopped.")],
    variant: Annotated[
        list[str] | None, typer.Option(help="A variant to run; may be repeated. All by default.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps of each run.", min=4)] = 300,
    encoder: Annotated[str, typer.Option(help="Folder or hub id of a BERT-like encoder; default MiniLM.")] = "",
    count: Annotated[int, typer.Option("-n", help="Held-out questions to score by.", min=2)] = 500,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 17,
    as_json: JsonOption = False,
) -> None:
    """Train short runs that differ in one choice each, and compare them on held-out articles.

    The first variant given is what the others are compared with, question by question.
    """
    import random

    from ragapp.errors import ConfigError, TrainingError
    from ragapp.evals.reading import gold_answers
    from ragapp.evals.squad import token_f1
    from ragapp.indexes.encoder import encoder_folder
    from ragapp.readers.copy_fid.training.ablations import VARIANTS, Ablations, ablation_settings
    from ragapp.readers.copy_fid.training.data import hold_out
    from ragapp.readers.copy_fid.training.mixture import read_mixture

    names = {each.name: each for each in VARIANTS}
    if unknown := [name for name in variant or [] if name not in names]:
        raise ConfigError(f"There is no variant {unknown[0]!r}.", f"choose from {', '.join(names)}")
    mixture = read_mixture(data)
    split = hold_out(mixture.examples)
    usable = [each for each in split.held_out if each.answer and len(each.context) < 1400]
    watched = random.Random(seed).sample(usable, min(count, len(usable)))
    if len(watched) < 2:
        raise TrainingError(
            f"Of the articles in {str(data)!r} that are kept back, {len(watched)} questions can be scored.",
            "prepare a mixture of more articles",
        )

    def score(reader: CopyFidReader) -> tuple[list[float], list[float]]:
        alone, among = (gold_answers(reader, watched, distractors, seed) for distractors in (0, 3))
        return (
            [token_f1(answer, each.references) for answer, each in zip(alone, watched, strict=True)],
            [token_f1(answer, each.references) for answer, each in zip(among, watched, strict=True)],
        )

    settings = ablation_settings(steps, seed)
    runs = Ablations(out, encoder_folder(encoder or None), split.train, mixture.report.sha256, settings, score)
    outcomes: list[Outcome] = []
    for chosen in [names[name] for name in variant or names]:
        with progress(steps, "steps", chosen.told) as advance:
            outcomes.append(runs.run(chosen, lambda: advance(1)))
    if as_json:
        write_json([record(outcomes[0], each) for each in outcomes])
    else:
        for line in table(outcomes):
            write(line)


def record(plain: Outcome, outcome: Outcome) -> dict[str, object]:
    """Compare a variant with the plain one, question by question.

    Args:
        plain: What the plain recipe came to.
        outcome: What the variant came to.

    Returns:
        The figures as plain JSON types.
    """
    from ragapp.evals.stats import bootstrap

    def change(values: Sequence[float], plain_values: Sequence[float]) -> dict[str, float]:
        return bootstrap([new - old for new, old in zip(values, plain_values, strict=True)])._asdict()

    return {
        "variant": outcome.variant,
        "questions": outcome.questions,
        "cpu_s": outcome.cpu_s,
        "f1": bootstrap(outcome.f1)._asdict(),
        "f1_change": change(outcome.f1, plain.f1),
        "f1_among_4": bootstrap(outcome.f1_among)._asdict(),
        "f1_among_4_change": change(outcome.f1_among, plain.f1_among),
    }


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lay outcomes out as a Markdown table.

    Args:
        outcomes: What the variants came to; the first is what the others are compared with.

    Yields:
        Lines.
    """
    from ragapp.evals.stats import bootstrap
    from ragapp.readers.copy_fid.training.ablations import VARIANTS

    told = {each.name: each.told for each in VARIANTS}
    yield "| variant | F1, passage given | change | F1 among four | change | questions | processor s a step |"
    yield "|---|---|---|---|---|---|---|"
    for each in outcomes:
        alone, among = bootstrap(each.f1), bootstrap(each.f1_among)
        changes = [
            bootstrap([new - old for new, old in zip(values, plain, strict=True)])
            for values, plain in ((each.f1, outcomes[0].f1), (each.f1_among, outcomes[0].f1_among))
        ]
        shown = ["–" if each is outcomes[0] else f"{c.mean:+.3f} [{c.low:+.3f}, {c.high:+.3f}]" for c in changes]
        yield (
            f"| {told[each.variant]} | {alone.mean:.3f} | {shown[0]} | {among.mean:.3f} | {shown[1]} "
            f"| {each.questions:,} | {each.cpu_s:.2f} |"
        )

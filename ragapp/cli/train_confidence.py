"""``ragapp train confidence``: fit how sure a reader may be to answers it gave."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.console import narrate, progress, write, write_json
from ragapp.cli.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragapp.readers.copy_fid.training.data import QaExample


def confidence(
    data: Annotated[Path, typer.Option(help="Folder of a prepared mixture; its held-out articles are asked about.")],
    reader: Annotated[Path, typer.Option(help="Folder of the reader; its confidence.json is written there.")],
    count: Annotated[int, typer.Option("-n", help="How many questions.", min=50)] = 800,
    seed: Annotated[int, typer.Option(help="Seed of the choice of questions.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Ask questions that training kept back, and fit the confidence of the answers to whether they were right."""
    from ragapp.app import RagApp
    from ragapp.confidence import save_confidence
    from ragapp.evals.confidence import fit_confidence, see_answers
    from ragapp.settings import Settings

    asked = _asked(data, count, seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        with (
            RagApp(Settings(home=root / "home", reader=reader, checker="off")) as ragapp,
            progress(len(asked), "questions", "asking") as advance,
        ):
            seen = see_answers(ragapp, root / "corpus", asked, lambda: advance(1))
    fitted = fit_confidence(seen)
    save_confidence(fitted.model, reader)
    measured = {"auroc_right": fitted.auroc_right, "auroc_answerable": fitted.auroc_answerable, "n": fitted.n}
    if as_json:
        write_json({**measured, "bias": fitted.model.bias, "weights": fitted.model.weights._asdict()})
        return
    for name, weight in [("bias", fitted.model.bias), *fitted.model.weights._asdict().items()]:
        write(f"{name:16} {weight:.3f}")
    narrate(
        f"AUROC, cross-fitted over {fitted.n} answers: right {fitted.auroc_right:.3f},"
        f" answerable {fitted.auroc_answerable:.3f}"
    )


def _asked(data: Path, count: int, seed: int) -> Sequence[QaExample]:
    """Draw held-out questions, a quarter of them unanswerable as far as there are such."""
    from ragapp.readers.copy_fid.training.data import hold_out
    from ragapp.readers.copy_fid.training.mixture import read_mixture

    held_out = list(hold_out(read_mixture(data).examples).held_out)
    random.Random(seed).shuffle(held_out)
    unanswerable = [example for example in held_out if example.answer is None][: count // 4]
    answerable = [example for example in held_out if example.answer][: count - len(unanswerable)]
    asked = [*answerable, *unanswerable]
    random.Random(seed).shuffle(asked)
    return asked

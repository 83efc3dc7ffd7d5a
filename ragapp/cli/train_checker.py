"""``ragapp train checker``: make the model that judges claims by their sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ragapp.cli.console import make_folder, narrate, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ragapp.evals.checking import ScoredClaim
    from ragapp.grounding.cross_check import CrossChecker
    from ragapp.grounding.training.data import LabelledClaim
    from ragapp.grounding.training.made import MadeClaims
    from ragapp.grounding.training.trainer import Progress

_MADE_WATCHED = 300
"""How many made claims of held-out articles are watched beside the labelled ones."""


def checker(
    data: Annotated[
        list[Path], typer.Option(help="Labelled claims, or questions that claims are made from; repeat for more files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command goes on where it stopped.")],
    claims: Annotated[int, typer.Option(help="Claims of the whole run.", min=1)] = 51_200,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Folder of a reader or a BERT-like encoder; default the shipped reader."),
    ] = None,
    made: Annotated[float, typer.Option(help="Share of claims made from questions.", min=0, max=1)] = 0.6,
    tokens: Annotated[int, typer.Option(help="Tokens a batch, padding included.", min=256)] = 3072,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 17,
    evaluate_every: Annotated[int, typer.Option(help="Blocks of 256 claims between evaluations.", min=1)] = 20,
    threads: Annotated[int, typer.Option(help="Processor threads; 0 for one a core.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the curve as JSON lines.")] = False,
) -> None:
    """Train a grounding checker; Ctrl-C or a kill loses at most the claims since the last checkpoint."""
    import torch

    from ragapp.grounding.features import Featurizer
    from ragapp.grounding.training.plan import Plan
    from ragapp.grounding.training.trainer import Trainer, TrainingSettings, initial_model
    from ragapp.readers.registry import SHIPPED

    if threads:
        torch.set_num_threads(threads)
    learned = _learned(data)
    make_folder(out)
    settings = TrainingSettings(claims=claims, tokens=tokens, seed=seed, evaluate_every=evaluate_every, share_made=made)
    model, tokenizer = initial_model(encoder or SHIPPED, seed)
    plan = Plan(learned.claims, learned.made, Featurizer(tokenizer, model.config), made, tokens, seed)
    trainer = Trainer(out, model, tokenizer, plan, settings, learned.hash)
    scores: Mapping[str, float] = {}
    for progress in trainer.run(lambda trained: _scores(trained, learned.held_out)):
        _show(progress, claims, as_json)
        scores = progress.scores
    scores = scores or _scores(trainer.checker(), learned.held_out)  # of a run that had ended before
    folder = trainer.export(scores.get("threshold", 0.5))
    narrate(f"The checker is in {folder}; use it with RAGAPP_CHECKER={folder}")


class _Learned(NamedTuple):
    """What to learn from, what to watch by, and what identifies it."""

    claims: tuple[LabelledClaim, ...]
    made: MadeClaims
    held_out: tuple[LabelledClaim, ...]
    hash: str


def _learned(paths: Sequence[Path]) -> _Learned:
    """Read files of claims and of questions, and hold out sources and articles of both."""
    import hashlib
    import random

    from ragapp.grounding.training.data import hold_out, is_claims, load_claims, summary
    from ragapp.grounding.training.made import MadeClaims, written_claims
    from ragapp.readers.copy_fid.training.data import hold_out as hold_out_questions
    from ragapp.readers.copy_fid.training.data import load_examples

    digest = hashlib.sha256()
    for path in paths:
        labelled_file = is_claims(path)
        digest.update(hashlib.sha256(path.read_bytes()).digest() + bytes([labelled_file]))
    labelled = [claim for path in paths if is_claims(path) for claim in load_claims(path)]
    split = hold_out(labelled)
    files = [path for path in paths if not is_claims(path)]
    questions = hold_out_questions(load_examples(*files).examples if files else ())
    rng = random.Random(1)
    watched = MadeClaims(questions.held_out)
    extra = [
        watched.make(rng.randrange(len(watched)), place % 2 == 0, rng) for place in range(_MADE_WATCHED * bool(watched))
    ]
    written = written_claims(questions.held_out)
    held_out = (*split.held_out, *written, *(claim for claim in extra if claim is not None))
    made, train = MadeClaims(questions.train), (*split.train, *written_claims(questions.train))
    narrate(f"labelled claims, supported + not: {summary(train)}; questions to make claims from: {len(made)}")
    narrate(f"held out: {summary(held_out)}")
    return _Learned(train, made, held_out, digest.hexdigest())


def _scored(checker: CrossChecker, held_out: Sequence[LabelledClaim]) -> list[ScoredClaim]:
    from ragapp.evals.checking import LabelledPair, judge_all
    from ragapp.grounding.base import ClaimPair

    return judge_all(
        checker,
        [
            LabelledPair(ClaimPair(each.source, each.claim), each.supported, each.dataset.partition("/")[0])
            for each in held_out
        ],
    )


def _scores(checker: CrossChecker, held_out: Sequence[LabelledClaim]) -> Mapping[str, float]:
    from ragapp.evals.checking import ALL, at_threshold, best_threshold, score_by_dataset

    scored = _scored(checker, held_out)
    if len({claim.supported for claim in scored}) < 2:
        return {}
    threshold = best_threshold(scored)
    found = dict(score_by_dataset(at_threshold(scored, threshold)))
    found.pop(ALL)
    balanced = {name: scores.balanced_accuracy.mean for name, scores in found.items()}
    ranked = {f"{name}_auroc": scores.auroc for name, scores in found.items()}
    return {"mean": sum(balanced.values()) / max(1, len(balanced)), "threshold": threshold, **balanced, **ranked}


def _show(progress: Progress, claims: int, as_json: bool) -> None:
    if as_json:
        write_json(progress._asdict())
        return
    scores = "".join(f"  {name} {value:.3f}" for name, value in progress.scores.items())
    narrate(
        f"{progress.claims}/{claims} claims  loss {progress.verdict_loss:.3f} + {progress.doubt_loss:.3f}"
        f" + {progress.evidence_loss:.3f}  {progress.claims_per_s:.1f} claims/s{scores}"
    )

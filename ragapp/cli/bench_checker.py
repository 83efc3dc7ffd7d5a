"""``ragapp bench checker``: how well and how fast a checker judges labelled claims, beside two simple baselines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.check import open_checker
from ragapp.cli.console import narrate, progress, write, write_json
from ragapp.cli.options import JsonOption, settings
from ragapp.errors import EvalError

if TYPE_CHECKING:
    from ragapp.evals.checking import CheckingScores

_WARM_UP = 16
"""Pairs that are judged before the clock starts: the first batches of a process are slow."""


def checker(
    data: Annotated[Path, typer.Option("--data", help="Labelled claims: source, claim, grounded, dataset.")],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", help="What it learned from: leave out the claims that it may know.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--checker", help="Folder or hub id of another checker.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge labelled claims: balanced accuracy and AUROC by dataset, beside word overlap and embedding similarity.

    The checker judges at its own threshold. The baselines get the threshold that suits this very file best.
    """
    from ragapp.evals.checking import (
        LabelledPair,
        ScoredClaim,
        at_threshold,
        best_threshold,
        embedding_similarity,
        judge_all,
        lexical_overlap,
        score_by_dataset,
    )
    from ragapp.grounding.base import ClaimPair
    from ragapp.grounding.training.data import apart_from, load_claims
    from ragapp.indexes.encoder import load_encoder

    claims = load_claims(data)
    if against is not None:
        claims = apart_from(claims, load_claims(against))
    if len({claim.supported for claim in claims}) < 2:
        raise EvalError(
            f"The claims to judge, {len(claims)} of {str(data)!r}, are of one label only.",
            "give supported and unsupported ones",
        )
    labelled = [LabelledPair(ClaimPair(each.source, each.claim), each.supported, each.dataset) for each in claims]
    pairs = [each.pair for each in labelled]
    given = settings(None, None, checker=name)
    judge = open_checker(given)
    judge.check(pairs[:_WARM_UP])
    began = time.perf_counter()
    with progress(len(labelled), "claims", "checking") as advance:
        table = {judge.name: score_by_dataset(judge_all(judge, labelled, advance))}
    per_s = len(pairs) / (time.perf_counter() - began)
    encoder = load_encoder(device=given.device, threads=given.threads or None)
    for baseline, scores in (
        ("word overlap", [lexical_overlap(pair) for pair in pairs]),
        ("embedding similarity", embedding_similarity(encoder, pairs)),
    ):
        scored = [ScoredClaim(each.dataset, each.supported, p, False) for each, p in zip(labelled, scores, strict=True)]
        of_all = [claim._replace(dataset="") for claim in scored]
        table[baseline] = score_by_dataset(at_threshold(scored, best_threshold(of_all)))
    _report(table, per_s, as_json)


def _report(table: Mapping[str, Mapping[str, CheckingScores]], per_s: float, as_json: bool) -> None:
    if as_json:
        rows = {name: {key: _plain(scores) for key, scores in found.items()} for name, found in table.items()}
        write_json({"checkers": rows, "pairs_per_s": round(per_s, 1)})
        return
    write(f"{'checker':22} {'dataset':22} {'balanced accuracy':22} AUROC  supported")
    for name, found in table.items():
        for dataset, scores in found.items():
            estimate = scores.balanced_accuracy
            interval = f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
            write(f"{name:22} {dataset:22} {interval:22} {scores.auroc:.3f}  {scores.supported} of {scores.claims}")
    narrate(f"{per_s:.1f} pairs/s")


def _plain(scores: CheckingScores) -> dict[str, object]:
    return {
        "balanced_accuracy": scores.balanced_accuracy._asdict(),
        "auroc": round(scores.auroc, 4),
        "claims": scores.claims,
        "supported": scores.supported,
    }

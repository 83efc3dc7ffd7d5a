"""``ragapp calibrate``: labelled questions become a threshold with a certified error rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.console import narrate, write, write_json, writing
from ragapp.cli.eval import CountOption, FormatOption, SeedOption, evaluate, load
from ragapp.cli.options import CollectionOption, HomeOption, JsonOption, settings
from ragapp.errors import ConfigError, EvalError, ExitCode
from ragapp.text import counted

if TYPE_CHECKING:
    from ragapp.evals.certify import Calibrated


def calibrate(
    data: Annotated[Path, typer.Option("--data", help="Labelled questions, some of them not answered anywhere.")],
    format_: FormatOption = None,
    max_error: Annotated[
        float | None, typer.Option(help="Largest share of wrong answers among those given; 0.05 if left out.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Certify confidence and threshold as they are, at the error rate they have.")
    ] = False,
    confidence: Annotated[float, typer.Option(help="How sure that must be.")] = 0.95,
    output: Annotated[
        Path | None,
        typer.Option(help="Write the certificate to this file, not to the collection.", show_default=False),
    ] = None,
    count: CountOption = 0,
    seed: SeedOption = 0,
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose on one half of the questions below which confidence to withhold an answer, and certify it on the other.

    Answers are then given under the certificate until documents, models or settings change.
    """
    import math

    from ragapp.app import RagApp
    from ragapp.calibration import Pinned, certificate_path, save_certificate
    from ragapp.confidence import load_confidence
    from ragapp.evals.certify import FEWEST, calibrate, certificate, certify_kept
    from ragapp.evals.prepare import choose
    from ragapp.evals.run import load_judge
    from ragapp.indexes.index import Index
    from ragapp.readers.registry import find_reader

    if keep and max_error is not None:
        raise ConfigError("--keep takes the error rate as it is, --max-error chooses one.", "leave one of the two out")
    error = 0.05 if max_error is None else max_error
    for name, value, usual in (("--max-error", error, "0.05"), ("--confidence", confidence, "0.95")):
        if not 0 < value < 1:
            raise ConfigError(f"{name} cannot be {value:g}: it is a share between 0 and 1.", f"{name} {usual}")
    if output and output.is_dir():
        raise ConfigError(f"The certificate {str(output)!r} is a folder.", f"--output {output / 'certificate.json'}")
    dataset, given = load(data, format_), settings(home, collection)
    labelled = sum(question.answers is not None for question in choose(dataset.questions, count, seed))
    if labelled < FEWEST:
        hint = f"label at least {FEWEST} questions, some of which the documents do not answer"
        raise EvalError(f"{labelled} labelled questions are too few.", hint)
    with Index.open(given.home, make=dataset.own_documents) as index:
        judge, reader = load_judge("shipped", given), str(given.reader or "shipped")
        (run,) = evaluate(dataset, given, [reader], ["reranked"], judge, index.evaluations, count, seed)
    if keep:
        model = load_confidence(find_reader(given.home, given.reader))
        found = certify_kept(run.items(), model, given.abstain_below, confidence)
        error = math.ceil(100 * found.certified.bound) / 100
    else:
        found = calibrate(run.items(), error, confidence, seed)
    certified = found.certified.bound <= error
    if certified:
        with RagApp(given) as ragapp:
            models = ragapp.models()
        pinned = Pinned(*models, given.passages, given.rerank)
        name = dataset.name if dataset.own_documents else given.collection
        hashes = run.manifest.collection_sha256, dataset.sha256
        made = certificate(found, error, confidence, name, *hashes, pinned)
        own = None if dataset.own_documents else certificate_path(given.home, given.collection)
        if path := output or own:
            with writing(path):
                save_certificate(made, path)
            narrate(f"written to {path}")
        else:
            narrate("not written: the questions bring documents of their own; --output FILE writes it to a file")
        sentence = made.sentence
    else:
        sentence = _refusal(found, error, confidence)
    _report(found, certified, sentence, as_json)
    if not certified:
        raise typer.Exit(ExitCode.GATE)


def _refusal(found: Calibrated, max_error: float, confidence: float) -> str:
    done = found.certified
    what = (
        f"no certificate: {done.wrong} of {done.answered} answers were wrong where it counts, which bounds the error"
        f" rate at {100 * done.bound:.1f} %, not {100 * max_error:g} %, with {100 * confidence:g} % confidence"
    )
    if found.more_labels is None:
        return f"{what}; more labels would not help, a larger --max-error would"
    return f"{what}; about {counted(found.more_labels, 'more labelled question')} would do"


def _report(found: Calibrated, certified: bool, sentence: str, as_json: bool) -> None:
    if as_json:
        record = found._asdict() | {"chosen": found.chosen._asdict(), "certified": found.certified._asdict()}
        write_json({"holds": certified, "sentence": sentence, **record})
        return
    write(sentence)
    narrate(f"AUROC of the confidence, right against wrong or unanswerable, cross-fitted: {found.auroc:.3f}")
    narrate(f"answers are withheld below a confidence of {found.threshold:.3f}; weights of the signals:")
    for name, weight in found.weights.items():
        narrate(f"  {name:14} {weight:.3f}")

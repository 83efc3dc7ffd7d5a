"""``ragapp bench``: quality, speed and memory, measured where you are."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ragapp.cli import bench_checker
from ragapp.cli.console import narrate, progress, write, write_json
from ragapp.cli.options import JsonOption
from ragapp.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragapp.readers.copy_fid.training.data import QaExample

app = typer.Typer(help="Measure quality, speed and memory, against the usual recipe.")

DataOption = Annotated[Path, typer.Option("--data", help="Questions with contexts and answers: .jsonl or .jsonl.gz.")]
CountOption = Annotated[int, typer.Option("-n", help="How many questions; 0 for all.", min=0)]
ReaderOption = Annotated[Path | None, typer.Option(help="Folder of a reader; default the shipped one.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the choice of questions.")]


@app.callback()
def _group() -> None:
    """Measure quality, speed and memory, against the usual recipe."""


app.command("checker")(bench_checker.checker)


@app.command()
def reading(
    data: DataOption,
    count: CountOption = 500,
    seed: SeedOption = 0,
    reader: ReaderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the passage that answers: exact match and token F1."""
    from ragapp.evals.reading import read_gold
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.registry import SHIPPED

    examples = _chosen(data, count, seed, answerable=True)
    scores = read_gold(CopyFidReader.load(reader or SHIPPED), examples)
    _report({"exact_match": scores.exact_match, "f1": scores.f1}, as_json)


@app.command()
def search(
    data: DataOption,
    count: CountOption = 200,
    seed: SeedOption = 0,
    reader: ReaderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search eight passages for the best span: exactly, by a beam and greedily."""
    from ragapp.evals.search import compare_strategies
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.registry import SHIPPED

    examples = _chosen(data, count, seed, answerable=True)
    with progress(len(examples), "questions", "searching") as advance:
        compared = compare_strategies(CopyFidReader.load(reader or SHIPPED), examples, on_done=lambda: advance(1))
    measured = {
        f"{strategy} {name}": getattr(scores, name)
        for strategy, scores in compared.items()
        for name in ("exact_match", "f1", "certain", "ms")
    }
    _report(measured, as_json)


@app.command()
def precision(
    data: DataOption,
    count: CountOption = 500,
    seed: SeedOption = 0,
    reader: ReaderOption = None,
    runtime: Annotated[
        Literal["torch", "onnx", "onnx-int8"], typer.Option(help="What runs the encoder: as it is used here, or ONNX.")
    ] = "torch",
    as_json: JsonOption = False,
) -> None:
    """Read eight passages as ragapp does here and in float32: how often the answers are the same, and how fast."""
    from ragapp.evals.onnx_runtime import OnnxReader
    from ragapp.evals.runtime import measure_agreement
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.registry import SHIPPED

    examples, folder = _chosen(data, count, seed, answerable=True), reader or SHIPPED
    with tempfile.TemporaryDirectory() as scratch:
        if runtime == "torch":
            here = CopyFidReader.load(folder)
            precision = str(next(here.model.parameters()).dtype).removeprefix("torch.")
        else:
            narrate("exporting the encoder …")
            precision = "float32" if runtime == "onnx" else "int8"
            here = OnnxReader(folder, Path(scratch), precision)
        with progress(len(examples), "questions", "reading twice") as advance:
            agreement = measure_agreement(
                here, f"{runtime.partition('-')[0]} {precision}", folder, examples, lambda: advance(1)
            )
    _report({field.name: getattr(agreement, field.name) for field in dataclasses.fields(agreement)}, as_json)


@app.command("open")
def open_book(
    data: DataOption,
    count: CountOption = 500,
    seed: SeedOption = 0,
    reader: ReaderOption = None,
    curve: Annotated[Path | None, typer.Option(help="Draw the risk-coverage curve to this .svg or .png.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ingest every context of the file, ask questions of all of them: the whole way from question to answer."""
    from ragapp.app import RagApp
    from ragapp.evals.curves import draw_risk_coverage, risk_coverage
    from ragapp.evals.reading import ask_all
    from ragapp.settings import Settings

    everything = _chosen(data, 0, seed, answerable=False)
    asked = _chosen(data, count, seed, answerable=False)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        with (
            RagApp(Settings(home=root / "home", reader=reader)) as ragapp,
            progress(len(asked), "questions", "asking") as advance,
        ):
            scores = ask_all(ragapp, root / "corpus", everything, asked, lambda: advance(1))
    curved = risk_coverage(scores.confidences, scores.right)
    if curve:
        draw_risk_coverage(curved, curve)
    measured: dict[str, object] = {
        "exact_match": scores.reading.exact_match,
        "f1": scores.reading.f1,
        "quotes_equal_source": scores.quotes_exact,
        "auroc_answerable": round(scores.answerable_auroc, 4),
        "auroc_right": round(scores.right_auroc, 4),
        "aurc": round(curved.area, 4),
        "rank_ms": scores.rank_ms,
        "read_ms": scores.read_ms,
        "total_ms": scores.total_ms,
    }
    _report(measured, as_json)


@app.command()
def followup(as_json: JsonOption = False) -> None:
    """Ask pairs of questions over the sample documents, the second leaving out what the first names."""
    from ragapp.app import RagApp
    from ragapp.evals.followup import measure_followups, read_followups
    from ragapp.settings import Settings

    samples = Path(__file__).parents[1] / "samples"
    pairs = read_followups(samples / "followups.jsonl")
    with (
        tempfile.TemporaryDirectory() as home,
        RagApp(Settings(home=Path(home))) as ragapp,
        progress(len(pairs), "pairs", "asking") as advance,
    ):
        ragapp.ingest(samples / "documents")
        scores = measure_followups(ragapp, pairs, lambda: advance(1))
    _report(scores._asdict(), as_json)


@app.command()
def retrieval(
    data: DataOption,
    count: CountOption = 0,
    seed: SeedOption = 0,
    reader: ReaderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the context of each question among all contexts: dense, lexical, fused and re-ranked side by side."""
    from ragapp.app import RagApp
    from ragapp.evals.retrieval import measure_retrieval
    from ragapp.settings import Settings

    contexts = _chosen(data, 0, seed, answerable=False)
    asked = _chosen(data, count, seed, answerable=True)
    with (
        tempfile.TemporaryDirectory() as home,
        RagApp(Settings(home=Path(home), reader=reader)) as ragapp,
        progress(len(asked), "questions", "searching") as advance,
    ):
        stages = measure_retrieval(ragapp, contexts, asked, lambda: advance(1))
    measured: dict[str, object] = {
        f"{stage} {name}": value
        for stage, scores in stages.items()
        for name, value in (
            {f"recall@{k}": recall for k, recall in scores.recall.items()} | {"mrr": scores.mrr}
        ).items()
    }
    _report(measured, as_json)


@app.command()
def ingest(
    data: Annotated[
        Path | None, typer.Option("--data", help="Questions whose contexts to ingest; default samples.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each is run, in turn.", min=1)] = 3,
    as_json: JsonOption = False,
) -> None:
    """Ingest the same texts as the usual recipe: megabytes of text a second, as a ratio."""
    from ragapp.evals.throughput import compare_ingest

    if data:
        texts = list(dict.fromkeys(example.context for example in _chosen(data, 0, 0, answerable=False)))
    else:
        texts = [path.read_text("utf-8") for path in _sample_texts()]
    narrate(f"{counted(len(texts), 'text')}, {counted(rounds, 'round')} of both")
    _report(dataclasses.asdict(compare_ingest(texts, rounds)), as_json)


@app.command()
def encoder(
    data: Annotated[Path, typer.Option("--data", help="Folder of test collections: docs, queries and qrels each.")],
    model: Annotated[str, typer.Option(help="Folder or hub id of an encoder; default the default one.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Rank the documents of test collections by exact search: nDCG@10 of the encoder alone."""
    from ragapp.evals.ir import DOCUMENTS_FILE, measure_encoder, read_collection
    from ragapp.indexes.encoder import load_encoder

    loaded = load_encoder(model or None)
    folders = sorted(path.parent for path in data.glob(f"**/{DOCUMENTS_FILE}"))
    _report({f"{folder.name} ndcg@10": measure_encoder(loaded, read_collection(folder)) for folder in folders}, as_json)


@app.command()
def ask(
    passages: Annotated[int, typer.Option(help="About how many passages to ask over.", min=1)] = 10_000,
    as_json: JsonOption = False,
) -> None:
    """Ask over many passages, warm and cold, and tell the memory that ingest and asking took."""
    from ragapp.app import RagApp
    from ragapp.evals.latency import measure_ask, peak_rss_mb, write_large_corpus
    from ragapp.settings import Settings

    samples = Path(__file__).parents[1] / "samples"
    questions = [json.loads(line)["question"] for line in (samples / "questions.jsonl").read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write_large_corpus(root / "corpus", _sample_texts(), passages)
        with RagApp(Settings(home=root / "home")) as ragapp:
            report = ragapp.ingest([root / "corpus", samples / "documents"])
            measured: dict[str, object] = {
                "ingest_passages_per_s": round(report.passages / report.seconds, 1),
                "ingest_peak_rss_mb": round(peak_rss_mb()),
                **dataclasses.asdict(measure_ask(ragapp, questions)),
            }
    _report(measured, as_json)


@app.command()
def chat(as_json: JsonOption = False) -> None:
    """Open the chat, a long conversation and a long answer in it, and stop one: times and memory."""
    from ragapp.app import RagApp
    from ragapp.settings import Settings
    from ragapp.tui.speed import measure_chat

    documents = Path(__file__).parents[1] / "samples" / "documents"
    with tempfile.TemporaryDirectory() as folder, RagApp(Settings(home=Path(folder).resolve())) as ragapp:
        ragapp.ingest(documents)
        measured = dataclasses.asdict(measure_chat(ragapp, "When did the Forth Bridge open?"))
    _report(measured, as_json)


def _chosen(data: Path, count: int, seed: int, *, answerable: bool) -> Sequence[QaExample]:
    """Read examples and draw some of them."""
    import random

    from ragapp.readers.copy_fid.training.data import load_examples

    usable = [example for example in load_examples(data).examples if example.answer or not answerable]
    return usable if not count else random.Random(seed).sample(usable, min(count, len(usable)))


def _sample_texts() -> list[Path]:
    samples = Path(__file__).parents[1] / "samples" / "documents"
    return sorted([*samples.rglob("*.txt"), *samples.rglob("*.md")])


def _report(measured: dict[str, object], as_json: bool) -> None:
    """Print figures with the machine they were measured on."""
    import os
    import platform

    from ragapp.evals.stats import Estimate

    machine = f"{platform.machine()}, {counted(os.cpu_count(), 'core')}, Python {platform.python_version()}"
    if as_json:
        plain = {name: value._asdict() if isinstance(value, Estimate) else value for name, value in measured.items()}
        write_json({**plain, "machine": machine})
        return
    for name, value in measured.items():
        write(f"{name:24} {value:.3f}" if isinstance(value, float) else f"{name:24} {value}")
    narrate(f"measured on {machine}")

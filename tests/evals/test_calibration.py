"""A certificate is given for what was measured, refused for less, and void once something changes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from eval_samples import item
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from ragapp.app import RagApp
from ragapp.calibration import Certificate, Pinned, certificate_path, load_certificate, save_certificate, void_because
from ragapp.cli.main import main
from ragapp.confidence import Signals, load_confidence
from ragapp.errors import EvalError, ExitCode, ModelCorrupt
from ragapp.evals.certify import calibrate, clopper_pearson
from ragapp.evals.records import Item
from ragapp.readers.registry import SHIPPED
from ragapp.settings import Settings

PINNED = Pinned("encoder@1", "reader@2", "checker@3", 8, 24)
CERTIFICATE = Certificate(
    0.05, 0.95, 0.4, 0.0, {"share": 1.0}, "default", "c0", "d0", PINNED, asked=100, answered=61, wrong=0, bound=0.048
)


def labelled(n: int, wrong: float, noise: float = 1.0, seed: int = 0) -> list[Item]:
    """Answers whose signals tell right from wrong, up to some noise."""
    rng = random.Random(seed)
    items: list[Item] = []
    for number in range(n):
        right = rng.random() >= wrong
        seen = {name: (3.0 if right else -3.0) + rng.gauss(0, noise) for name in Signals._fields}
        items.append(replace(item(str(number), "yes" if right else "no", ("yes",)), signals=seen | {"support": 0.5}))
    return items


def test_the_bound_is_the_textbooks() -> None:
    assert clopper_pearson(0, 59, 0.95) == pytest.approx(0.0495, abs=1e-4)
    assert clopper_pearson(0, 299, 0.95) < 0.01 < clopper_pearson(0, 298, 0.95)
    assert clopper_pearson(0, 0, 0.95) == clopper_pearson(5, 5, 0.95) == 1


@given(st.integers(1, 200), st.data())
def test_at_the_bound_so_few_errors_are_as_unlikely_as_is_allowed(n: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, n - 1))
    assert binom.cdf(wrong, n, clopper_pearson(wrong, n, 0.95)) == pytest.approx(0.05)


def test_enough_good_labels_are_certified() -> None:
    found = calibrate(labelled(600, wrong=0.3), 0.05, 0.95)
    assert found.certified.bound <= 0.05
    assert found.more_labels == 0
    assert found.certified.answered > 100
    assert found.auroc > 0.95
    assert all(weight >= 0 for weight in found.weights.values())
    assert found == calibrate(labelled(600, wrong=0.3), 0.05, 0.95)


def test_too_few_labels_are_refused_with_how_many_more_it_takes() -> None:
    found = calibrate(labelled(80, wrong=0.3), 0.05, 0.95)
    assert found.certified.bound > 0.05
    assert found.more_labels
    assert 20 < found.more_labels < 1000
    hopeless = calibrate(labelled(400, wrong=0.5, noise=100), 0.05, 0.95)
    assert hopeless.more_labels is None
    with pytest.raises(EvalError, match="too few"):
        calibrate(labelled(10, wrong=0.3), 0.05, 0.95)
    with pytest.raises(EvalError, match="too few"):
        calibrate(labelled(100, wrong=0), 0.05, 0.95)


def test_the_promise_is_kept_on_questions_that_were_never_seen() -> None:
    kept = given_ = 0
    for seed in range(20):
        found = calibrate(labelled(400, wrong=0.4, noise=6, seed=seed), 0.1, 0.9, seed)
        if found.certified.bound <= 0.1:
            fresh = calibrate(labelled(4000, wrong=0.4, noise=6, seed=seed + 1000), 0.1, 0.9)
            given_ += 1
            kept += fresh.certified.wrong <= 0.12 * max(1, fresh.certified.answered)
    assert kept >= 0.9 * given_


def test_a_certificate_is_kept_and_void_when_something_changes(tmp_path: Path) -> None:
    path = certificate_path(tmp_path, "default")
    assert load_certificate(path) is None
    save_certificate(CERTIFICATE, path)
    assert load_certificate(path) == CERTIFICATE
    assert CERTIFICATE.sentence == ("of 61 answered, at most 5 % wrong with 95 % confidence; answers 61 % of questions")
    assert void_because(CERTIFICATE, PINNED, "c0") == ()
    assert void_because(CERTIFICATE, PINNED, "c1") == ("the documents have changed",)
    assert void_because(CERTIFICATE, PINNED._replace(reader="reader@9", rerank=0), None) == (
        "the reader has changed",
        "the rerank has changed",
    )
    path.write_text("[]", "utf-8")
    with pytest.raises(ModelCorrupt, match="damaged"):
        load_certificate(path)


def test_answers_are_given_under_a_certificate_until_a_document_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, settings = tmp_path / "docs", Settings(home=tmp_path / "home")
    folder.mkdir()
    (folder / "forth.txt").write_text("The Forth Bridge opened on 4 March 1890.", "utf-8")
    home = ["--home", str(settings.home)]
    assert main(["ingest", str(folder), *home]) == 0
    with RagApp(settings) as app:
        pinned = Pinned(*app.models(), settings.passages, settings.rerank)
        fingerprint = app.index.fingerprint(app.collection)
    weights = dict.fromkeys((*Signals._fields, "support"), 0.0)
    made = replace(CERTIFICATE, pinned=pinned, collection_sha256=fingerprint, weights=weights, threshold=0.6)
    save_certificate(made, certificate_path(settings.home, "default"))
    question = "When did the Forth Bridge open?"
    with RagApp(settings) as app:
        answer = app.ask(question)
        assert (answer.confidence, answer.abstained) == (0.5, True), "the certificate's model and threshold decide"
        assert answer.guarantee
        assert (answer.guarantee.own, answer.guarantee.void) == (True, ())
    capsys.readouterr()
    main(["status", *home])
    assert f"certificate: {made.sentence}" in capsys.readouterr().out
    (folder / "tay.txt").write_text("The Tay Bridge fell in 1879.", "utf-8")
    assert main(["ingest", str(folder), *home]) == 0
    capsys.readouterr()
    assert main(["ask", question, *home]) == 0
    out = capsys.readouterr().out
    assert "4 March 1890" in out
    assert "Certificate void: the documents have changed" in out
    main(["status", *home])
    assert "certificate: void, the documents changed" in capsys.readouterr().out


def test_the_package_brings_a_certificate_of_its_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forth.txt").write_text("The Forth Bridge opened on 4 March 1890.", "utf-8")
    home = ["--home", str(tmp_path / "home")]
    assert main(["ingest", str(tmp_path / "forth.txt"), *home]) == 0
    with RagApp(Settings(home=tmp_path / "home")) as app:
        answer = app.ask("When did the Forth Bridge open?")
        assert answer.signals
        assert answer.confidence == pytest.approx(load_confidence(SHIPPED)(answer.signals)), "it changes no answer"
        assert answer.guarantee, "it was made with the weights, settings and checker that ship"
        assert (answer.guarantee.own, answer.guarantee.void) == (False, ())
    capsys.readouterr()
    assert main(["ask", "When did the Forth Bridge open?", *home, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["guarantee"] == {**answer.guarantee._asdict(), "void": []}
    assert main(["status", *home]) == 0
    assert f"not on these documents: {answer.guarantee.sentence}" in capsys.readouterr().out
    with RagApp(Settings(home=tmp_path / "home", abstain_below=0.2)) as app:
        assert app.ask("When did the Forth Bridge open?").guarantee is None
    monkeypatch.setenv("RAGAPP_ABSTAIN_BELOW", "0.2")
    assert main(["status", *home]) == 0
    assert "certificate" not in capsys.readouterr().out


def test_calibrate_refuses_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "many.jsonl"
    facts = [(f"The {word} festival began in {1900 + n}.", f"{1900 + n}") for n, word in enumerate(_WORDS)]
    records = [
        {"question": f"When did the {word} festival begin?", "context": context, "answers": [year]}
        for word, (context, year) in zip(_WORDS, facts, strict=True)
    ] + [
        {"question": f"Who pays for the {word} festival?", "context": context, "answers": [], "is_impossible": True}
        for word, (context, _) in zip(_WORDS, facts, strict=True)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    arguments = ["calibrate", "--data", str(path), "--home", str(tmp_path / "home")]
    assert main([*arguments, "--max-error", "0.02", "--json"]) == ExitCode.GATE
    record = json.loads(capsys.readouterr().out)
    assert record["holds"] is False
    assert "no certificate" in record["sentence"]
    kept = tmp_path / "kept.json"
    assert main([*arguments, "--keep", "--output", str(kept), "--json"]) == ExitCode.OK
    made, record = load_certificate(kept), json.loads(capsys.readouterr().out)
    assert made
    assert (made.threshold, record["holds"]) == (Settings().abstain_below, True), "what is in use is certified as it is"
    assert made.bound <= made.max_error < made.bound + 0.01
    assert made.answered <= made.asked == 2 * len(_WORDS)
    assert main([*arguments, "--max-error", "2"]) == ExitCode.USAGE
    fresh = tmp_path / "fresh"
    assert main([*arguments[:3], "-n", "39", "--home", str(fresh)]) == ExitCode.FAILED
    assert "39 labelled questions are too few" in capsys.readouterr().err
    assert not fresh.exists(), "labels are counted before any work"


_WORDS = tuple(
    f"{first}{last}" for first in ("north", "south", "east", "west") for last in ("ham", "ton", "by", "ford", "ley")
)

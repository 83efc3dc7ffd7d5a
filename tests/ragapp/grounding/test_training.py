"""Training of the checker: labels, held-out sources, made claims, and runs that go on as if never killed."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from ragapp.errors import ModelCorrupt, ModelNotFound, TrainingError
from ragapp.grounding.cross_check import CrossChecker
from ragapp.grounding.features import Featurizer
from ragapp.grounding.model import CONTRADICTED, NOT_SUPPORTED, SUPPORTED
from ragapp.grounding.training.data import LabelledClaim, apart_from, hold_out, is_claims, load_claims, summary
from ragapp.grounding.training.edits import another_like, edit, names
from ragapp.grounding.training.made import MadeClaims, written_claims
from ragapp.grounding.training.plan import BLOCK, Plan
from ragapp.grounding.training.trainer import Trainer, TrainingSettings, initial_model
from ragapp.indexes.types import Span
from ragapp.readers.copy_fid.training.data import QaExample
from ragapp.readers.registry import SHIPPED

FACTS = {
    "Oslo": ("Norway", "1048"),
    "Rome": ("Italy", "753"),
    "Lima": ("Peru", "1535"),
    "Cairo": ("Egypt", "969"),
    "Quito": ("Ecuador", "1534"),
    "Dhaka": ("Bangladesh", "1608"),
}


@pytest.fixture(scope="module")
def questions() -> list[QaExample]:
    made: list[QaExample] = []
    for city, (country, year) in FACTS.items():
        context = (
            f"The city of {city} is the capital of {country}. It was not founded before {year} (or so people say). "
            f"Many travellers from Paris and London have visited {city} since then."
        )
        for question, answer in (
            (f"What country is {city} the capital of?", country),
            (f"When was {city} founded?", year),
            (f"Who visited {city} since then?", "Many travellers"),
        ):
            start = context.index(answer)
            place = Span(start, start + len(answer))
            made.append(QaExample(f"{city}/{answer}", question, context, "Cities", place, (answer,), "cities"))
    return made


def test_what_a_checker_may_know_is_left_out() -> None:
    def of(source: str, claim: str) -> LabelledClaim:
        return LabelledClaim(source, claim, (SUPPORTED,), "towns")

    new = [f"Town {number} has a bridge." for number in range(5)]
    learned = [of("Oslo is old. It rains.", "Oslo is old.")]
    kept = of(" ".join([*new[:4], "It rains."]), "Town 1 has a bridge.")  # one sentence in five
    known = [
        of("Oslo  is OLD. It rains.", "Another claim."),
        of("Another source.", "oslo is old."),
        of(" ".join([*new[:3], "It rains."]), "Town 1 has a bridge."),  # one in four
    ]
    assert apart_from([known[0], kept, *known[1:]], learned) == (kept,)


@pytest.fixture(scope="module")
def labelled() -> list[LabelledClaim]:
    claims: list[LabelledClaim] = []
    for city, (country, _) in FACTS.items():
        source = f"{city} is the capital of {country}. " + "It rains there now and then. " * (
            20 if city == "Rome" else 1
        )
        claims.append(LabelledClaim(source, f"{city} is in {country}.", (SUPPORTED,), "facts"))
        claims.append(LabelledClaim(source, f"{city} is in Atlantis.", (NOT_SUPPORTED, CONTRADICTED), "facts"))
    return claims


def write(path: Path, *records: object) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records), "utf-8")
    return path


def test_labels_are_read(tmp_path: Path) -> None:
    row = {"source": "s", "claim": "c"}
    path = write(
        tmp_path / "mine.jsonl",
        {**row, "grounded": 1, "label": "SUPPORTS"},
        {**row, "grounded": 0, "label": "REFUTES", "dataset": "x"},
        {**row, "grounded": 0, "label": "partially_supported"},
        {**row, "grounded": 0, "label": "0"},
    )
    claims = load_claims(path)
    assert [claim.verdicts for claim in claims] == [
        (SUPPORTED,),
        (CONTRADICTED,),
        (NOT_SUPPORTED,),
        (NOT_SUPPORTED, CONTRADICTED),
    ]
    assert [claim.dataset for claim in claims] == ["mine", "x", "mine", "mine"]
    assert summary(claims) == "mine 1+2, x 0+1"
    assert is_claims(path)
    assert not is_claims(write(tmp_path / "questions.jsonl", {"question": "q", "context": "c", "answers": ["a"]}))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"source": "s", "grounded": 1}, "line 2 needs the strings"),
        ({"source": "s", "claim": "c", "grounded": "yes"}, "line 2 needs the strings"),
        ({"source": " ", "claim": "c", "grounded": 1}, "line 2 has a blank"),
        (["s", "c"], "line 2 is not a JSON object"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, record: object, told: str) -> None:
    path = write(tmp_path / "claims.jsonl", {"source": "s", "claim": "c", "grounded": 1}, record)
    with pytest.raises(TrainingError, match=told):
        load_claims(path)


def test_an_empty_file_holds_no_claim(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no claim"):
        load_claims(write(tmp_path / "claims.jsonl"))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=60), st.floats(0, 1))
def test_no_source_and_no_claim_is_on_both_sides(rows: list[tuple[int, int]], share: float) -> None:
    claims = [LabelledClaim(f"Source {s}", f"claim {c}", (SUPPORTED,), "x") for s, c in rows]
    split = hold_out(claims, share)
    assert len(split.train) + len(split.held_out) == len(claims)
    assert {c.source for c in split.train}.isdisjoint(c.source for c in split.held_out)
    assert {c.claim for c in split.train}.isdisjoint(c.claim for c in split.held_out)


def test_made_claims_are_what_they_say(questions: list[QaExample]) -> None:
    made, rng = MadeClaims(questions), random.Random(0)
    kinds: dict[str, int] = {}
    for _ in range(600):
        supported = rng.random() < 0.5
        claim = made.make(rng.randrange(len(made)), supported, rng)
        if claim is None:
            continue
        kinds[claim.dataset] = kinds.get(claim.dataset, 0) + 1
        assert claim.supported is supported
        assert claim.source.strip()
        if claim.evidence:
            assert claim.source[claim.evidence.start : claim.evidence.end]
        if claim.dataset == "made/swap":
            assert claim.wrong is not None
            assert claim.evidence is not None
            wrong, right = claim.claim[slice(*claim.wrong)], claim.source[slice(*claim.evidence)]
            assert wrong.casefold() != right.casefold()
        if claim.dataset == "made/absent":
            assert claim.wrong is not None
            assert claim.claim[slice(*claim.wrong)] not in claim.source
    assert kinds.keys() == {
        "made/answer", "made/swap", "made/absent", "made/near-miss", "made/sentence", "made/edit", "made/stranger"
    }  # fmt: skip


def test_questions_with_a_plausible_wrong_answer_are_claims_too(questions: list[QaExample]) -> None:
    first = questions[0]
    impossible = replace(first, id="x", answer=None, references=(), plausible=("Madrid",))
    assert written_claims(questions) == ()
    right, wrong = written_claims([first, impossible])
    assert right.supported
    assert right.claim == f"{first.question} {first.references[0]}"
    assert wrong.verdicts == (NOT_SUPPORTED, CONTRADICTED)
    assert wrong.claim == f"{first.question} Madrid"


def test_a_statement_is_made_of_a_question(questions: list[QaExample]) -> None:
    made = MadeClaims(questions)
    claims = {claim.claim for i in range(300) if (claim := made.make(2, True, random.Random(i)))}
    assert "Many travellers visited Oslo since then." in claims
    assert "Who visited Oslo since then? Many travellers" in claims


@given(st.text(max_size=80), st.integers(0, 99))
def test_an_edit_changes_what_it_says_it_changes(text: str, seed: int) -> None:
    changed = edit(text, text, random.Random(seed))
    if changed:
        assert changed.text != text
        assert text[: changed.old.start] == changed.text[: changed.new.start]
        assert text[changed.old.end :] == changed.text[changed.new.end :]


def test_edits_are_of_every_kind() -> None:
    sentence = "In the end Ada Byron was first to beat Charles Babbage by 12 points in March."
    changed = {edit(sentence, sentence + " Then Mary came 15th of 31.", random.Random(i)) for i in range(80)}
    texts = " | ".join(each.text for each in changed if each)
    assert "was not first" in texts
    assert "was last" in texts
    assert "In the end Charles Babbage was first to beat Ada Byron" in texts
    assert "Mary" in texts
    assert "by 12 points" in texts
    assert names("The Ada saw In Rome of Italy") == ["Ada", "Rome of Italy"]


def test_another_phrase_is_of_the_same_kind() -> None:
    rng, around = random.Random(0), "Born 1815 in London, Ada Byron died in 1852."
    for _ in range(20):
        number, name = another_like("1815", around, [], rng), another_like("Ada Byron", around, [], rng)
        assert number is not None
        assert number != "1815"
        assert len(number) == 4
        assert name in {"London", "Born"}
    assert another_like("by hand", around, ["with a machine", "1852"], rng) == "with a machine"
    assert another_like("by hand", around, [], rng) is None


def plan_of(tiny_encoder: Path, labelled: list[LabelledClaim], questions: list[QaExample]) -> Plan:
    model, tokenizer = initial_model(tiny_encoder, seed=1)
    return Plan(labelled, MadeClaims(questions), Featurizer(tokenizer, model.config), 0.5, 512, seed=5)


def test_a_block_is_the_same_every_time_and_balanced(
    tiny_encoder: Path, labelled: list[LabelledClaim], questions: list[QaExample]
) -> None:
    plan = plan_of(tiny_encoder, labelled, questions)
    batches = plan.block(0)
    again = plan_of(tiny_encoder, labelled, questions).block(0)
    assert all(torch.equal(a.rows.input_ids, b.rows.input_ids) for a, b in zip(batches, again, strict=True))
    verdicts = torch.cat([batch.verdicts for batch in batches])
    assert len(verdicts) == BLOCK
    assert verdicts[:, SUPPORTED].sum() == BLOCK // 2
    for batch in batches:
        assert batch.rows.mask.numel() <= 512 or len(batch.rows.mask) == 1
        assert not (batch.wrong[~batch.rows.claim] >= 0).any()
        assert not (batch.decisive & ~batch.rows.evidence).any()


def trainer_of(
    folder: Path,
    tiny_encoder: Path,
    labelled: list[LabelledClaim],
    questions: list[QaExample],
    blocks: int = 3,
    seed: int = 5,
) -> Trainer:
    model, tokenizer = initial_model(tiny_encoder, seed=1)
    settings = TrainingSettings(
        claims=blocks * BLOCK, warmup=128, encoder_rate=1e-3, head_rate=3e-3, tokens=1024, seed=seed,
        checkpoint_every=1,
    )  # fmt: skip
    plan = Plan(labelled, MadeClaims(questions), Featurizer(tokenizer, model.config), 0.3, 1024, seed)
    return Trainer(folder, model, tokenizer, plan, settings, data_hash="x")


def test_a_killed_run_ends_with_the_same_weights(
    tiny_encoder: Path, labelled: list[LabelledClaim], questions: list[QaExample], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    whole = trainer_of(tmp_path / "whole", tiny_encoder, labelled, questions)
    curve = list(whole.run(lambda checker: {"one": 1.0}))
    assert [line.claims for line in curve] == [BLOCK, 2 * BLOCK, 3 * BLOCK]
    assert curve[-1].scores == {"one": 1.0}
    assert curve[-1].verdict_loss < curve[0].verdict_loss
    killed = trainer_of(tmp_path / "killed", tiny_encoder, labelled, questions)
    next(killed.run(lambda checker: {}))
    again = trainer_of(tmp_path / "killed", tiny_encoder, labelled, questions)
    assert [line.claims for line in again.run(lambda checker: {})] == [2 * BLOCK, 3 * BLOCK]
    one, two = (load_file(run.export(0.25) / "model.safetensors") for run in (whole, again))
    assert all(torch.equal(one[name], two[name]) for name in one)
    loaded = CrossChecker.load(tmp_path / "killed" / "checker", "cpu", threads=1)
    assert loaded.model.config.threshold == 0.25


def test_a_run_is_not_gone_on_with_other_settings(
    tiny_encoder: Path, labelled: list[LabelledClaim], questions: list[QaExample], tmp_path: Path
) -> None:
    next(trainer_of(tmp_path, tiny_encoder, labelled, questions).run(lambda checker: {}))
    with pytest.raises(TrainingError, match="other settings or data"):
        trainer_of(tmp_path, tiny_encoder, labelled, questions, seed=8)


def test_a_run_may_be_made_longer(
    tiny_encoder: Path, labelled: list[LabelledClaim], questions: list[QaExample], tmp_path: Path
) -> None:
    list(trainer_of(tmp_path, tiny_encoder, labelled, questions, blocks=1).run(lambda checker: {}))
    longer = trainer_of(tmp_path, tiny_encoder, labelled, questions, blocks=2)
    assert [line.claims for line in longer.run(lambda checker: {})] == [2 * BLOCK]


def test_it_starts_from_a_readers_encoder_too() -> None:
    model, _ = initial_model(SHIPPED, seed=0)
    reader = load_file(SHIPPED / "model.safetensors")
    name = "encoder.layer.0.attention.self.query.weight"
    assert torch.equal(model.encoder.state_dict()[name], reader[f"encoder.{name}"].float())


def test_what_is_no_encoder_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"config\.json"):
        initial_model(tmp_path, 0)
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "copy"))
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match="cannot be used"):
        initial_model(folder, 0)

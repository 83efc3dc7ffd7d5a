"""The shipped kind of checker: order, windows, pieces, hashes, and what it says when its files are wrong."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragapp.errors import ModelCorrupt, ModelNotFound
from ragapp.grounding.base import ClaimPair
from ragapp.grounding.cross_check import SHIPPED, CrossChecker
from ragapp.grounding.features import Featurizer
from ragapp.grounding.load import load_checker
from ragapp.indexes.encoder_torch import weights_sha256

SOURCE = "The Forth Bridge opened on 4 March 1890. It crosses the Firth of Forth and carries two railway tracks."
FILLER = "The town council met on a rainy afternoon to talk about the price of bread and of coal. "
PAIRS = (
    ClaimPair(SOURCE, "When did the Forth Bridge open? 4 March 1890"),
    ClaimPair(SOURCE, "When did the Forth Bridge open? 4 March 1894"),
    ClaimPair(SOURCE, "The bridge carries two railway tracks."),
    ClaimPair(SOURCE, "The museum in Lisbon shows paintings of the Dutch masters."),
)


def test_the_shipped_checker_tells_right_from_wrong(checker: CrossChecker) -> None:
    right, wrong, said, unsaid = checker.check(PAIRS)
    assert (right.verdict, said.verdict) == ("supported", "supported")
    assert wrong.verdict == "contradicted"
    assert unsaid.verdict != "supported"
    assert wrong.p_supported < right.p_supported
    assert right.evidence is not None
    assert SOURCE[right.evidence.start : right.evidence.end] == "The Forth Bridge opened on 4 March 1890."


def test_what_is_said_far_down_a_long_source_is_found(checker: CrossChecker) -> None:
    source = FILLER * 60 + SOURCE + " " + FILLER * 60
    judged = checker.check([ClaimPair(source, "The Forth Bridge opened in 1890.")])[0]
    assert judged.verdict == "supported"
    assert judged.evidence is not None
    assert source[judged.evidence.start : judged.evidence.end] == "The Forth Bridge opened on 4 March 1890."


def test_it_is_small_enough_and_has_its_card() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 48 * 10**6
    assert (SHIPPED / "MODEL_CARD.md").is_file()


def test_a_judgement_does_not_depend_on_the_others_or_on_threads(tiny_checker: CrossChecker) -> None:
    pairs = [ClaimPair(SOURCE + FILLER * n, pair.claim) for n in range(4) for pair in PAIRS]
    together = tiny_checker.check(pairs)
    with ThreadPoolExecutor(2) as pool:
        alone = [judged for (judged,) in pool.map(tiny_checker.check, [[pair] for pair in pairs])]
    for one, two in zip(together, alone, strict=True):
        assert one.p_supported == pytest.approx(two.p_supported, abs=0.02)
        assert one.evidence == two.evidence
    assert tiny_checker.check(list(reversed(pairs)))[-1].evidence == together[0].evidence


def test_the_evidence_is_a_slice_of_the_source(tiny_checker: CrossChecker) -> None:
    for judged in tiny_checker.check([ClaimPair(FILLER * 9 + SOURCE, pair.claim) for pair in PAIRS]):
        assert judged.evidence is not None
        assert 0 <= judged.evidence.start < judged.evidence.end <= len(FILLER * 9 + SOURCE)
        assert 0 <= judged.p_supported <= 1


def test_blank_sources_and_claims_are_not_supported(tiny_checker: CrossChecker) -> None:
    judged = tiny_checker.check([ClaimPair("", "A claim."), ClaimPair(SOURCE, " "), ClaimPair(" \n ", "")])
    assert [(each.p_supported, each.verdict, each.evidence) for each in judged] == [(0.0, "not_supported", None)] * 3
    assert tiny_checker.check([]) == ()


def test_what_shares_most_with_a_claim_is_read_alone(tiny_checker: CrossChecker) -> None:
    featurizer = tiny_checker.featurizer
    source = featurizer.source(FILLER * 20 + SOURCE)
    (row,) = featurizer.inputs(featurizer.claims("The Forth Bridge opened in 1890.")[0], source)
    assert source[-2] in row.evidence
    assert len(row.evidence) < len(source)


@pytest.mark.parametrize("claim", ["A viaduct was inaugurated.", "It is so."])
def test_nothing_of_a_long_source_is_cut_where_words_find_nothing(tiny_checker: CrossChecker, claim: str) -> None:
    featurizer = tiny_checker.featurizer
    source = featurizer.source(FILLER * 20 + SOURCE)
    *cut, _ = featurizer.inputs(featurizer.claims(claim)[0], source)
    assert [each for row in cut for each in row.evidence] == list(source)


def test_nothing_of_a_long_claim_is_cut(tiny_checker: CrossChecker) -> None:
    featurizer = tiny_checker.featurizer
    source = featurizer.source(FILLER * 20 + SOURCE)
    pieces = featurizer.claims(SOURCE * 3)
    assert sum(len(piece.ids) for piece in pieces) == len(
        featurizer.tokenizer.encode(SOURCE * 3, add_special_tokens=False).ids
    )
    brought = featurizer.inputs(pieces[0], source)[-1]
    assert (
        brought.tokens <= tiny_checker.model.config.max_claim_tokens + tiny_checker.model.config.max_evidence_tokens + 3
    )


def test_text_that_is_not_unicode_is_judged_all_the_same(tiny_checker: CrossChecker) -> None:
    assert tiny_checker.check([ClaimPair("A \ud800 source.", "A \udfff claim.")])[0].evidence is not None


def test_batches_mark_claim_and_evidence(tiny_checker: CrossChecker) -> None:
    featurizer: Featurizer = tiny_checker.featurizer
    rows = featurizer.inputs(featurizer.claims("A bridge.")[0], featurizer.source("It is long."))
    batch = featurizer.batch(rows)
    assert batch.input_ids.shape == (1, 16)
    ids = batch.input_ids[0]
    assert featurizer.tokenizer.decode(ids[batch.claim[0]].tolist()) == "a bridge."
    assert featurizer.tokenizer.decode(ids[batch.evidence[0]].tolist()) == "it is long."
    assert int(batch.mask.sum()) == rows[0].tokens
    assert not (batch.claim & batch.evidence).any()


def test_the_hash_is_of_the_weights(tiny_checker: CrossChecker, tiny_checker_folder: Path) -> None:
    assert tiny_checker.model_hash == weights_sha256([tiny_checker_folder / "model.safetensors"])
    loaded = load_checker(str(tiny_checker_folder), device="cpu", threads=1)
    assert (loaded.name, loaded.model_hash) == ("cross-check", tiny_checker.model_hash)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_and_damaged_files_are_named(tiny_checker_folder: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(tiny_checker_folder, tmp_path / "copy"))
    (folder / name).write_text("{}")
    with pytest.raises(ModelCorrupt, match="is damaged"):
        CrossChecker.load(folder)
    (folder / name).unlink()
    with pytest.raises(ModelNotFound, match=name):
        CrossChecker.load(folder)


def test_weights_of_another_size_are_refused(tiny_checker_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checker_folder, tmp_path / "copy"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["encoder"]["hidden_size"] = 64
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelCorrupt, match="is damaged"):
        CrossChecker.load(folder)


def test_a_checker_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no checker"):
        load_checker("nobody/nothing", cache=tmp_path)
    with pytest.raises(ModelNotFound, match="it has no name"):
        load_checker(" ")

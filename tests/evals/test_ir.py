"""nDCG agrees with ir-measures, and bad collections are refused."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.errors import EvalError
from ragapp.evals.ir import DOCUMENTS_FILE, JUDGEMENTS_FILE, QUERIES_FILE, measure_encoder, ndcg, read_collection
from ragapp.indexes.encoder import load_encoder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ir_measures

DOCUMENTS = {
    "d1": "The volcano buried the town under ash.",
    "d2": "Bread needs flour, water, salt and time.",
    "d3": "A lava flow stopped short of the harbour.",
}


@given(st.permutations([str(n) for n in range(14)]), st.dictionaries(st.sampled_from("0123456789"), st.integers(0, 3)))
def test_ndcg_agrees_with_ir_measures(ranking: list[str], grades: dict[str, int]) -> None:
    run = [ir_measures.ScoredDoc("q", document, -float(rank)) for rank, document in enumerate(ranking)]
    judged = [ir_measures.Qrel("q", document, grade) for document, grade in grades.items()]
    expected = (
        ir_measures.calc_aggregate([ir_measures.nDCG @ 10], judged, run)[ir_measures.nDCG @ 10] if judged else 0.0
    )
    assert ndcg(ranking, grades) == pytest.approx(expected)


def write(folder: Path, judgements: str) -> Path:
    documents = [json.dumps({"id": name, "title": "", "text": text}) for name, text in DOCUMENTS.items()]
    queries = [json.dumps({"id": "1", "text": "volcanic eruption"}), json.dumps({"id": "2", "text": "baking"})]
    for name, lines in ((DOCUMENTS_FILE, documents), (QUERIES_FILE, queries), (JUDGEMENTS_FILE, [judgements])):
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.write("\n".join(lines))
    return folder


def test_an_encoder_is_scored_over_the_queries_that_have_answers(tmp_path: Path) -> None:
    collection = read_collection(write(tmp_path, "1\t0\td1\t2\n1\t0\td3\t1\n2\t0\td2\t0\n"))
    score = measure_encoder(load_encoder(device="cpu", threads=1), collection)
    assert (score.mean, score.n) == (1.0, 1)


@pytest.mark.parametrize("judgements", ["1\t0\td1", "1\t0\td1\tgood"])
def test_damaged_judgements_are_refused(tmp_path: Path, judgements: str) -> None:
    with pytest.raises(EvalError, match="No test collection"):
        read_collection(write(tmp_path, judgements))


def test_a_folder_without_a_collection_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=str(tmp_path)):
        read_collection(tmp_path)

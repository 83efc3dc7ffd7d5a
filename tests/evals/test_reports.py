"""The report holds what a person needs, escaped, in one file; drafts are questions that can be asked at once."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from eval_samples import claim, item

from ragapp.cli.main import main
from ragapp.errors import EvalError
from ragapp.evals.compare import caveats, compare
from ragapp.evals.figures import FAMILIES, measure
from ragapp.evals.records import SCHEMA_VERSION, Cited, Manifest, Timing
from ragapp.evals.report import render, worst
from ragapp.evals.store import RunFolder

MANIFEST = Manifest(
    SCHEMA_VERSION, "<b>data</b>.csv", "csv", "d" * 64, "c" * 64, 4, "shipped", "reranked", "lexical",
    {"reader": "r" * 64}, {"passages": 8}, 0, "", {"python": "3.11"},
)  # fmt: skip
ITEMS = [
    item("right", "1890", ("1890",), confidence=0.9, claims=(claim(True, True),), kind="numeric"),
    replace(
        item("wrong", "<script>alert(1)</script>", ("1890",), confidence=0.8, claims=(claim(False, False),)),
        citations=(Cited("a&b.txt", 0, 40, "It says <script>alert(1)</script> here."),),
    ),
    item("withheld", "yes", ("yes",), abstained=True, confidence=0.1),
    item("absent", "a guess", (), confidence=0.6),
]


def write_run(folder: Path, asked: int = len(ITEMS)) -> RunFolder:
    run = RunFolder.create(folder, MANIFEST)
    append = run.resume()
    for each in ITEMS[:asked]:
        append(each, Timing(each.id, {"read": 10.0, "total": 12.5}, 300, 500.0))
    if asked == MANIFEST.questions:
        run.finish(measure(run.items()))
    return run


def test_the_report_is_one_escaped_file_with_figures_pictures_and_cases(tmp_path: Path) -> None:
    page = render(write_run(tmp_path))
    assert page == render(write_run(tmp_path / "again")), "the same run is the same page"
    assert "<script" not in page
    assert "It says <mark>&lt;script&gt;alert(1)&lt;/script&gt;</mark> here." in page
    assert page.count("<svg") == 3
    assert not re.search(r"(?:src|href)=\"https?:|@import|url\(http", page), "nothing is fetched"
    for words in ("Token F1", "judged by lexical", "n = 4", "wrong answer", "right, but withheld"):
        assert words in page
    assert "partial" not in page.split("</style>")[1]
    assert "3 of 4 questions were answered. Of those answers 66.7 % are wrong." in page
    for family in FAMILIES:
        assert (f">{family}</th>" in page) == (family != "Retrieval"), "no item has a relevant document"
    assert "Not supported (p 0.10): claim" in page
    assert "prefers-color-scheme: dark" in page
    assert "var(--chart-ink" in page


def test_a_partial_run_says_so(tmp_path: Path) -> None:
    assert "This run is partial: 2 of 4 questions" in render(write_run(tmp_path, asked=2))


def test_the_worst_come_first() -> None:
    assert [(case.item.id, case.what) for case in worst(ITEMS)] == [
        ("wrong", "wrong answer"),
        ("absent", "answered, though no document does"),
        ("withheld", "right, but withheld"),
    ]


def test_a_comparison_finds_what_is_better_and_what_is_not() -> None:
    before = [item(str(n), "no", ("yes",)) for n in range(20)]
    after = [item(str(n), "yes" if n else "no", ("yes",)) for n in range(20)]
    compared = compare(before, after)
    f1 = next(each for each in compared.differences if each.name == "f1")
    assert (f1.before, f1.after, f1.worse) == (0, 0.95, False)
    assert f1.p < 0.05
    assert 0.5 < f1.low <= 0.95 <= f1.high
    assert (len(compared.wins), len(compared.losses)) == (19, 0)
    back = compare(after, before)
    assert [each.name for each in back.differences if each.worse][:2] == ["em", "f1"]
    assert not any(each.worse for each in compare(before, before).differences)


def test_only_questions_of_both_runs_are_compared() -> None:
    before, after = (
        [item(str(n), "yes", ("yes",)) for n in range(6)],
        [item(str(n), "yes", ("yes",)) for n in range(4, 9)],
    )
    compared = compare(before, after)
    assert (compared.questions, compared.only_before, compared.only_after) == (2, 4, 3)
    with pytest.raises(EvalError, match="no question in common"):
        compare(before[:4], after)
    with pytest.raises(EvalError, match="'5' is not the same in both"):
        compare(before, [item("5", "yes", ("no",))])


def test_what_else_differs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, part = write_run(tmp_path / "a"), write_run(tmp_path / "b", asked=2)
    assert caveats(whole.manifest, part.manifest) == []
    other = replace(MANIFEST, collection_sha256="e" * 64, models={"judge": "j" * 64})
    assert [note.split()[-2:] for note in caveats(MANIFEST, other)] == [
        ["different", "documents."],
        ["different", "models."],
    ]
    assert main(["eval", "compare", str(whole.path), str(part.path), "--json"]) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert (record["questions"], record["only_before"], record["only_after"]) == (2, 2, 0)
    assert record["notes"] == [f"{part.name} is partial."]
    assert "is partial." in printed.err
    assert main(["eval", "compare", str(whole.path), str(part.path)]) == 0
    assert "left out: 2 questions that only the first asked, 0 only the second" in capsys.readouterr().out


def test_drafts_can_be_asked_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = tmp_path / "docs"
    documents.mkdir()
    text = "The Forth Bridge was opened on 4 March 1890 by the Prince. Its engineer was Benjamin Baker."
    (documents / "forth.md").write_text(f"# Famous Bridges\n{text}\n\nThe End\n\nNone", "utf-8")
    home, table = ["--home", str(tmp_path / "home")], tmp_path / "mine.csv"
    assert main(["ingest", str(documents), *home]) == 0
    assert main(["eval", "make", str(table), "-n", "5", *home]) == 0
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert rows
    for row in rows:
        assert "____" in row["question"]
        assert row["question"].removeprefix("What belongs here: ").replace("____", row["answer"]) in text
    assert main(["eval", "make", str(table), *home]) == 2, "a table that someone edited is not written over"
    capsys.readouterr()
    assert main(["eval", "run", "--data", str(table), "--judge", "lexical", "--json", *home]) == 0
    record = json.loads(capsys.readouterr().out)
    assert main(["eval", "report", record["run"], *home]) == 0
    assert (Path(record["folder"]) / "report.html").is_file()
    assert main(["eval", "report", record["run"], "--output", str(table / "report.html"), *home]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err

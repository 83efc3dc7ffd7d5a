"""Every format is found out and read to the same kind of question; what is wrong is told with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ragapp.errors import EvalError
from ragapp.evals.datasets.base import Dataset
from ragapp.evals.datasets.load import load_dataset

CONTEXT = "The Forth Bridge opened on 4 March 1890."
PASSAGES = [{"title": "Forth", "text": CONTEXT}, {"title": "Tay", "text": "The Tay Bridge fell."}]
LINES: dict[str, dict[str, object]] = {
    "squad": {"id": "1", "question": "When?", "context": CONTEXT, "answers": ["1890"]},
    "questions": {"id": "1", "question": "When?", "answers": ["1890"], "document": "bridges.md"},
    "fid": {"id": "1", "question": "When?", "answers": ["1890"], "ctxs": PASSAGES},
    "dpr": {"question": "When?", "answers": ["1890"], "positive_ctxs": PASSAGES[:1], "negative_ctxs": PASSAGES[1:]},
    "alce": {"question": "When?", "answer": "1890", "docs": PASSAGES},
    "kilt": {"id": "1", "input": "When?", "output": [{"answer": "1890", "provenance": [{"title": "Forth"}]}]},
}


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", LINES)
def test_a_format_is_found_out_and_read(name: str, tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "questions.jsonl", LINES[name]))
    assert dataset.format == name
    (question,) = dataset.questions
    assert (question.id, question.question, question.answers) == ("1", "When?", ("1890",))
    assert len(question.gold) == 1
    if dataset.documents:
        (gold,) = question.gold
        assert dataset.documents[gold].text == CONTEXT
        assert gold in question.given


@pytest.mark.parametrize("name", ["fid", "dpr", "alce"])
def test_lists_in_one_json_file_are_read_too(name: str, tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text(json.dumps([LINES[name]]), "utf-8")
    assert load_dataset(tmp_path / "questions.json").format == name
    (tmp_path / "questions.json").write_text(json.dumps({"args": {}, "data": [LINES[name]]}), "utf-8")
    assert load_dataset(tmp_path / "questions.json").format == name


def test_squads_answers_may_be_columns(tmp_path: Path) -> None:
    columns = {"text": ["1890", "in 1890"], "answer_start": [35, 32]}
    path = write(
        tmp_path / "dev.jsonl",
        LINES["squad"] | {"answers": columns},
        LINES["squad"] | {"id": "2", "answers": {"text": [], "answer_start": []}},
    )
    first, second = load_dataset(path).questions
    assert (first.answers, second.answers, second.kind) == (("1890", "in 1890"), (), "unanswerable")


def test_a_format_that_is_named_is_taken_at_its_word(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", LINES["questions"], LINES["squad"] | {"id": "2"})
    assert load_dataset(path, "questions").documents == {}


def nested(answers: list[str], **fields: object) -> object:
    asked = {"id": "a", "question": "When?", "answers": [{"text": text, "answer_start": 0} for text in answers]}
    return {"data": [{"title": "Forth", "paragraphs": [{"context": CONTEXT, "qas": [asked | fields]}]}]}


def squad_file(path: Path, content: object) -> Dataset:
    path.write_text(json.dumps(content), "utf-8")
    return load_dataset(path)


def test_squad_1_and_2(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    (question,) = squad_file(path, nested(["1890", "1890"])).questions
    assert (question.answers, question.kind, len(question.gold)) == (("1890",), "answerable", 1)
    (question,) = squad_file(path, nested([], is_impossible=True)).questions
    assert (question.answers, question.kind, len(question.gold)) == ((), "unanswerable", 0)
    assert question.given, "it comes with its paragraph all the same"
    with pytest.raises(EvalError, match=r"data\[0\], paragraphs\[0\], qas\[0\]: the field 'answers'"):
        squad_file(path, nested([]))


def beir(folder: Path, qrels: str = "q1\td1\t2\nq1\td2\t0\n") -> Path:
    (folder / "qrels").mkdir(parents=True)
    write(folder / "corpus.jsonl", {"_id": "d1", "title": "Forth", "text": CONTEXT}, {"_id": "d2", "text": "Other."})
    write(folder / "queries.jsonl", {"_id": "q1", "text": "When?"}, {"_id": "q2", "text": "Not judged?"})
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels, "utf-8")
    return folder


def test_each_output_of_kilt_is_evidence_of_its_own(tmp_path: Path) -> None:
    pages = [{"title": "Forth"}, {"title": "Edinburgh"}, {"title": "Forth"}]
    outputs = [{"answer": "1890", "provenance": pages}, {"answer": "in 1890", "provenance": [{"wikipedia_id": "7"}]}]
    outputs += [{"answer": "1890"}, {"provenance": pages[:1]}]
    (question,) = load_dataset(write(tmp_path / "dev.jsonl", {"id": 1, "input": "When?", "output": outputs})).questions
    assert (question.id, question.answers) == ("1", ("1890", "in 1890"))
    assert question.evidence == (("Forth", "Edinburgh"), ("7",), ("Forth",))
    assert question.gold == {"Forth": 1, "Edinburgh": 1, "7": 1}


def test_beir(tmp_path: Path) -> None:
    dataset = load_dataset(beir(tmp_path / "scifact"))
    (question,) = dataset.questions
    assert (question.id, question.answers, question.gold) == ("q1", None, {"d1": 2})
    assert dataset.documents["d1"].title == "Forth"


def test_a_spreadsheet(tmp_path: Path) -> None:
    text = '\ufeffQuestion;Answer;Document\n"When; exactly?";1890|in 1890;bridges.md\nWho paid?;;\n'
    first, second = load_dataset(write_csv(tmp_path / "mine.csv", text)).questions
    assert (first.id, first.question, first.answers) == ("1", "When; exactly?", ("1890", "in 1890"))
    assert first.gold == {"bridges.md": 1}
    assert (second.answers, second.kind) == ((), "unanswerable")


def test_rows_with_nothing_in_them_are_skipped(tmp_path: Path) -> None:
    tabs = write_csv(tmp_path / "mine.TSV", "question\tanswer\n\t\nWhen?\t1890\n\t\n")
    (question,) = load_dataset(tabs).questions
    assert (question.id, question.question, question.answers) == ("1", "When?", ("1890",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frage,antwort\n", "line 1 has the columns .* and needs 'question' and 'answer'"),
        ("question,answer,Answer\n", "line 1 has the column 'answer' more than once"),
        ("question,answer\nWhen, exactly?,1890\n", "line 2 has more cells"),
        ("question,answer\nWhen?,1890\nWhy?\n", "line 3 ends before the column 'answer'"),
        ('question,answer\nWhen?,1890\n"Why?,money\n', "the row that begins on line 3, is not CSV"),
        ("question,answer\n,1890\n", "line 2: the field 'question' is \"\""),
        ("id,question,answer\n1,When?,1890\n1,Why?,\n", "line 3 has the id '1', which .* line 2 has too"),
        ("question,answer\n", "holds no question"),
    ],
)
def test_tables_that_are_wrong(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=said) as told:
        load_dataset(write_csv(tmp_path / "mine.csv", text))
    assert told.value.hint


def test_gzip_and_the_built_in_suite(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(LINES["squad"]).encode()))
    assert load_dataset(path).format == "squad"
    suite = load_dataset(None)
    kinds = {question.kind for question in suite.questions}
    assert kinds == {"answerable", "unanswerable", "multi-passage", "numeric", "contradicted"}
    assert suite.folder
    for question in suite.questions:
        assert all((suite.folder / document).is_file() for document in question.gold)
        texts = [(suite.folder / name).read_text("utf-8") for name in question.gold if name.endswith((".md", ".txt"))]
        words = " ".join(" ".join(texts).split())
        assert not texts or any(answer in words for answer in question.answers or ()), question.id


def test_the_same_bytes_have_the_same_hash(tmp_path: Path) -> None:
    one, same = (load_dataset(write(tmp_path / name, LINES["squad"])) for name in ("a.jsonl", "b.jsonl"))
    other = load_dataset(write(tmp_path / "c.jsonl", LINES["squad"] | {"question": "Why?"}))
    assert one.sha256 == same.sha256 != other.sha256


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([LINES["squad"], LINES["squad"]], "line 2 has the id '1', which .* line 1 has too"),
        (
            [LINES["questions"] | {"id": 2}, LINES["fid"] | {"id": None}],
            "line 2 has the field 'ctxs' of the format 'fid'",
        ),
        ([LINES["questions"], LINES["squad"]], "line 2 has the field 'context' of the format 'squad'"),
        ([LINES["squad"], {"question": "Why?"}], r"line 2: the field 'context' is missing, and should be text"),
        ([LINES["squad"] | {"question": " "}], r"line 1: the field 'question' is \" \", and should be text"),
        (
            [LINES["squad"] | {"answers": [""]}],
            r"line 1, answers\[0\]: the field 'answers' is \"\",",
        ),
        ([LINES["squad"] | {"answers": "1890"}], "line 1: the field 'answers' is \"1890\", and should be a list"),
        ([LINES["squad"] | {"answers": []}], "line 1: the field 'answers' is .*, and should be a list with an answer"),
        (
            [LINES["squad"] | {"is_impossible": "no"}],
            "line 1: the field 'is_impossible' is \"no\", and should be true or",
        ),
        ([LINES["squad"] | {"id": "\ud800"}], "line 1: the field 'id' is .*, and should be Unicode text"),
        ([LINES["squad"] | {"id": [1]}], r"line 1: the field 'id' is \[1\], and should be a string or an integer"),
        ([LINES["squad"], ["a list"]], r"line 2 is \[\"a list\"\], and should be a JSON object"),
        ([LINES["fid"] | {"ctxs": []}], "line 1: the field 'ctxs' is .*, and should be a list with a passage"),
        (
            [LINES["dpr"] | {"positive_ctxs": []}],
            "line 1: the field 'positive_ctxs' is .*, and should be a list with a",
        ),
        ([LINES["fid"] | {"ctxs": ["text"]}], r"line 1, ctxs\[0\] is \"text\", and should be a JSON object"),
        ([LINES["kilt"] | {"output": []}], "line 1: the field 'output' is .*, and should be a list with an 'answer'"),
        ([{"claim": "a", "source": "b"}], "holds claims and sources"),
        ([{"text": "a"}], r"no known format: its first record has \['text'\]"),
        ([], "holds no question"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_field(records: list[object], said: str, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=said) as told:
        load_dataset(write(tmp_path / "bad.jsonl", *records))
    assert "bad.jsonl" in told.value.message
    assert told.value.hint


def test_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"question": "a"', "utf-8")
    with pytest.raises(EvalError, match="line 1 is not JSON"):
        load_dataset(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(EvalError, match="not UTF-8"):
        load_dataset(path)
    with pytest.raises(EvalError, match="There is no dataset"):
        load_dataset(tmp_path / "nothing.csv")
    with pytest.raises(EvalError, match="no kind of dataset"):
        load_dataset(write_csv(tmp_path / "a.docx", ""))
    with pytest.raises(EvalError, match="is empty"):
        load_dataset(write_csv(tmp_path / "a.json", " "))
    with pytest.raises(EvalError, match="is not JSON: Extra data") as told:
        load_dataset(write_csv(tmp_path / "a.json", "{}\n{}\n"))
    assert told.value.hint
    assert ".jsonl" in told.value.hint
    (tmp_path / "corpus.jsonl").touch()
    (tmp_path / "queries.jsonl").touch()
    with pytest.raises(EvalError, match=r"'qrels/test.tsv' is missing"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("qrels", "said"),
    [
        ("q1\td9\t1\n", "line 2 names 'd9', which corpus.jsonl lacks"),
        ("q1\td1\tyes\n", "line 2 should hold query-id"),
        ("q9\td1\t1\n", "line 2 names 'q9', which queries.jsonl lacks"),
        ("q1\td1\t1\nq1\td1\t2\n", "line 3 grades 'd1' 2 for 'q1', and an earlier line 1"),
        ("q1\td1\t0\n", "names no relevant document"),
    ],
)
def test_qrels_that_do_not_fit(qrels: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=said) as told:
        load_dataset(beir(tmp_path / "scifact", qrels))
    assert told.value.hint


def test_blank_lines_in_qrels_are_skipped(tmp_path: Path) -> None:
    (question,) = load_dataset(beir(tmp_path / "scifact", "q1\td1\t1\n\n")).questions
    assert question.gold == {"d1": 1}


def test_documents_without_text_are_left_out_and_missed(tmp_path: Path) -> None:
    folder = beir(tmp_path / "scifact", "q1\td1\t1\nq1\td3\t1\n")
    lines = (folder / "corpus.jsonl").read_text("utf-8")
    (folder / "corpus.jsonl").write_text(lines + '{"_id": "d3", "title": "", "text": " "}\n', "utf-8")
    dataset = load_dataset(folder)
    assert dataset.documents.keys() == {"d1", "d2"}
    (question,) = dataset.questions
    assert (question.gold, question.given) == ({"d1": 1, "d3": 1}, ("d1",))
    write(folder / "corpus.jsonl", {"_id": "d1", "text": ""}, {"_id": "d3", "title": None})
    with pytest.raises(EvalError, match="holds no text"):
        load_dataset(folder)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_ids_of_a_beir_folder_are_unique(name: str, tmp_path: Path) -> None:
    file = beir(tmp_path / "scifact") / name
    file.write_text(file.read_text("utf-8") * 2, "utf-8")
    with pytest.raises(EvalError, match=f"{name}' line 3 has the '_id' '.1', which .* line 1 has too"):
        load_dataset(tmp_path / "scifact")

"""``ragapp ask``: one question, a file of them, for people and for programs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from cli_samples import Cli

from ragapp.cli.ask import Question, read_questions
from ragapp.cli.console import short_name
from ragapp.errors import ConfigError
from ragapp.indexes.index import Index


@pytest.fixture(scope="module")
def library(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library for this module: asking leaves turns in it."""
    return Path(shutil.copytree(library, tmp_path_factory.mktemp("asked") / "library"))


def text_of(home: Path, name: str) -> str:
    with Index.open(home) as index:
        (document,) = (each for each in index.documents(index.collection("default")) if each.name == name)
        return index.document_text(document.id)


def test_a_question_is_answered_with_its_place(cli: Cli, library: Path, corpus: Path) -> None:
    asked = cli("ask", "When", "did", "the", "Forth", "Bridge", "open?", "--home", library)
    assert asked.code == 0
    assert asked.err == ""
    answer, quote, place, verdict = asked.out.splitlines()[:4]
    assert "1890" in answer
    assert re.search(r"\(confidence \d+%\)$", answer)
    assert "[1] “The Forth Bridge opened on 4 March 1890.”" in quote
    assert short_name(str(corpus / "bridges.md")) in place
    assert "Bridges › Forth · line 5 · characters " in place
    assert re.fullmatch(r"  supported by its source \(p \d\.\d\d\)", verdict)
    stages = ", ".join(rf"{stage} \d+ ms" for stage in ("encode", "search", "rank", "read", "check"))
    assert re.fullmatch(rf"\d+\.\d\d s: (load \d+ ms, )?{stages}", asked.out.splitlines()[-1])


def test_an_answer_is_explained_when_asked_for(cli: Cli, library: Path) -> None:
    asked = cli("ask", "When did the Forth Bridge open?", "--home", library, "--explain")
    assert asked.code == 0
    assert "  without passage 1, " in asked.out
    record = cli("ask", "When did the Forth Bridge open?", "--home", library, "--explain", "--json").record
    told = record["explanation"]
    assert [each["passage"] for each in told["influences"]] == list(range(len(record["passages"])))
    assert told["influences"][0]["changed"]
    assert told["gain"] > 0
    assert told["unfound"] == []


def test_a_turn_is_kept(cli: Cli, own_library: Path) -> None:
    cli("ask", "How is kimchi made?", "--home", own_library, "--json")
    with Index.open(own_library) as index:
        (conversation,) = (each for each in index.conversations.all() if each.title == "How is kimchi made?")
        assert [turn.question for turn in index.conversations.turns(conversation.id)] == ["How is kimchi made?"]


def test_what_is_not_in_the_documents_is_said_so_and_is_no_failure(
    cli: Cli, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGAPP_ABSTAIN_BELOW", "1")
    asked = cli("ask", "Who won the football world cup in 1994?", "--home", library)
    assert asked.code == 0
    assert asked.out.startswith("Not in your documents.")
    assert "Nearest passages:\n  1. " in asked.out


def test_a_file_of_questions_is_answered_line_by_line(cli: Cli, library: Path, corpus: Path, tmp_path: Path) -> None:
    questions = {
        "forth": "When did the Forth Bridge open?",
        7: "Who won the football world cup in 1994?",
        "space": "When was Voyager 1 launched?",
        "odd": "\u202e ??? \x00\x9b",
    }
    file = tmp_path / "questions.jsonl"
    lines = [json.dumps({"id": key, "question": text}) for key, text in questions.items()]
    file.write_text("\n".join(lines), "utf-8-sig")
    asked = cli("ask", "--file", file, "--json", "--home", library)
    assert asked.err == ""
    assert asked.code == 0
    assert asked.out.isascii()
    records = {record["id"]: record for record in asked.records}
    assert [record["id"] for record in asked.records] == list(questions)
    for key, record in records.items():
        assert record["question"] == questions[key]
        assert isinstance(record["answer"], str)
        assert isinstance(record["abstained"], bool)
        assert 0 <= record["confidence"] <= 1
        assert {"encode", "search", "read", "total"} <= record["timings_ms"].keys()
        assert record["passages"]
        for citation in [*record["citations"]]:
            text = text_of(library, citation["document"])
            assert text[citation["char_start"] : citation["char_end"]] == citation["quote"]
            assert citation["char_start"] <= citation["answer_start"] < citation["answer_end"] <= citation["char_end"]
            assert citation.keys() >= {"page", "heading", "line"}
        for passage in record["passages"]:
            text = text_of(library, passage["document"])
            assert text[passage["char_start"] : passage["char_end"]] == passage["text"]
    assert "1890" in records["forth"]["answer"]
    assert not records["forth"]["abstained"]
    assert records["forth"]["citations"][0]["document"] == str(corpus / "bridges.md")
    assert "1977" in records["space"]["answer"]


def test_the_best_candidate_is_there_also_when_abstained(
    cli: Cli, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGAPP_ABSTAIN_BELOW", "1")
    file = tmp_path / "questions.jsonl"
    file.write_text('{"id": "a", "question": "When did the Forth Bridge open?"}\n')
    (record,) = cli("ask", "--file", file, "--json", "--home", library).records
    assert record["abstained"]
    assert "1890" in record["answer"]
    assert record["citations"][0]["quote"] == "The Forth Bridge opened on 4 March 1890."


def test_a_file_is_answered_for_people_too(cli: Cli, library: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "When did the Forth Bridge open?"}\n\n{"question": "How is kimchi made?"}\n')
    asked = cli("ask", "--file", file, "--home", library, "-k", "2")
    assert asked.code == 0
    assert [line for line in asked.out.splitlines() if line.startswith("? ")] == [
        "? When did the Forth Bridge open?",
        "? How is kimchi made?",
    ]


def test_filters_and_k_narrow_what_is_read(cli: Cli, library: Path) -> None:
    asked = cli("ask", "When?", "--home", library, "--path", "space/*", "--type", "html", "--type", "text", "--json")
    assert {Path(passage["document"]).name for passage in asked.record["passages"]} == {"voyager.txt", "rosetta.html"}
    asked = cli("ask", "When?", "--home", library, "-k", "1", "--json")
    assert len(asked.record["passages"]) == 1
    assert all(passage["modified_at"] for passage in asked.record["passages"])
    asked = cli("ask", "When?", "--home", library, "--before", "2001-01-01", "--json")
    assert asked.record["passages"] == []
    nothing = cli("ask", "When?", "--home", library, "--path", "nowhere/*", "--json")
    assert nothing.code == 0
    assert nothing.record["abstained"]
    assert nothing.record["answer"] == ""
    assert nothing.record["passages"] == []
    assert "let no document through; try: ragapp ls" in nothing.err
    assert "Nearest" not in cli("ask", "When?", "--home", library, "--tag", "nowhere").out
    assert cli("ask", "Wh\udce9re?", "--home", library).code == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no question"),
        (b"\n  \n", "holds no question"),
        (b'{"question": "a?"}\n{"question": 1}\n', "line 2 has no string 'question'"),
        (b'{"question": "a?"}\n\n["a?"]\n', "line 3 has no string 'question'"),
        (b'{"question": "a?"}\n{"question": "  "}\n', "line 2 has no string 'question'"),
        (b'{"question": "a?"}\nwhat?\n', "line 2 is not JSON"),
        (b'{"question": "a?"}\n{"question": "\\ud800"}\n', "line 2 has a 'question' that is not Unicode"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b"1" * 5_000, "line 1 is not JSON"),
        (b'{"question": "caf\xe9"}\n', "cannot be read"),
    ],
)
def test_bad_lines_are_named_before_any_work(cli: Cli, tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(content)
    asked = cli("ask", "--file", file, "--json", "--home", tmp_path / "home")
    assert asked.code == 2
    assert asked.out == ""
    assert told in asked.err
    assert repr(str(file)) in asked.err
    assert not (tmp_path / "home").exists()


def test_a_missing_file_of_questions(cli: Cli, tmp_path: Path) -> None:
    asked = cli("ask", "--file", tmp_path / "none.jsonl", "--home", tmp_path / "home")
    assert asked.code == 2
    assert "none.jsonl" in asked.err


def test_questions_are_read_in_order_with_an_id_each(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"id": "a", "question": "One\xe2\x80\xa8line?"}\r\n\r\n{"question": "Two?"}\n'
        b'{"id": null, "question": "Three?"}'
    )
    assert read_questions(file) == [Question("a", "One\u2028line?"), Question(3, "Two?"), Question(4, "Three?")]


def test_a_folder_is_no_file_of_questions(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_questions(tmp_path)

"""``ragapp status``, ``ls`` and ``rm``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from cli_samples import DOCUMENTS, Cli, write_documents

from ragapp.app import RagApp


def names(cli: Cli, home: Path) -> set[str]:
    return {Path(line).name for line in cli("ls", "--home", home).out.splitlines()}


def test_status_tells_what_is_there(cli: Cli, library: Path) -> None:
    told = cli("status", "--home", library)
    assert told.code == 0
    assert told.out.startswith(f"home: {library}\ndefault: {len(DOCUMENTS)} documents, ")
    record = cli("status", "--home", library, "--json").record
    assert record["home"] == str(library)
    (collection,) = record["collections"]
    assert collection["documents"] == len(DOCUMENTS)
    assert collection["encoder"]["dimension"] == 384


def test_status_of_an_index_without_documents_says_what_to_do(cli: Cli, tmp_path: Path) -> None:
    RagApp.open(tmp_path).close()
    told = cli("status", "--home", tmp_path)
    assert told.code == 0
    assert "ragapp ingest" in told.err
    assert cli("status", "--home", tmp_path, "--json").record["collections"] == []
    assert cli("status", "--home", tmp_path, "--collection", "other").code == 3


def test_ls_lists_and_filters(cli: Cli, library: Path, corpus: Path) -> None:
    listed = cli("ls", "--home", library)
    assert listed.code == 0
    assert listed.out.splitlines() == sorted(str(corpus / name) for name in DOCUMENTS)
    assert (
        cli("ls", "--home", library, "--path", "space/*", "--type", "text").out == f"{corpus / 'space/voyager.txt'}\n"
    )
    assert cli("ls", "--home", library, "--path", "nowhere/*").out == ""
    changed = (corpus / "food.txt").stat().st_mtime
    today = datetime.fromtimestamp(changed).astimezone().date().isoformat()
    assert len(cli("ls", "--home", library, "--after", today).out.splitlines()) == len(DOCUMENTS)
    assert cli("ls", "--home", library, "--before", today).out == ""
    (food,) = cli("ls", "--home", library, "--path", "food.txt", "--json").record
    assert food["modified_at"] == pytest.approx(changed)
    (rosetta,) = cli("ls", "--home", library, "--type", "html", "--json").record
    assert (rosetta["title"], rosetta["version"], rosetta["media_type"]) == ("Rosetta", 1, "html")


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        (["food.txt"], {"food.txt"}),
        (["{corpus}/food.txt"], {"food.txt"}),
        (["space"], {"voyager.txt", "rosetta.html"}),
        (["space/"], {"voyager.txt", "rosetta.html"}),
        (["*.md", "space/*.html"], {"bridges.md", "rosetta.html"}),
        (["."], {Path(name).name for name in DOCUMENTS}),
        (["space/../food.txt", "food.txt"], {"food.txt"}),
    ],
)
def test_rm_takes_files_folders_and_patterns(
    cli: Cli, own_library: Path, corpus: Path, said: list[str], gone: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    removed = cli("rm", *(each.format(corpus=corpus) for each in said), "--home", own_library, "--json")
    assert removed.code == 0
    assert removed.record == {"removed": len(gone), "unknown": []}
    assert names(cli, own_library) == {Path(name).name for name in DOCUMENTS} - gone
    assert all((corpus / name).exists() for name in DOCUMENTS), "the files themselves are left alone"


def test_rm_names_what_it_does_not_know_and_does_the_rest(cli: Cli, own_library: Path, corpus: Path) -> None:
    removed = cli("rm", "nope.txt", "*.docx", "~nobody/x", corpus / "food.txt", "--home", own_library)
    assert removed.code == 1
    assert removed.out == "1 document removed\n"
    assert [line.split(";")[0] for line in removed.err.splitlines()] == [
        "no document is called nope.txt",
        "no document is called *.docx",
        "no document is called ~nobody/x",
    ]
    assert "food.txt" not in names(cli, own_library)


def test_a_file_whose_name_has_brackets_is_that_file(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_documents(tmp_path / "[x]", {"note [1].txt": "One is here.", "note 1.txt": "Another is here."})
    bytes_name = os.path.join(os.fsencode(folder), b"caf\xe9.txt")  # noqa: PTH118 - pathlib takes no bytes
    Path(os.fsdecode(bytes_name)).write_text("A third one is here.")
    home = tmp_path / "home"
    assert cli("ingest", folder, "--home", home).code == 0
    monkeypatch.chdir(folder)
    assert cli("rm", "note [1].txt", "--home", home).out == "1 document removed\n"
    assert "note 1.txt" in names(cli, home)
    assert cli("rm", os.fsdecode(b"caf\xe9.txt"), "--home", home).out == "1 document removed\n"


def test_documents_are_tagged_listed_and_asked_by_tag(cli: Cli, own_library: Path, corpus: Path) -> None:
    home = ["--home", own_library]
    assert "no document has a tag" in cli("tag", *home).err
    again = cli("ingest", corpus / "space", *home, "--tag", "Space", "--tag", "probes", "--json").record
    assert (again["unchanged"], again["encoded"]) == (2, 0)
    assert cli("tag", corpus / "food.txt", *home, "--add", "kitchen", "--add", "probes").out == "1 document\n"
    assert cli("tag", corpus / "food.txt", *home, "--remove", "probes").code == 0
    assert cli("tag", *home).out.splitlines() == ["probes  2 documents", "space  2 documents", "kitchen  1 document"]
    assert cli("ls", *home, "--tag", "kitchen").out == f"{corpus / 'food.txt'}\n"
    (food,) = cli("ls", *home, "--tag", "#Kitchen", "--json").record
    assert food["tags"] == ["kitchen"]
    assert len(cli("ls", *home, "--tag", "kitchen", "--tag", "space", "--json").record) == 3
    assert "let no document through; try: ragapp tag" in cli("ls", *home, "--tag", "kichen").err
    answer = cli("ask", "When was it launched?", *home, "--tag", "space", "--json").record
    assert {Path(each["document"]).parent.name for each in answer["passages"]} == {"space"}
    assert cli("rm", corpus / "food.txt", *home).code == 0
    assert "kitchen" not in cli("tag", *home).out

    assert cli("tag", corpus / "gone.txt", *home, "--add", "x").code == 1
    assert cli("tag", corpus / "space", *home).code == 2
    assert cli("tag", *home, "--add", "x").code == 2
    refused = cli("ingest", corpus, *home, "--tag", "two words")
    assert (refused.code, "cannot be a tag" in refused.err) == (2, True)


def test_an_empty_name_is_not_the_folder_one_is_in(
    cli: Cli, own_library: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    home = ["--home", own_library]
    before = names(cli, own_library)
    for command in (["rm", ""], ["tag", "", "--add", "x"]):
        outcome = cli(*command, *home)
        assert (outcome.code, outcome.err) == (1, "no document is called ''; try: ragapp ls\n")
    assert names(cli, own_library) == before
    assert "no document has a tag" in cli("tag", *home).err
    refused = cli("ingest", "", *home)
    assert (refused.code, "A path is empty." in refused.err) == (2, True)

"""Finding files: loops, hidden and unreadable ones, hostile names."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ragapp.errors import LoadError, UnsupportedFormat
from ragapp.ingest.discovery import FoundFile, Unreadable, discover, document_name


def names(*roots: Path) -> list[str]:
    return [item.name for item in discover(roots) if isinstance(item, FoundFile)]


def problems(*roots: Path) -> list[tuple[str, LoadError]]:
    return [(item.name, item.error) for item in discover(roots) if isinstance(item, Unreadable)]


def test_finds_documents_in_a_fixed_order_and_passes_over_the_rest(tmp_path: Path) -> None:
    for name in ["b.txt", "a.MD", "sub/c.html", "sub/deeper/d.pdf", "e.docx", "x.exe", "noending", ".hidden.txt",
                 ".git/config.txt", "sub/.cache/y.txt", ".md"]:  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    os.mkfifo(tmp_path / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "sock.txt"))
        root = tmp_path.resolve().as_posix()
        assert names(tmp_path) == [
            f"{root}/{name}" for name in ["a.MD", "b.txt", "e.docx", "sub/c.html", "sub/deeper/d.pdf"]
        ]
        assert problems(tmp_path) == []


def test_found_files_carry_what_tells_them_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    os.utime(path, ns=(1, 1_234_567_891_234_567_891))
    (found,) = discover([path])
    assert isinstance(found, FoundFile)
    assert (found.size, found.mtime_ns, found.media_type) == (5, 1_234_567_891_234_567_891, "text")


def test_symbolic_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "far.txt").write_text("x")
    (folder / "near.txt").write_text("x")
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "away").symlink_to(outside)
    (folder / "same.txt").symlink_to(folder / "near.txt")
    (folder / "self.txt").symlink_to(folder / "self.txt")
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")
    (folder / "gone").symlink_to(folder / "nowhere")
    assert names(folder) == [str(folder / "near.txt"), str(outside / "far.txt")]
    assert [name for name, _ in problems(folder)] == [str(folder / "gone.txt"), str(folder / "self.txt")]


def test_roots_that_overlap_give_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("x")
    found = names(tmp_path / "sub" / "a.txt", tmp_path, tmp_path / "sub", tmp_path / "sub" / ".." / "sub")
    assert found == [str(tmp_path / "sub" / "a.txt")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_reported_and_the_rest_found(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "open.txt").write_text("x")
    assert names(tmp_path) == [str(tmp_path / "open.txt")]
    ((name, error),) = problems(tmp_path)
    assert name == str(tmp_path / "closed")
    assert "chmod" in error.hint


def test_what_is_given_by_name_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_text("x")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    given = [tmp_path / name for name in ("a.exe", "pipe.txt", "loop.txt", "missing", "nul\0.txt")]
    found = problems(*given)
    assert [name for name, _ in found] == [str(path) for path in given]
    errors = [error for _, error in found]
    assert isinstance(errors[0], UnsupportedFormat)
    for error, what in zip(errors, ["'.exe'", "neither a file", "cannot be read", "No such file", "null"], strict=True):
        assert what in error.message
        assert error.hint


def test_names_of_any_bytes_can_be_stored(tmp_path: Path) -> None:
    strange = ["new\nline.txt", "esc\x1b[31m.txt", "bidi\u202e.txt", os.fsdecode(b"bad\xff.txt"), "ünï.txt"]
    for name in strange:
        (tmp_path / name).write_text("x")
    found = [item for item in discover([tmp_path]) if isinstance(item, FoundFile)]
    assert len(found) == len(strange)
    for item in found:
        item.name.encode()
        assert Path(item.path).read_text() == "x"
    assert document_name(os.fsdecode(b"/bad\xff.txt")) == "/bad\\xff.txt"

"""The command line as a process of its own: Ctrl-C, a closed pipe, a full disk, other locales."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cli_samples import Cli

FILES = 1400


def ragapp(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ragapp", *map(str, arguments)]


def test_ctrl_c_keeps_what_was_committed_and_the_next_run_goes_on(cli: Cli, tmp_path: Path) -> None:
    folder, home = tmp_path / "documents", tmp_path / "home"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"Number {number} is here.\n")
    with subprocess.Popen(
        ragapp("ingest", folder, "--home", home), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while process.poll() is None and not any((home / "segments").glob("*")):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: the whole group hears it
        _, told = process.communicate()
    assert process.returncode == 130
    assert "interrupted; what was committed stays" in told
    assert "Traceback" not in told
    committed = cli("status", "--home", home, "--json").record["collections"][0]["documents"]
    assert 0 < committed < FILES
    assert "the last ingest was interrupted" in cli("doctor", "--home", home).out
    went_on = cli("ingest", folder, "--home", home, "--json")
    assert went_on.code == 0
    assert (went_on.record["unchanged"], went_on.record["added"]) == (committed, FILES - committed)
    assert cli("verify", "--home", home).code == 0


def test_a_closed_pipe_is_no_failure(library: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            ragapp("ls", "--home", library), stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_locale_that_cannot_write_a_name_is_no_failure(cli: Cli, own_library: Path, tmp_path: Path) -> None:
    home = own_library.rename(tmp_path / "für €")
    done = subprocess.run(
        ragapp("status", "--home", home),
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "für \\u20ac".encode("latin-1") in done.stdout


def test_a_full_disk_behind_standard_output_is_told(library: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            ragapp("ls", "--home", library), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_comes_from_the_module_too() -> None:
    done = subprocess.run(ragapp("--help"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ragapp ")
    assert subprocess.run(ragapp(), capture_output=True, text=True, check=True).stdout == done.stdout

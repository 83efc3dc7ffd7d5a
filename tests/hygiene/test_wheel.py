"""A wheel that is built and installed outside the repository ingests and answers by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ("pyproject.toml", "README.md", "LICENSE", "ragapp", "indexes", "ingest", "evals")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the installed wheel."""
    root = tmp_path_factory.mktemp("wheel")
    for name in PROJECT:
        source, target = ROOT / name, root / "project" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-deps", "--no-index"]
    build = ["wheel", str(root / "project"), *offline, "--no-build-isolation", "--wheel-dir", str(root)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    (wheel,) = root.glob("ragapp-*.whl")
    install = ["install", str(wheel), *offline, "--no-compile", "--target", str(root / "site")]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    return root / "site"


def run(site: Path, folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(site), "RAGAPP_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_what_it_needs(site: Path) -> None:
    package = site / "ragapp"
    assert {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")} <= {"ragapp", "bin"}
    assert (package / "py.typed").is_file()
    for source, target in (("ragapp", "."), ("indexes", "indexes"), ("ingest", "ingest"), ("evals", "evals")):
        for path in (ROOT / source).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (package / target / path.relative_to(ROOT / source)).is_file(), path


def test_it_ingests_and_answers_outside_the_repository(site: Path, tmp_path: Path) -> None:
    code = "import sys, ragapp.cli.main, ragapp.app; print(*{m.__file__ for n, m in sys.modules.items() if n[:6] == 'ragapp' and hasattr(m, '__file__')}, sep='\\n')"  # noqa: E501
    files = run(site, tmp_path, "-c", code).split("\n")
    assert all(Path(file).is_relative_to(site) for file in files if file)
    (tmp_path / "notes.md").write_text("# Bridges\n\nThe Forth Bridge opened on 4 March 1890.\n")
    run(site, tmp_path, "-m", "ragapp", "ingest", ".")
    assert "1890" in run(site, tmp_path, "-m", "ragapp", "ask", "When did the Forth Bridge open?")

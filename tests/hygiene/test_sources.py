"""Rules about the source text that no linter of ours checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("ragapp", "indexes", "ingest", "evals")
MOST_LINES = 400
PROGRAMS = {ROOT / "tools" / "build_samples.py"}
"""Scripts that a person runs, not modules that others import: they may print and be long."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(*SHIPPED, "tests", "tools"), ids=named)
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert path in PROGRAMS or len(text.splitlines()) < MOST_LINES
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", sources(*SHIPPED, "tools"), ids=named)
def test_whoever_catches_everything_says_why(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\s*except( (Base)?Exception\b.*)?:", line):
            after = "\n".join(lines[number : number + 12])
            assert "#" in line or re.search(r"^\s+raise\b", after, re.MULTILINE), f"{named(path)}:{number + 1}"


@pytest.mark.parametrize("path", sources(*SHIPPED), ids=named)
def test_only_the_console_writes_to_the_terminal(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert "print" not in {node.func.id for node in calls(tree) if isinstance(node.func, ast.Name)}
    if path != ROOT / "ragapp" / "cli" / "console.py":
        assert "sys.stdout.write" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", sources(*SHIPPED, "tests"), ids=named)
def test_nobody_sleeps_or_unpickles(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    called = {ast.unparse(node.func) for node in calls(tree)}
    assert called & {"time.sleep", "sleep", "pickle.load", "pickle.loads", "torch.load", "eval", "exec"} == set()


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def python_blocks() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_readme_compile() -> None:
    for number, block in enumerate(python_blocks(), 1):
        compile(block, f"README.md, block {number}", "exec")


def test_what_the_readme_links_to_is_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{named(page)} links to {target}"

"""``ragapp config``."""

from __future__ import annotations

from typing import Annotated

import typer

from ragapp.cli.console import write, write_json
from ragapp.cli.options import JsonOption

app = typer.Typer(help="Show the settings and where each comes from.")


@app.callback()
def _group() -> None:
    """Show the settings and where each comes from."""


@app.command()
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Also tell where each value comes from.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print every setting."""
    from ragapp.settings import origins

    found = origins()
    if as_json:
        plain = {
            name: {"value": _plain(value), "origin": source} if origin else _plain(value)
            for name, (value, source) in found.items()
        }
        write_json(plain)
        return
    for name, (value, source) in found.items():
        write(f"{name} = {_plain(value)!r}" + (f"   # {source}" if origin else ""))


@app.command()
def path(as_json: JsonOption = False) -> None:
    """Print the files that settings are read from, the first one first in precedence."""
    from ragapp.settings import config_files

    files = [str(file) for file in config_files()]
    write_json(files) if as_json else write("\n".join(files))


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)

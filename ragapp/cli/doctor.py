"""``ragapp doctor``: what works here, what does not, and the fix."""

from __future__ import annotations

import typer

from ragapp.cli.console import write, write_json
from ragapp.cli.options import CollectionOption, HomeOption, JsonOption, settings
from ragapp.errors import ExitCode


def doctor(home: HomeOption = None, collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """Check models, index, device and versions, with the fix for what is wrong."""
    from ragapp.doctor import checks

    found = tuple(checks(settings(home, collection)))
    for check in found:
        if as_json:
            continue
        write(f"{check.verdict:4}  {check.name}: {check.detail}")
        if check.fix:
            write(f"      fix: {check.fix}")
    if as_json:
        write_json([check._asdict() for check in found])
    if any(check.verdict == "FAIL" for check in found):
        raise typer.Exit(ExitCode.FAILED)

"""``ragapp``: runs a command and turns whatever goes wrong into one clear line and an exit code.

The modules of the commands import nothing heavy until they run, so that ``--help`` is instant.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Annotated

import typer
import typer.main

from ragapp.cli import (
    ask,
    bench,
    calibrate,
    chat,
    check,
    config,
    doctor,
    documents,
    eval,
    eval_files,
    ingest,
    keys,
    maintenance,
    train,
)
from ragapp.cli.console import explain, narrate, write
from ragapp.cli.memory import spare_memory
from ragapp.errors import ConfigError, ExitCode, RagappError
from ragapp.text import one_line

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(ingest.ingest)
app.command()(ask.ask)
app.command()(chat.chat)
app.command()(check.check)
app.command()(calibrate.calibrate)
app.command()(documents.status)
app.command()(documents.ls)
app.command()(documents.tag)
app.command()(documents.rm)
app.command()(maintenance.verify)
app.command()(maintenance.compact)
app.command()(doctor.doctor)
app.command()(keys.keys)
app.add_typer(config.app, name="config")
app.add_typer(train.app, name="train")
app.add_typer(bench.app, name="bench")
eval.app.command()(eval_files.report)
eval.app.command()(eval_files.make)
app.add_typer(eval.app, name="eval")


def _print_version(wanted: bool) -> None:
    if wanted:
        write(f"ragapp {version_of('ragapp')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print it.")
    ] = False,
) -> None:
    """Ask your own documents.

    Every answer shows where it comes from, how sure it is, and says so when the documents don't hold it.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: The arguments; by default the process's own.

    Returns:
        The exit code, a member of `ExitCode`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or [_alone()]
    try:
        # Not the command's own main(), which has other ideas of what Ctrl-C and a closed pipe mean.
        command = typer.main.get_command(app)
        with command.make_context("ragapp", given) as context:
            command.invoke(context)
        return ExitCode.OK
    except RagappError as error:
        explain(error)
        return error.exit_code
    except typer.Exit as stop:
        return stop.exit_code
    except typer.TyperException as error:
        command_path = getattr(getattr(error, "ctx", None), "command_path", "ragapp")
        explain(ConfigError(error.format_message(), f"{command_path} --help"))
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        narrate("interrupted; what was committed stays")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`ragapp ls | head`); keep the interpreter from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:
        if os.environ.get("RAGAPP_DEBUG"):
            raise
        narrate(f"error: unexpected {type(error).__name__}: {one_line(str(error))}")
        narrate("  try: the same command with RAGAPP_DEBUG=1, and report what it prints")
        return ExitCode.FAILED


def _alone() -> str:
    """What ``ragapp`` alone means: the chat on a terminal, help anywhere else."""
    return "chat" if sys.stdin.isatty() and sys.stdout.isatty() else "--help"


def run() -> None:
    """Run the process's command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a quote that the locale cannot write is no reason to fail
    spare_memory()
    sys.exit(main())

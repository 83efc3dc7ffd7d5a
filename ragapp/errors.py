"""Every error a person can meet, in one tree.

Each error says what happened, shows the value it happened to, and names the next command to type. The exit code
belongs to the class, so no caller keeps a ladder of ``isinstance`` checks::

    RagappError                       1
      ConfigError                     2   a setting, an option or an argument is wrong
      IngestError                     1   documents could not be taken in
        LoadError                     1   one file could not be read (the others go in)
        UnsupportedFormat             1   no loader for this kind of file
      IndexError_                     3   the index cannot be used as it is
        IndexNotFound                 3   there is none in that folder
        IndexCorrupt                  3   a segment or the catalog fails its checksum
        IndexVersionMismatch          3   written by another version of ragapp
        IndexLocked                   3   another process is writing
        CollectionMismatch            3   other encoder or chunker than the collection pins
        CollectionNotFound            3   no collection of that name
        StorageFull                   3   the disk is full; nothing was changed
      ModelError                      4   a model cannot be used
        ModelNotFound                 4   its files are not here
        ModelCorrupt                  4   its files are not what their checksum says
      TrainingError                   1   training data or a checkpoint is wrong
      EvalError                       1   an evaluation's input is wrong
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell."""

    OK = 0
    """Everything asked for was done."""
    FAILED = 1
    """Something asked for was not done; standard error says what."""
    USAGE = 2
    """The command line or a setting is wrong; nothing was started."""
    INDEX = 3
    """The index is missing, locked, corrupt or of another version."""
    MODEL = 4
    """A model is missing or its files are wrong."""
    GATE = 5
    """An evaluation ran and missed its gate."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; what was committed stays."""


class RagappError(Exception):
    """Root of the tree: what happened, and what to type next.

    Args:
        message: What happened, with the offending value quoted.
        hint: The next command to type or thing to do, without a trailing full stop; empty if there is none.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(RagappError):
    """A setting, an option or an argument is wrong."""

    exit_code = ExitCode.USAGE


class IngestError(RagappError):
    """Documents could not be taken in."""


class LoadError(IngestError):
    """One file could not be read; the others go in."""


class UnsupportedFormat(LoadError):
    """No loader for this kind of file."""


class IndexError_(RagappError):  # noqa: N801 - the builtin has the plain name
    """The index cannot be used as it is."""

    exit_code = ExitCode.INDEX


class IndexNotFound(IndexError_):
    """There is no index in the folder."""


class IndexCorrupt(IndexError_):
    """A segment or the catalog is not what its checksum says."""


class IndexVersionMismatch(IndexError_):
    """The index was written by another version of ragapp."""


class IndexLocked(IndexError_):
    """Another process is writing to the index."""


class CollectionMismatch(IndexError_):
    """The collection pins another encoder or chunker."""


class CollectionNotFound(IndexError_):
    """No collection of that name."""


class StorageFull(IndexError_):
    """The disk is full; the index stayed as it was."""


class ModelError(RagappError):
    """A model cannot be used."""

    exit_code = ExitCode.MODEL


class ModelNotFound(ModelError):
    """A model's files are not on this machine."""


class ModelCorrupt(ModelError):
    """A model's files are not what their checksum says."""


class TrainingError(RagappError):
    """Training data or a checkpoint is wrong."""


class EvalError(RagappError):
    """An evaluation's input is wrong."""

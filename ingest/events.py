"""What the ingest job tells while it runs; every skin folds these, none calls another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FileStatus = Literal["added", "changed", "unchanged", "failed", "removed"]
JobStatus = Literal["done", "interrupted"]


@dataclass(frozen=True, slots=True)
class JobStarted:
    """The files are found; the work begins.

    Attributes:
        files: Files found, unchanged ones included.
        size_bytes: Their sizes together.
    """

    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FileDone:
    """A file is dealt with: ``added`` and ``changed`` ones are committed.

    Attributes:
        name: The document's name; untrusted, make it printable.
        status: What became of it.
        passages: Passages it was cut into; 0 unless it was added or changed.
        size_bytes: Its size on disk; 0 for a removed one.
        detail: Why it failed, naming the file; else empty. Untrusted, make it printable.
        hint: What the user can do about it; else empty.
    """

    name: str
    status: FileStatus
    passages: int = 0
    size_bytes: int = 0
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PassagesEncoded:
    """A part of the batch is encoded, for the progress of one that takes minutes.

    Attributes:
        passages: How many in this part.
    """

    passages: int


@dataclass(frozen=True, slots=True)
class BatchCommitted:
    """A batch is in the index for good.

    Attributes:
        documents: Documents in it.
        passages: Passages in it.
        encoded: Texts that went through the encoder.
    """

    documents: int
    passages: int
    encoded: int


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a job did.

    Attributes:
        status: Whether it reached its end.
        added: New documents.
        changed: Documents of which there is a new version.
        unchanged: Files passed over because they are what the index holds.
        failed: Files that could not be taken in.
        removed: Documents removed because their files vanished.
        passages: Passages committed.
        encoded: Texts that went through the encoder; the others' vectors were in the index or the batch.
        size_bytes: Sizes of the files added and changed.
        seconds: Wall-clock time.
        failures: The failed files, in the order met.
    """

    status: JobStatus
    added: int
    changed: int
    unchanged: int
    failed: int
    removed: int
    passages: int
    encoded: int
    size_bytes: int
    seconds: float
    failures: tuple[FileDone, ...]


@dataclass(frozen=True, slots=True)
class JobDone:
    """The job is over.

    Attributes:
        report: What it did.
    """

    report: JobReport


JobEvent = JobStarted | FileDone | PassagesEncoded | BatchCommitted | JobDone

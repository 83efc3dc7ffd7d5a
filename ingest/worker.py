"""The process that parses files: reads requests from one pipe, answers on another, and may die at any time.

Run as ``python -P -m ragapp.ingest.worker LIMITS``. Messages are JSON, never pickle: a parser that a document took
over can lie about that document, but not run code in the job. The text follows its message as UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, TypedDict

from ragapp.errors import LoadError
from ragapp.indexes.types import Landmark, LoadedDocument, Locator, MediaType
from ragapp.ingest.limits import Limits
from ragapp.ingest.loaders import load_source, read_source

_GRACE_S = 10.0
"""Beyond the limit that the job enforces, the worker ends itself: the job may be gone."""
_OPEN_FILES = 64
READY = b"ready\n"
"""The first thing a worker says; one that ends before cannot run at all, whatever the file."""


class Request(TypedDict):
    """A file to load; ``known_sha256`` is that of the version in the index, or empty."""

    path: str
    kind: MediaType
    known_sha256: str


class Reply(TypedDict):
    """What came of it; with an ``error`` or an unchanged hash there is no document.

    ``text_bytes`` of UTF-8 follow the reply.
    """

    sha256: str
    error: str
    hint: str
    title: str
    landmarks: list[tuple[int, int | None, str | None, int | None]]
    text_bytes: int


def document_of(reply: Reply, text: str, kind: MediaType) -> LoadedDocument:
    """Make the document of a reply.

    Args:
        reply: The reply.
        text: The text that followed it.
        kind: Which loader read it.

    Returns:
        The document.
    """
    landmarks = tuple(
        Landmark(start, Locator(page, heading, line)) for start, page, heading, line in reply["landmarks"]
    )
    return LoadedDocument(text, landmarks, reply["title"], kind)


def encode_limits(limits: Limits) -> str:
    """Write limits as the worker's argument.

    Args:
        limits: What one file may cost.

    Returns:
        JSON.
    """
    return json.dumps(asdict(limits))


def serve(requests: IO[bytes], replies: IO[bytes], limits: Limits) -> None:
    """Answer requests until the pipe closes.

    Args:
        requests: One JSON object a line.
        replies: ``READY``, then one JSON object a line, each followed by its text.
        limits: What one file may cost.
    """
    replies.write(READY)
    replies.flush()
    for line in requests:
        request: Request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, limits.seconds + _GRACE_S)
        answer = _answer(request, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(answer)
        replies.flush()


def _answer(request: Request, limits: Limits) -> bytes:
    sha256 = ""
    path = request["path"]
    try:
        source = read_source(Path(path), limits)
        sha256 = hashlib.sha256(source.data).hexdigest()
        if sha256 == request["known_sha256"]:
            return _reply(sha256)
        return _reply(sha256, document=load_source(source, request["kind"]))
    except LoadError as error:
        return _reply(sha256, error=error)
    except MemoryError:
        what = f"{path!r} needs more than {limits.memory_bytes / 1e9:.1f} GB of memory to read"
        return _reply(sha256, error=LoadError(what, "split it into smaller files"))
    except RecursionError:
        return _reply(sha256, error=LoadError(f"{path!r} is nested too deeply to read", "leave it out"))
    except Exception as error:  # noqa: BLE001 - what a parser raises on a hostile file is anything; it is reported
        what = f"{path!r} broke its parser: {type(error).__name__}: {error}"
        return _reply(sha256, error=LoadError(what, "open it in its program and save it again"))


def _reply(sha256: str, *, document: LoadedDocument | None = None, error: LoadError | None = None) -> bytes:
    text = document.text.encode() if document else b""
    landmarks = document.landmarks if document else ()
    reply: Reply = {
        "sha256": sha256,
        "error": error.message if error else "",
        "hint": error.hint if error else "",
        "title": document.title if document else "",
        "landmarks": [(start, at.page, at.heading, at.line) for start, at in landmarks],
        "text_bytes": len(text),
    }
    return json.dumps(reply).encode() + b"\n" + text


def _confine(limits: Limits) -> None:
    """Bound what this process may take; Ctrl-C is the job's to handle."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bounds = [
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # parsing writes no file
    ]
    for kind, bound in bounds:
        hard = resource.getrlimit(kind)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (bound, bound))


def main() -> None:
    """Serve on standard input and output, which parsers cannot reach: they get the null device instead."""
    limits = Limits(**json.loads(sys.argv[1]))
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    sys.dont_write_bytecode = True
    _confine(limits)
    serve(requests, replies, limits)


if __name__ == "__main__":
    main()

"""A pool of processes that load files, bounded in memory and time: a file that kills or hangs one costs only itself."""

from __future__ import annotations

import itertools
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO

from ragapp.errors import IngestError, LoadError
from ragapp.indexes.types import LoadedDocument
from ragapp.ingest.discovery import FoundFile
from ragapp.ingest.limits import Limits
from ragapp.ingest.loaders.base import tidy
from ragapp.ingest.worker import READY, Reply, Request, document_of, encode_limits

_BLOCK_BYTES = 1 << 20
_ENDING_S = 2.0
"""A worker that has closed its pipe gets this long to end by itself, so that its status tells why."""
_AHEAD = 4
"""Files a worker may be ahead of the one that is wanted next; bounds what the pool holds."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """A file to load.

    Attributes:
        file: The file.
        known_sha256: SHA-256 of the version that is in the index, or empty.
    """

    file: FoundFile
    known_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading a file.

    Attributes:
        file: The file.
        sha256: SHA-256 of its bytes; empty if it could not be read.
        document: The document; ``None`` if the file has the known hash or failed.
        error: Why it failed, else ``None``.
    """

    file: FoundFile
    sha256: str
    document: LoadedDocument | None
    error: LoadError | None


class LoaderPool:
    """Worker processes that load files; a context manager that ends them.

    They are plain subprocesses rather than ``multiprocessing`` ones, which would run the caller's main script once
    more and unpickle what the worker sends. They start when there is a file for them.

    Args:
        workers: How many processes.
        limits: What one file may cost.
    """

    def __init__(self, workers: int = 1, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._most = max(1, workers)
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> LoaderPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers."""
        for worker in tuple(self._workers):
            self._drop(worker)
        self._selector.close()

    def load(self, requests: Iterable[LoadRequest]) -> Iterator[Loaded]:
        """Load files, several at a time.

        Args:
            requests: The files.

        Yields:
            What came of each, in the order of the requests.

        Raises:
            IngestError: The worker processes cannot run.
        """
        numbered = enumerate(requests)
        done: dict[int, Loaded] = {}
        waiting = next(numbered, None)
        for wanted in itertools.count():
            while wanted not in done:
                while waiting and waiting[0] < wanted + self._most * _AHEAD and (worker := self._idle()):
                    worker.give(*waiting, time.monotonic() + self._limits.seconds)
                    waiting = next(numbered, None)
                if not any(worker.task for worker in self._workers):
                    return
                done.update(self._collect())
            yield done.pop(wanted)

    def _idle(self) -> _Worker | None:
        """Give a worker without a file, started if there are not yet enough."""
        for worker in self._workers:
            if worker.task is None:
                return worker
        if len(self._workers) == self._most:
            return None
        worker = _Worker(self._limits)
        self._workers.append(worker)
        self._selector.register(worker.replies, selectors.EVENT_READ, worker)
        return worker

    def _drop(self, worker: _Worker, *, grace_s: float = 0.0) -> int:
        self._selector.unregister(worker.replies)
        self._workers.remove(worker)
        return worker.end(grace_s=grace_s)

    def _collect(self) -> Iterator[tuple[int, Loaded]]:
        """Wait until something happens, and give the files that are done by it."""
        deadline = min(worker.task.deadline for worker in self._workers if worker.task)
        for key, _ in self._selector.select(max(0.0, deadline - time.monotonic())):
            worker: _Worker = key.data
            if worker.receive():
                if finished := worker.finished():
                    yield finished
                continue
            task, was_ready = worker.task, worker.ready
            status = self._drop(worker, grace_s=_ENDING_S)
            if not was_ready and status >= 0:
                raise IngestError(f"the process that reads files does not start (status {status})", "ragapp doctor")
            if task:
                how = signal.strsignal(-status) if status < 0 else f"status {status}"
                what = f"{task.request.file.path!r} ended the process that read it ({how})"
                yield task.failed(what, "it is damaged or too complex: open it in its program and save it again")
        now = time.monotonic()
        for worker in tuple(self._workers):
            if (task := worker.task) and task.deadline <= now:
                self._drop(worker)
                what = f"{task.request.file.path!r} was not read within {self._limits.seconds:g} s"
                yield task.failed(what, "it is damaged or too complex: split it, or save it again in its program")


@dataclass(frozen=True, slots=True)
class _Task:
    number: int
    request: LoadRequest
    deadline: float  # of time.monotonic()

    def failed(self, what: str, hint: str) -> tuple[int, Loaded]:
        return self.number, Loaded(self.request.file, "", None, LoadError(what, hint))


class _Worker:
    """One process and what it has sent of its reply."""

    def __init__(self, limits: Limits) -> None:
        try:
            # -P keeps the working folder, which may be the one being read, off the worker's import path.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "ragapp.ingest.worker", encode_limits(limits)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            raise IngestError(f"the process that reads files does not start: {error}", "ragapp doctor") from error
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._requests: IO[bytes] = self._process.stdin
        self.replies: IO[bytes] = self._process.stdout
        self.task: _Task | None = None
        self.ready = False
        self._received = bytearray()
        self._reply: Reply | None = None

    def give(self, number: int, request: LoadRequest, deadline: float) -> None:
        """Send a file to load."""
        self.task = _Task(number, request, deadline)
        file = request.file
        message: Request = {"path": file.path, "kind": file.media_type, "known_sha256": request.known_sha256}
        with suppress(BrokenPipeError):  # it died idle; its closed pipe is noticed when the reply is read
            self._requests.write(json.dumps(message).encode() + b"\n")

    def receive(self) -> bool:
        """Take what has come; false when the process has ended."""
        block = os.read(self.replies.fileno(), _BLOCK_BYTES)
        self._received += block
        if not self.ready and self._received.startswith(READY):
            self.ready = True
            del self._received[: len(READY)]
        return bool(block)

    def finished(self) -> tuple[int, Loaded] | None:
        """Give the file that is done, once all of its reply has come."""
        if self._reply is None:
            head, newline, rest = self._received.partition(b"\n")
            if not (self.ready and newline):
                return None
            self._reply, self._received = json.loads(head), rest
        reply, task = self._reply, self.task
        if reply is None or task is None or len(self._received) < reply["text_bytes"]:
            return None
        text = self._received.decode()
        self._received, self._reply, self.task = bytearray(), None, None
        file = task.request.file
        error = LoadError(tidy(reply["error"]), reply["hint"]) if reply["error"] else None
        document = document_of(reply, text, file.media_type) if text else None
        return task.number, Loaded(file, reply["sha256"], document, error)

    def end(self, *, grace_s: float = 0.0) -> int:
        """End the process, after some time to end by itself; gives its status, negative for a signal."""
        try:
            status = self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._requests.close()
        self.replies.close()
        return status

"""What works here, what does not, and the fix: models, index, device, versions, disk."""

from __future__ import annotations

import platform
import shlex
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal, NamedTuple

from ragapp.errors import CollectionNotFound, IndexNotFound, RagappError
from ragapp.text import counted

if TYPE_CHECKING:
    from ragapp.settings import Settings

_PACKAGES = ("torch", "transformers", "sentence-transformers", "faiss-cpu", "sqlalchemy", "textual")
_LOW_DISK_BYTES = 1e9


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    verdict: Literal["OK", "WARN", "FAIL"]
    detail: str
    fix: str = ""


def checks(settings: Settings) -> Iterator[Check]:
    """Look at everything, one after the other.

    Args:
        settings: The settings to check with.

    Yields:
        What was found.
    """
    yield Check("python", "OK", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _versions()
    yield _try("encoder", lambda: _encoder(settings))
    yield _try("reader", lambda: _reader(settings))
    yield _try("device", _device)
    yield _try("index", lambda: _index(settings))
    yield _disk(settings)


def _try(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (IndexNotFound, CollectionNotFound) as error:
        return Check(name, "WARN", error.message, error.hint)
    except RagappError as error:
        return Check(name, "FAIL", error.message, error.hint)


def _versions() -> Iterator[Check]:
    for package in _PACKAGES:
        try:
            yield Check(package, "OK", version(package))
        except PackageNotFoundError:
            yield Check(package, "FAIL", "not installed", f"pip install {package}")


def _encoder(settings: Settings) -> Check:
    from ragapp.indexes.encoder import load_encoder

    pin = load_encoder(settings.encoder or None, device=settings.device).pin
    return Check("encoder", "OK", f"{pin.id} ({pin.hash[:12]}, {pin.dimension} dimensions)")


def _reader(settings: Settings) -> Check:
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.registry import find_reader

    reader = CopyFidReader.load(find_reader(settings.home, settings.reader), device=settings.device)
    return Check("reader", "OK", f"{reader.name} ({reader.model_hash[:12]})")


def _device() -> Check:
    import torch

    from ragapp.indexes.encoder_torch import pick_device, pick_dtype

    device = pick_device("auto")
    precision = str(pick_dtype(device)).removeprefix("torch.")
    return Check("device", "OK", f"{device.type}, {precision}, {counted(torch.get_num_threads(), 'thread')}")


def _index(settings: Settings) -> Check:
    from ragapp.indexes.index import Index

    with Index.open(settings.home, make=False) as index:
        collection = index.collection(settings.collection)
        documents, passages, *_ = index.stats(collection)
        job = index.last_job(collection)
    if job and job.status != "done":
        return Check("index", "WARN", f"the last ingest was {job.status}", f"ragapp ingest {shlex.join(job.roots)}")
    return Check(
        "index", "OK", f"{counted(documents, 'document')}, {counted(passages, 'passage')} in {str(settings.home)!r}"
    )


def _disk(settings: Settings) -> Check:
    folder = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK_BYTES:
        return Check("disk", "WARN", f"{free / 1e9:.1f} GB free at {str(folder)!r}", "make room, or set RAGAPP_HOME")
    return Check("disk", "OK", f"{free / 1e9:.0f} GB free at {str(folder)!r}")

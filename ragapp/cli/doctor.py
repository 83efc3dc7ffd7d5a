"""``ragapp doctor``: what works here, what does not, and the fix."""

from __future__ import annotations

import platform
import shlex
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal, NamedTuple

import typer

from ragapp.cli.console import write, write_json
from ragapp.cli.options import CollectionOption, HomeOption, JsonOption, settings
from ragapp.errors import CollectionNotFound, ExitCode, RagappError

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


def doctor(home: HomeOption = None, collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """Check models, index, device and versions, with the fix for what is wrong."""
    checks = list(_checks(settings(home, collection)))
    for check in checks:
        if as_json:
            continue
        write(f"{check.verdict:4}  {check.name}: {check.detail}")
        if check.fix:
            write(f"      fix: {check.fix}")
    if as_json:
        write_json([check._asdict() for check in checks])
    if any(check.verdict == "FAIL" for check in checks):
        raise typer.Exit(ExitCode.FAILED)


def _checks(chosen: Settings) -> Iterator[Check]:
    yield Check("python", "OK", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _versions()
    yield _try("encoder", lambda: _encoder(chosen))
    yield _try("reader", lambda: _reader(chosen))
    yield _try("device", _device)
    yield _try("index", lambda: _index(chosen))
    yield _disk(chosen)


def _try(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except CollectionNotFound as error:
        return Check(name, "WARN", error.message, error.hint)
    except RagappError as error:
        return Check(name, "FAIL", error.message, error.hint)


def _versions() -> Iterator[Check]:
    for package in _PACKAGES:
        try:
            yield Check(package, "OK", version(package))
        except PackageNotFoundError:
            yield Check(package, "FAIL", "not installed", f"pip install {package}")


def _encoder(chosen: Settings) -> Check:
    from ragapp.indexes.encoder import load_encoder

    pin = load_encoder(chosen.encoder or None, device=chosen.device).pin
    return Check("encoder", "OK", f"{pin.id} ({pin.hash[:12]}, {pin.dimension} dimensions)")


def _reader(chosen: Settings) -> Check:
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.readers.registry import find_reader

    reader = CopyFidReader.load(find_reader(chosen.home, chosen.reader), device=chosen.device)
    return Check("reader", "OK", f"{reader.name} ({reader.model_hash[:12]})")


def _device() -> Check:
    import torch

    from ragapp.indexes.encoder_torch import pick_device, pick_dtype

    device = pick_device("auto")
    precision = str(pick_dtype(device)).removeprefix("torch.")
    return Check("device", "OK", f"{device.type}, {precision}, {torch.get_num_threads()} threads")


def _index(chosen: Settings) -> Check:
    from ragapp.indexes.index import Index

    with Index.open(chosen.home) as index:
        collection = index.collection(chosen.collection)
        documents, passages, *_ = index.stats(collection)
        job = index.last_job(collection)
    if job and job.status != "done":
        return Check("index", "WARN", f"the last ingest was {job.status}", f"ragapp ingest {shlex.join(job.roots)}")
    return Check("index", "OK", f"{documents} documents, {passages} passages in {str(chosen.home)!r}")


def _disk(chosen: Settings) -> Check:
    folder = next(folder for folder in (chosen.home, *chosen.home.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK_BYTES:
        return Check("disk", "WARN", f"{free / 1e9:.1f} GB free at {str(folder)!r}", "make room, or set RAGAPP_HOME")
    return Check("disk", "OK", f"{free / 1e9:.0f} GB free at {str(folder)!r}")

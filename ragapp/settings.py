"""Every setting, its default and where it comes from.

Precedence: a command-line flag, then ``RAGAPP_…`` in the environment, then ``ragapp.toml`` in the working directory,
then ``ragapp.toml`` in the user's configuration folder, then the default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Device = Literal["auto", "cpu", "cuda", "mps"]


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix="RAGAPP_", extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("ragapp")))
    """Folder of the catalog, the segments and built models."""
    collection: str = Field(default="default", min_length=1, max_length=100)
    """Which collection to read and write."""
    encoder: str = ""
    """Encoder of new collections: a sentence-transformers folder or hub id; empty for the default."""
    reader: Path | None = None
    """Folder of a trained copy-fid reader; none for the one that ships with the package."""
    device: Device = "auto"
    """Where models run; ``auto`` takes a GPU if there is one."""
    threads: int = Field(default=0, ge=0, le=1024)
    """Processor threads for ingest and reading; 0 for one a core."""
    passages: int = Field(default=8, ge=1, le=100)
    """How many passages the reader reads for a question."""
    abstain_below: float = Field(default=0.5, ge=0, le=1)
    """Answers of lower confidence are given as "not in your documents"."""
    chunk_tokens: int = Field(default=190, ge=32, le=400)
    """Token budget of a passage, heading included, in new collections."""
    max_file_mb: int = Field(default=50, ge=1, le=2000)
    """Larger files are refused, megabytes."""

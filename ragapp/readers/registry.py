"""Readers by name: the one that ships with the package, and those trained here on a person's own questions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ragapp.errors import ConfigError, ModelCorrupt, ModelNotFound

SHIPPED = Path(__file__).parent / "copy_fid" / "weights"
"""Folder of the reader that comes with the package."""
SHIPPED_NAME = "shipped"
CARD_FILE = "card.json"


@dataclass(frozen=True, slots=True)
class ReaderCard:
    """What is known of a reader that was trained here.

    Attributes:
        name: Its name, also of its folder.
        trained_from: What it went on from: a name or a folder.
        questions: How many questions it learned from.
        held_out: How many questions were kept back to compare by.
        f1_before: Mean token F1 on those before training, 0 to 1.
        f1_after: The same after it.
        data_sha256: Of what it learned from, hex.
    """

    name: str
    trained_from: str
    questions: int
    held_out: int
    f1_before: float
    f1_after: float
    data_sha256: str


def readers_folder(home: Path) -> Path:
    """Give the folder of the named readers of a home."""
    return home / "readers"


def find_reader(home: Path, reader: Path | None) -> Path:
    """Find a reader's folder.

    Args:
        home: Home folder of the index.
        reader: The name of a reader trained here, ``shipped``, or a folder; nothing for the shipped one.

    Returns:
        Folder with the reader's files.

    Raises:
        ModelNotFound: If it is neither a name nor a folder.
    """
    if reader is None or str(reader) == SHIPPED_NAME:
        return SHIPPED
    named = readers_folder(home) / reader / "reader"
    if len(reader.parts) == 1 and named.is_dir():
        return named
    if reader.is_dir():
        return reader
    raise ModelNotFound(
        f"There is no reader {str(reader)!r}: neither a folder nor one of {[SHIPPED_NAME, *reader_names(home)]}.",
        "ragapp train readers",
    )


def reader_names(home: Path) -> list[str]:
    """List the names of the readers that were trained into a home, in order, whatever their cards are worth."""
    return [path.parent.name for path in sorted(readers_folder(home).glob(f"*/{CARD_FILE}"))]


def list_readers(home: Path) -> list[ReaderCard]:
    """List the readers that were trained into a home, by name.

    Args:
        home: Home folder of the index.

    Returns:
        Their cards.

    Raises:
        ModelCorrupt: If a card is damaged.
    """
    return [_card(path) for path in sorted(readers_folder(home).glob(f"*/{CARD_FILE}"))]


def new_reader(home: Path, name: str) -> Path:
    """Give the folder of a reader that is to be trained here.

    Args:
        home: Home folder of the index.
        name: Its name.

    Returns:
        A folder right under `readers_folder`, which need not be there.

    Raises:
        ConfigError: If a reader cannot have that name: it would lie elsewhere, or never be found by it.
    """
    if name in {"", ".", "..", SHIPPED_NAME} or "/" in name or not name.isprintable():
        raise ConfigError(f"A reader that is trained here cannot be called {name!r}.", "--name mine")
    return readers_folder(home) / name


def register(folder: Path, card: ReaderCard) -> None:
    """Write a reader's card beside it, which makes it known by its name.

    Args:
        folder: The reader's run, ``readers_folder(home) / card.name``.
        card: What is known of it.
    """
    (folder / CARD_FILE).write_text(json.dumps(asdict(card), indent=2) + "\n", "utf-8")


def _card(path: Path) -> ReaderCard:
    try:
        return ReaderCard(**json.loads(path.read_text("utf-8")))
    except (OSError, TypeError, ValueError) as error:
        hint = "remove its folder and train that reader again"
        raise ModelCorrupt(f"The reader's card {str(path)!r} is damaged: {error}.", hint) from error

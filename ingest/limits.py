"""How much one file may cost before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file; a file beyond them is reported, and the others go in.

    Attributes:
        file_bytes: Size of the file on disk.
        text_chars: Characters of text that a loader may take out of it.
        unpacked_bytes: Sum of the uncompressed sizes in a zip container (docx).
        unpacked_ratio: Uncompressed to compressed size of a zip container; Word files stay below 40.
        zip_entries: Files in a zip container.
        memory_bytes: Address space of the process that parses it.
        seconds: Wall-clock time that parsing it may take.
    """

    file_bytes: int = 50 * MEGABYTE
    text_chars: int = 50 * MEGABYTE
    unpacked_bytes: int = 200 * MEGABYTE
    unpacked_ratio: int = 200
    zip_entries: int = 10_000
    memory_bytes: int = 1500 * MEGABYTE
    seconds: float = 120.0

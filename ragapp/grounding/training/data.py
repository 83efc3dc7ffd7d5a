"""Labelled claims for training: read, checked, grouped by source."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ragapp.errors import TrainingError
from ragapp.grounding.model import CONTRADICTED, NOT_SUPPORTED, SUPPORTED
from ragapp.indexes.types import Span
from ragapp.ingest.sentences import split_sentences
from ragapp.readers.copy_fid.training.sources import SourceRecord, read_source

_CONTRADICTED = frozenset({"refutes", "refuted", "contradiction", "contradicted", "contradicts"})
_NOT_SUPPORTED = frozenset({"partially_supported", "not_supported", "not fully attributable", "neutral", "nei"})
_KNOWN_SHARE = 0.2
"""Share of a source's sentences that may be known from training before its claims say little about new documents."""


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim, its source and what is known of them.

    Attributes:
        source: The source.
        claim: The claim.
        verdicts: The verdicts that the label allows, as columns of the network's output: a bare "wrong" allows two.
        dataset: Which set it comes from.
        evidence: Characters of the source that decide, where known.
        wrong: Characters of the claim that the source does not bear out; (0, 0) if all is borne out, ``None`` if it
            is not known.
    """

    source: str
    claim: str
    verdicts: tuple[int, ...]
    dataset: str
    evidence: Span | None = None
    wrong: Span | None = None

    @property
    def supported(self) -> bool:
        """Whether the source supports the claim."""
        return self.verdicts == (SUPPORTED,)


class ClaimSplit(NamedTuple):
    """Claims to learn from and claims kept back."""

    train: tuple[LabelledClaim, ...]
    held_out: tuple[LabelledClaim, ...]


def load_claims(path: Path) -> tuple[LabelledClaim, ...]:
    """Read labelled claims from a file as `read_source` reads them.

    Each is an object with the strings ``source`` and ``claim`` and ``grounded`` (1 or 0); ``label`` tells
    contradicted from not supported where it is one of the usual words; ``dataset`` is optional.

    Args:
        path: The file.

    Returns:
        The claims in file order.

    Raises:
        TrainingError: If the file cannot be read, a line is not such an object, or there is no line.
    """
    claims = tuple(_claim(path.name.partition(".")[0], record) for record in read_source(path))
    if not claims:
        raise TrainingError(f"{str(path)!r} holds no claim.", "give lines with source, claim and grounded")
    return claims


def is_claims(path: Path) -> bool:
    """Tell a file of claims from one of questions by its first line.

    Args:
        path: The file.

    Returns:
        Whether its first line has a claim.

    Raises:
        TrainingError: If the file cannot be read.
    """
    first = next(read_source(path), None)
    return first is not None and "claim" in first.fields


def hold_out(claims: Sequence[LabelledClaim], share: float = 0.1) -> ClaimSplit:
    """Keep whole sources back, with every claim that is made of them, chosen by a hash.

    Rows that share a source or a claim belong together: the same sentence is often judged by a document and by parts
    of it, and a row seen in training would give its twin away.

    Args:
        claims: All claims.
        share: Share of groups to keep back, 0 to 1.

    Returns:
        Both parts, in the order given.
    """
    group = _groups(claims)
    kept: dict[int, bool] = {}
    for index, root in enumerate(group):
        if root not in kept:
            digest = hashlib.sha256(claims[index].source.encode()).digest()
            kept[root] = int.from_bytes(digest[:4]) < share * 2**32
    train = tuple(claim for claim, root in zip(claims, group, strict=True) if not kept[root])
    return ClaimSplit(train, tuple(claim for claim, root in zip(claims, group, strict=True) if kept[root]))


def apart_from(claims: Iterable[LabelledClaim], learned: Iterable[LabelledClaim]) -> tuple[LabelledClaim, ...]:
    """Leave out claims that a checker may know from its training.

    Args:
        claims: The claims to judge it by.
        learned: What it learned from.

    Returns:
        Those that share neither source nor claim with it, and at most a fifth of their source's sentences; in order.
    """
    learned = tuple(learned)
    known = {_folded(each.source) for each in learned} | {_folded(each.claim) for each in learned}
    known_sentences = {sentence for source in {each.source for each in learned} for sentence in _sentences(source)}

    def new(claim: LabelledClaim) -> bool:
        found = _sentences(claim.source)
        shared = sum(sentence in known_sentences for sentence in found)
        return not {_folded(claim.source), _folded(claim.claim)} & known and shared <= _KNOWN_SHARE * len(found)

    return tuple(claim for claim in claims if new(claim))


def summary(claims: Iterable[LabelledClaim]) -> str:
    """Count claims by dataset, supported and not, in one line."""
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for claim in claims:
        counts[claim.dataset][claim.supported] += 1
    return ", ".join(f"{name} {count[True]}+{count[False]}" for name, count in sorted(counts.items()))


def _claim(dataset: str, record: SourceRecord) -> LabelledClaim:
    where, fields = record
    source, claim, grounded = fields.get("source"), fields.get("claim"), fields.get("grounded")
    if not isinstance(source, str) or not isinstance(claim, str) or grounded not in (0, 1):
        raise TrainingError(
            f"{where} needs the strings 'source' and 'claim' and 'grounded', 1 or 0.", "correct the line"
        )
    if not source.strip() or not claim.strip():
        raise TrainingError(f"{where} has a blank source or claim.", "leave the line out")
    label = str(fields.get("label", "")).casefold()
    if grounded:
        verdicts = (SUPPORTED,)
    elif label in _CONTRADICTED:
        verdicts = (CONTRADICTED,)
    else:
        verdicts = (NOT_SUPPORTED,) if label in _NOT_SUPPORTED else (NOT_SUPPORTED, CONTRADICTED)
    dataset = str(fields.get("dataset", dataset))
    return LabelledClaim(source, claim, verdicts, dataset)


def _groups(claims: Sequence[LabelledClaim]) -> list[int]:
    """Give the group of each claim: connected by source or by claim (union–find)."""
    parent = list(range(len(claims)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, claim in enumerate(claims):
        for key in (("source", _folded(claim.source)), ("claim", _folded(claim.claim))):
            parent[root(index)] = root(first.setdefault(key, index))
    return [root(index) for index in range(len(claims))]


def _sentences(text: str) -> list[str]:
    return [_folded(text[span.start : span.end]) for span in split_sentences(text)]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())

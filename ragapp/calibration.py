"""Certificates: a threshold on confidence with an error rate that was measured, and what it was measured on.

A certificate holds for the documents, models and settings it was made with. When one of them changes it is void, and
whoever asks is told so.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from ragapp.confidence import Signals
from ragapp.errors import ModelCorrupt
from ragapp.settings import Settings

_SHIPPED = Path(__file__).parent / "certificates" / "shipped.json"
SUPPORT = "support"
"""Name of the checker's signal: log-odds of its P(supported)."""
_SMALLEST = 1e-6


class Pinned(NamedTuple):
    """What a certificate depends on besides the documents."""

    encoder: str
    reader: str
    checker: str
    """As in `ragapp.answers.ModelHashes`."""
    passages: int
    rerank: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certified threshold.

    Attributes:
        max_error: Share of wrong answers among those given that it certifies, 0 to 1.
        confidence: How sure that is, 0 to 1: 1 less the chance that the certification questions were lucky.
        threshold: Answers of lower confidence are withheld.
        bias: Of the logistic model that gives the confidence.
        weights: Its weights by signal: those of `Signals`, and `SUPPORT`.
        documents: Name of the collection or dataset it was made on.
        collection_sha256: Fingerprint of the documents, hex; see `ragapp.indexes.index.Index.fingerprint`.
        dataset_sha256: Of the labelled questions, hex.
        pinned: The models and settings it was made with.
        asked: How many certification questions there were.
        answered: How many of them were answered at the threshold.
        wrong: How many of those wrongly; an answer to an unanswerable question is wrong.
        bound: Upper Clopper-Pearson bound on the error rate, at most ``max_error``.
    """

    max_error: float
    confidence: float
    threshold: float
    bias: float
    weights: Mapping[str, float]
    documents: str
    collection_sha256: str
    dataset_sha256: str
    pinned: Pinned
    asked: int
    answered: int
    wrong: int
    bound: float

    def estimate(self, features: Mapping[str, float]) -> float:
        """Give the confidence of an answer, 0 to 1.

        Args:
            features: See `features`.
        """
        z = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, z))))

    @property
    def sentence(self) -> str:
        """What it can stand behind."""
        return (
            f"of {self.answered} answered, at most {100 * self.max_error:g} % wrong with {100 * self.confidence:g} %"
            f" confidence; answers {100 * self.answered / self.asked:.0f} % of questions"
        )

    @property
    def sha256(self) -> str:
        """Digest of the certificate, hex."""
        return hashlib.sha256(_json(self).encode()).hexdigest()


class Guarantee(NamedTuple):
    """What a certificate says of an answer.

    Attributes:
        sentence: What was certified.
        documents: What it was certified on.
        own: Whether that is the collection that was asked.
        void: Why it does not hold any more; nothing if it does.
    """

    sentence: str
    documents: str
    own: bool
    void: tuple[str, ...]


def features(signals: Signals, p_supported: float | None) -> dict[str, float]:
    """Put what a certificate's model looks at together.

    Args:
        signals: What speaks for and against the answer.
        p_supported: The checker's probability that it is supported, the least of its claims'; ``None`` if unchecked.

    Returns:
        Values by name; support as log-odds, 0 if unchecked.
    """
    p = 0.5 if p_supported is None else min(max(p_supported, _SMALLEST), 1 - _SMALLEST)
    return {**signals._asdict(), SUPPORT: math.log(p / (1 - p))}


def void_because(certificate: Certificate, pinned: Pinned, collection_sha256: str | None) -> tuple[str, ...]:
    """Tell what has changed since a certificate was made.

    Args:
        certificate: The certificate.
        pinned: Models and settings now.
        collection_sha256: Fingerprint of the documents now; ``None`` if they may differ.

    Returns:
        Each change; nothing if it still holds.
    """
    then = certificate.pinned._asdict()
    changed = [f"the {name} has changed" for name, now in pinned._asdict().items() if then[name] != now]
    if collection_sha256 is not None and collection_sha256 != certificate.collection_sha256:
        changed.append("the documents have changed")
    return tuple(changed)


def certificate_path(home: Path, collection: str) -> Path:
    """Give the file of a collection's certificate."""
    return home / "certificates" / f"{hashlib.sha256(collection.encode()).hexdigest()[:16]}.json"


def save_certificate(certificate: Certificate, path: Path) -> None:
    """Write a certificate; what was there is replaced at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(_json(certificate) + "\n", "utf-8")
    half.replace(path)


def load_certificate(path: Path) -> Certificate | None:
    """Read a certificate.

    Args:
        path: Its file.

    Returns:
        The certificate; ``None`` if there is none.

    Raises:
        ModelCorrupt: If it is damaged.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        pinned = Pinned(**content.pop("pinned"))
        return Certificate(**content, pinned=pinned)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelCorrupt(f"The certificate {str(path)!r} is damaged: {error}", "ragapp calibrate --help") from error


def shipped_certificate(settings: Settings) -> Certificate | None:
    """Read the certificate of the models that ship; it was made on other documents than anyone's own.

    Args:
        settings: What answers are given under.

    Returns:
        The certificate; ``None`` if these settings name other models, or withhold answers at another threshold.
    """
    found, fields = load_certificate(_SHIPPED), Settings.model_fields
    same = all(getattr(settings, name) == fields[name].default for name in ("reader", "checker"))
    sizes = settings.passages, settings.rerank, settings.abstain_below
    return found if found and same and sizes == (*found.pinned[3:], found.threshold) else None


def certificate_in_force(
    settings: Settings, models: Sequence[str], fingerprint: Callable[[], str]
) -> tuple[Certificate | None, Guarantee | None]:
    """Give the certificate that a collection's answers are given under.

    Args:
        settings: What answers are given under, the collection among it.
        models: Which models answer, as `ragapp.answers.ModelHashes`.
        fingerprint: Gives the fingerprint of the collection's documents; asked for only if there is a certificate of
            the collection, since it costs a look at every document.

    Returns:
        The collection's own or else the shipped one, if it holds; and what to tell of it. A certificate of the
        collection that is void is told of and not used; a shipped one for other models, or for another threshold
        than is set, is not spoken of.

    Raises:
        ModelCorrupt: If a certificate is damaged.
    """
    encoder, reader, checker = models
    pinned = Pinned(encoder, reader, checker, settings.passages, settings.rerank)
    own = load_certificate(certificate_path(settings.home, settings.collection))
    if own:
        void = void_because(own, pinned, fingerprint())
        return None if void else own, Guarantee(own.sentence, own.documents, True, void)
    shipped = shipped_certificate(settings)
    if shipped is None or void_because(shipped, pinned, None):
        return None, None
    return shipped, Guarantee(shipped.sentence, shipped.documents, False, ())


def _json(certificate: Certificate) -> str:
    return json.dumps({**asdict(certificate), "pinned": certificate.pinned._asdict()}, indent=2, sort_keys=True)

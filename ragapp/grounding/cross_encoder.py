"""Any sequence-classification model over (source, claim) as a checker, through sentence-transformers' CrossEncoder.

What the labels mean is read off the model's ``id2label``: words for entailment, contradiction and the rest. One label
is taken for P(supported); two without names for (not supported, supported), as published checkers have them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer
from transformers import AutoConfig, PretrainedConfig

from ragapp.errors import ModelCorrupt, ModelError, ModelNotFound
from ragapp.grounding.base import ClaimPair, Judgement, Verdict
from ragapp.grounding.evidence import Sentence, sentences, telling_words, windows
from ragapp.indexes.encoder_sentence import no_progress_bar
from ragapp.indexes.encoder_torch import encodable, pick_device, torch_pool, weights_sha256
from ragapp.indexes.types import Span

_SUPPORTED = ("entail", "support", "ground", "consistent", "faithful", "attributable", "factual", "fully_")
_CONTRADICTED = ("contradict", "refute")
_THRESHOLD = 0.5
_BATCH = 16
_LEAST_EVIDENCE_TOKENS = 32


class Labels(NamedTuple):
    """Which of a model's outputs says what."""

    supported: int
    contradicted: int | None
    outputs: int


class CrossEncoderChecker:
    """A cross-encoder as a checker; see `ragapp.grounding.base.Checker`.

    Sources longer than the model reads are cut into windows of whole sentences; the one that supports the claim best
    counts, and of it the sentence that shares most with the claim is given as evidence.

    Args:
        name: Its hub id or folder.
        folder: Its files; weights only as safetensors.
        device: ``auto`` or a torch device.
        threads: Processor threads; ``None`` for one a core.

    Raises:
        ConfigError: If torch has no such device here.
        ModelNotFound: If the folder holds no safetensors.
        ModelCorrupt: If sentence-transformers cannot load it.
        ModelError: If it is no classifier, or its labels do not say what is supported.
    """

    def __init__(self, name: str, folder: Path, *, device: str = "auto", threads: int | None = None) -> None:
        weights = sorted(folder.glob("*.safetensors"))
        if not weights:
            raise ModelNotFound(
                f"The checker {name!r} has no safetensors; no other weights are read.", "name a model that has them"
            )
        try:
            config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
            self.labels = _labels(name, config)
            with no_progress_bar():
                self._model = CrossEncoder(
                    str(folder),
                    device=str(pick_device(device)),
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"use_safetensors": True},
                )
            backend = self._model.tokenizer.backend_tokenizer
        except (OSError, ValueError, RuntimeError, KeyError, AttributeError, ImportError, SafetensorError) as error:
            raise ModelCorrupt(
                f"The checker {name!r} cannot be loaded: {error}", "name another CrossEncoder"
            ) from error
        # The model's own tokenizer is set to truncate by every call.
        self._tokenizer = Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = self._model.tokenizer.num_special_tokens_to_add(pair=True)
        self._max_tokens = min(self._model.max_seq_length or 512, 512)
        self._worker = torch_pool(workers=1, threads=threads or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self.name = name
        self.model_hash = weights_sha256(weights)

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        """Judge pairs; see `ragapp.grounding.base.Checker.check`."""
        rows: list[tuple[int, tuple[Sentence, ...]]] = []
        for number, pair in enumerate(pairs):
            room = self._room(pair.claim)
            source = sentences(self._tokenizer, pair.source, room)
            if source and pair.claim.strip():
                rows += [(number, tuple(source[i] for i in window)) for window in windows(source, room)]
        inputs = [(_text(pairs[number].source, window), pairs[number].claim) for number, window in rows]
        probabilities = self._worker.submit(self._score, inputs).result() if inputs else np.empty((0, 1))
        found: list[list[tuple[np.ndarray, tuple[Sentence, ...]]]] = [[] for _ in pairs]
        for (number, window), probability in zip(rows, probabilities, strict=True):
            found[number].append((probability, window))
        return tuple(self._judge(pair, scored) for pair, scored in zip(pairs, found, strict=True))

    def _room(self, claim: str) -> int:
        """Tokens of evidence that fit beside a claim; a claim that leaves too few is cut by the model itself."""
        taken = len(self._tokenizer.encode(encodable(claim), add_special_tokens=False).ids)
        return max(_LEAST_EVIDENCE_TOKENS, self._max_tokens - self._special - taken)

    def _score(self, inputs: Sequence[tuple[str, str]]) -> np.ndarray:
        """Give the probability of each label, float32 (R, L); of a single label, that of supported."""
        with self._lock:  # its tokenizer cannot be used by two threads
            if self.labels.outputs == 1:
                scores = self._model.predict(
                    [(encodable(a), encodable(b)) for a, b in inputs],
                    batch_size=_BATCH,
                    show_progress_bar=False,
                    activation_fn=torch.nn.Sigmoid(),  # those that rank passages come with none
                )
                return np.asarray(scores, np.float32).reshape(-1, 1)
            scores = self._model.predict(
                [(encodable(a), encodable(b)) for a, b in inputs],
                batch_size=_BATCH,
                show_progress_bar=False,
                apply_softmax=True,
            )
        return np.asarray(scores, np.float32)  # (R, L)

    def _judge(self, pair: ClaimPair, scored: Sequence[tuple[np.ndarray, tuple[Sentence, ...]]]) -> Judgement:
        if not scored:
            return Judgement(0.0, "not_supported", None)
        labels = self.labels
        probability, window = max(scored, key=lambda item: item[0][labels.supported])
        supported = float(probability[labels.supported])
        verdict: Verdict = "supported" if supported >= _THRESHOLD else "not_supported"
        if verdict == "not_supported" and labels.contradicted is not None:
            against, where = max(scored, key=lambda item: item[0][labels.contradicted])
            if against[labels.contradicted] >= _THRESHOLD:
                verdict, window = "contradicted", where
        claim = telling_words(pair.claim)
        nearest = max(window, key=lambda sentence: len(sentence.words & claim))
        return Judgement(supported, verdict, nearest.span)


def _labels(name: str, config: PretrainedConfig) -> Labels:
    """Read the labels of a classifier; any other model would be given a head of random numbers."""
    kinds: list[str] = config.architectures or []
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise ModelError(
            f"The checker {name!r} is no classifier but {' and '.join(kinds) or 'a model of unknown kind'}.",
            "name a CrossEncoder or a sequence-classification model",
        )
    return read_labels(name, {int(index): label for index, label in (config.id2label or {}).items()})


def read_labels(name: str, id2label: Mapping[int, str]) -> Labels:
    """Find out which of a model's outputs says that a claim is supported.

    Args:
        name: The model, for messages.
        id2label: Its labels.

    Returns:
        Their meaning.

    Raises:
        ModelError: If the labels do not tell, or there are more than three.
    """
    labels = {index: label.casefold().replace(" ", "_").replace("-", "_") for index, label in id2label.items()}
    if len(labels) == 1:
        return Labels(0, None, 1)
    if len(labels) > 3:
        raise ModelError(
            f"The checker {name!r} has {len(labels)} labels; a checker has one, two or three.",
            "name a model that tells entailment from the rest",
        )
    supported = [index for index, label in labels.items() if label.startswith(_SUPPORTED)]
    contradicted = [index for index, label in labels.items() if label.startswith(_CONTRADICTED)]
    if len(supported) == 1:
        return Labels(supported[0], contradicted[0] if contradicted else None, len(labels))
    if len(labels) == 2 and all(label.startswith("label_") for label in labels.values()):
        return Labels(1, None, 2)
    raise ModelError(
        f"The checker {name!r} has the labels {[labels[index] for index in sorted(labels)]}, and none says that a "
        "claim is supported.",
        "name the labels in its config.json's id2label, for instance 'entailment' and 'not_entailment'",
    )


def _text(source: str, window: Sequence[Sentence]) -> str:
    span = Span(window[0].span.start, window[-1].span.end)
    return source[span.start : span.end]

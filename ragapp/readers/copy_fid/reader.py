"""The copy-fid reader: question and passages in, source slices with probabilities out."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from ragapp.errors import ModelCorrupt, ModelNotFound
from ragapp.indexes.encoder_torch import pick_device, pick_dtype, torch_pool
from ragapp.indexes.types import Span
from ragapp.readers.base import Candidate, Place, ReaderPassage, Reading
from ragapp.readers.copy_fid.features import EncodedPair, Featurizer, special_ids
from ragapp.readers.copy_fid.model import CopyFid, CopyFidConfig
from ragapp.readers.copy_fid.search import SpanSearch, Strategy, expected_f1, search_spans
from ragapp.readers.registry import SHIPPED

WEIGHTS_FILE, CONFIG_FILE, TOKENIZER_FILE = "model.safetensors", "config.json", "tokenizer.json"
_TOKENS_PER_BATCH = 1024
_CANDIDATES = 5


class CopyFidReader:
    """Reads passages by fusion-in-decoder and answers with source slices.

    One instance may be used from several threads: the network holds no state between calls.

    Args:
        model: The network, in evaluation mode.
        tokenizer: The encoder's tokenizer.
        model_hash: SHA-256 of the weights file, hex.
        threads: Processor threads; ``None`` for one a core.
    """

    name = "copy-fid"

    def __init__(self, model: CopyFid, tokenizer: Tokenizer, model_hash: str, threads: int | None = None) -> None:
        self.model = model.eval()
        self.featurizer = Featurizer(tokenizer, model.config)
        self.model_hash = model_hash
        self._device = next(model.parameters()).device
        cores = (os.cpu_count() or 1) if self._device.type == "cpu" else 1
        self._workers = torch_pool(workers=threads or cores, threads=1)
        self._searcher = torch_pool(workers=1, threads=1)

    @classmethod
    def load(cls, folder: Path = SHIPPED, device: str = "auto", threads: int | None = None) -> CopyFidReader:
        """Load a trained reader.

        Args:
            folder: Folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
            device: A torch device, or ``auto`` for a GPU if there is one. In bfloat16 where that is natively fast.
            threads: Processor threads; ``None`` for one a core.

        Returns:
            The reader, ready to read.

        Raises:
            ModelNotFound: If a file is missing.
            ModelCorrupt: If a file is not what it should be.
        """
        model, tokenizer = load_network(folder)
        place = pick_device(device)
        model.to(device=place, dtype=pick_dtype(place))
        digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
        return cls(model, tokenizer, digest, threads)

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        """Find the best answers to a question in passages; see `ragapp.readers.base.Reader.read`."""
        return self.examine(question).read(passages)

    def examine(self, question: str) -> CopyFidExamination:
        """Begin with a question; see `ragapp.readers.base.RankingReader.examine`."""
        return CopyFidExamination(self, question)

    def encode(self, pairs: Sequence[EncodedPair]) -> list[EncodedPassage]:
        """Encode question–passage pairs in batches under the token budget.

        A batch runs on one processor thread, several batches side by side: threads that share a batch wait for one
        another at every operation.

        Args:
            pairs: P pairs, best sorted by length so that they are padded little.

        Returns:
            One for each pair, in order.
        """
        batches: list[list[EncodedPair]] = [[]]
        for pair in pairs:
            if batches[-1] and len(pair.ids) * (len(batches[-1]) + 1) > _TOKENS_PER_BATCH:
                batches.append([])
            batches[-1].append(pair)
        return [encoded for batch in self._workers.map(self._encode_batch, batches) for encoded in batch]

    def search(self, encoded: Sequence[EncodedPassage], strategy: Strategy = "exact") -> SpanSearch:
        """Search the spans of encoded passages.

        Args:
            encoded: N passages of one question.
            strategy: See `search_spans`.

        Returns:
            Scored spans, and the score of saying nothing.
        """
        return self._searcher.submit(self._search, encoded, strategy).result()

    @torch.inference_mode()
    def _search(self, encoded: Sequence[EncodedPassage], strategy: Strategy) -> SpanSearch:
        pairs = [passage.pair for passage in encoded]
        batch = self.featurizer.batch(pairs).to(self._device)
        width = batch.mask.shape[1]
        padded = [functional.pad(p.states, (0, 0, 0, width - p.states.shape[0])) for p in encoded]
        states = torch.stack(padded)  # (N, T, D)
        logits = torch.tensor([passage.logit for passage in encoded], device=self._device)  # (N,)
        memory = self.model.remember(states, logits, batch.mask, batch.copyable, len(pairs))
        return search_spans(self.model, memory, pairs, strategy)

    @torch.inference_mode()
    def _encode_batch(self, pairs: Sequence[EncodedPair]) -> list[EncodedPassage]:
        batch = self.featurizer.batch(pairs).to(self._device)
        states, logits = self.model.encode(batch.input_ids, batch.mask, batch.type_ids)
        return [
            EncodedPassage(pair, state[: len(pair.ids)], logit)
            for pair, state, logit in zip(pairs, states, logits.tolist(), strict=True)
        ]


class EncodedPassage(NamedTuple):
    """A question–passage pair and what the encoder made of it."""

    pair: EncodedPair
    states: Tensor
    """(T, D), without padding."""
    logit: float
    """Answerability."""


class CopyFidExamination:
    """One question put to passages; see `ragapp.readers.base.Examination`.

    Args:
        reader: Who reads.
        question: The question as asked.
    """

    def __init__(self, reader: CopyFidReader, question: str) -> None:
        self._reader, self._question = reader, question
        self._encoded: dict[ReaderPassage, EncodedPassage] = {}

    def score(self, passages: Sequence[ReaderPassage]) -> tuple[float, ...]:
        """Score passages without decoding; see `ragapp.readers.base.Examination.score`."""
        self._encode(passages)
        return tuple(self._encoded[passage].logit for passage in passages)

    def read(self, passages: Sequence[ReaderPassage]) -> Reading:
        """Find the best answers in passages; see `ragapp.readers.base.Examination.read`."""
        if not passages:
            return Reading((), 1.0, ())
        logits = self.score(passages)
        # Floating-point sums depend on their order; with one order for every permutation, answers are equal to the bit.
        order = sorted(range(len(passages)), key=lambda i: (len(self._encoded[passages[i]].pair.ids), passages[i]))
        encoded = [self._encoded[passages[i]] for i in order]
        return _reading(self._reader.search(encoded), encoded, order, passages, logits)

    def _encode(self, passages: Sequence[ReaderPassage]) -> None:
        """Encode what is new, in an order that depends on the passages' content alone, for the same reason."""
        new = [passage for passage in dict.fromkeys(passages) if passage not in self._encoded]
        pairs = dict(zip(new, self._reader.featurizer.pairs(self._question, new), strict=True))
        new.sort(key=lambda passage: (len(pairs[passage].ids), passage))
        encoded = self._reader.encode([pairs[passage] for passage in new]) if new else []
        self._encoded.update(zip(new, encoded, strict=True))


def load_network(folder: Path) -> tuple[CopyFid, Tokenizer]:
    """Load a trained network and its tokenizer.

    Args:
        folder: Folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

    Returns:
        The network in float32 on the CPU, and the tokenizer.

    Raises:
        ModelNotFound: If a file is missing.
        ModelCorrupt: If a file is not what it should be.
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            raise ModelNotFound(f"The reader has no {name} in {str(folder)!r}.", "pip install --force-reinstall ragapp")
    damaged = f"The reader in {str(folder)!r} is damaged", "pip install --force-reinstall ragapp"
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except Exception as error:  # tokenizers raises no narrower class
        raise ModelCorrupt(f"{damaged[0]}: {error}", damaged[1]) from error
    try:
        config = CopyFidConfig(**json.loads((folder / CONFIG_FILE).read_text("utf-8")))
        model = new_model(config, tokenizer)
        model.load_state_dict(load_file(folder / WEIGHTS_FILE))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelCorrupt(f"{damaged[0]}: {error}", damaged[1]) from error
    return model, tokenizer


def new_model(config: CopyFidConfig, tokenizer: Tokenizer) -> CopyFid:
    """Build an untrained network for a tokenizer."""
    cls_id, sep_id, _ = special_ids(tokenizer)
    return CopyFid(config, cls_id, sep_id)


def _reading(
    found: SpanSearch,
    encoded: Sequence[EncodedPassage],
    order: Sequence[int],
    passages: Sequence[ReaderPassage],
    logits: tuple[float, ...],
) -> Reading:
    """Turn token spans into source slices, sum the places of the same answer, and normalise over spans and null."""
    scores = torch.tensor(
        [found.null_log_probability, *(span.log_probability for span in found.spans)], dtype=torch.float64
    )
    null, *probabilities = scores.softmax(0).tolist()
    expected = expected_f1(found.spans, probabilities)
    places: dict[str, list[Place]] = defaultdict(list)
    worth: dict[str, float] = defaultdict(float)
    for span, probability, f1 in zip(found.spans, probabilities, expected, strict=True):
        offsets = encoded[span.passage].pair.offsets
        passage = order[span.passage]
        characters = Span(offsets[span.start].start, offsets[span.end - 1].end)
        text = passages[passage].text[characters.start : characters.end]
        words = " ".join(text.split()).casefold()
        places[words].append(Place(passage, characters, probability))
        worth[words] += f1
    candidates = [_candidate(same, worth[words], passages) for words, same in places.items()]
    candidates.sort(key=lambda candidate: -candidate.expected_f1)
    return Reading(_apart(candidates), null, logits)


def _candidate(places: Sequence[Place], worth: float, passages: Sequence[ReaderPassage]) -> Candidate:
    """Join the places of one answer, which come likeliest first."""
    best = places[0]
    text = passages[best.passage].text[best.span.start : best.span.end]
    return Candidate(text, sum(place.probability for place in places), worth, tuple(places))


def _apart(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Keep the first few that do not overlap one before them: longer and shorter forms are the same answer."""
    kept: list[Candidate] = []
    for candidate in candidates:
        place = candidate.places[0]
        if not any(
            place.passage == other.places[0].passage
            and place.span.start < other.places[0].span.end
            and other.places[0].span.start < place.span.end
            for other in kept
        ):
            kept.append(candidate)
        if len(kept) == _CANDIDATES:
            break
    return tuple(kept)

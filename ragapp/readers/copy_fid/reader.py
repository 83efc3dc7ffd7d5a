"""The copy-fid reader: question and passages in, source slices with probabilities out."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

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
from ragapp.readers.copy_fid.search import SpanSearch, search_spans

SHIPPED = Path(__file__).parent / "weights"
"""Folder of the weights that come with the package."""

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
        for name in (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ModelNotFound(
                    f"The reader has no {name} in {str(folder)!r}.", "pip install --force-reinstall ragapp"
                )
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
        place = pick_device(device)
        model.to(device=place, dtype=pick_dtype(place))
        digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
        return cls(model, tokenizer, digest, threads)

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        """Find the best answers to a question in passages; see `ragapp.readers.base.Reader.read`."""
        if not passages:
            return Reading((), 1.0, ())
        pairs, order = self._canonical(question, passages)
        encoded = self._encode(pairs)
        found = self._searcher.submit(self._search, pairs, encoded).result()
        return _reading(found, pairs, order, passages, _logits(encoded))

    def rank(self, question: str, passages: Sequence[ReaderPassage]) -> tuple[float, ...]:
        """Score passages without decoding; see `ragapp.readers.base.Reader.rank`."""
        if not passages:
            return ()
        pairs, order = self._canonical(question, passages)
        return _restored(_logits(self._encode(pairs)), order)

    @torch.inference_mode()
    def _search(self, pairs: Sequence[EncodedPair], encoded: Sequence[tuple[Tensor, Tensor]]) -> SpanSearch:
        batch = self.featurizer.batch(pairs).to(self._device)
        width = batch.mask.shape[1]
        padded = [functional.pad(states, (0, 0, 0, width - states.shape[1])) for states, _ in encoded]
        states = torch.cat(padded)  # (N, T, D)
        logits = torch.cat([logits for _, logits in encoded])  # (N,)
        memory = self.model.remember(states, logits, batch.mask, batch.copyable, len(pairs))
        return search_spans(self.model, memory, pairs)

    def _canonical(self, question: str, passages: Sequence[ReaderPassage]) -> tuple[list[EncodedPair], list[int]]:
        """Tokenize in an order that depends on the passages' content alone.

        Floating-point sums depend on their order; with one order for every permutation, answers are equal to the bit.
        It goes by length, so that batches are padded little.
        """
        pairs = self.featurizer.pairs(question, passages)
        order = sorted(range(len(pairs)), key=lambda i: (len(pairs[i].ids), passages[i]))
        return [pairs[i] for i in order], order

    def _encode(self, pairs: Sequence[EncodedPair]) -> list[tuple[Tensor, Tensor]]:
        """Give states (P, T, D) and logits (P,) of batches under the token budget, in the order of the pairs.

        A batch runs on one processor thread, several batches side by side: threads that share a batch wait for one
        another at every operation.
        """
        batches: list[list[EncodedPair]] = [[]]
        for pair in pairs:
            if batches[-1] and len(pair.ids) * (len(batches[-1]) + 1) > _TOKENS_PER_BATCH:
                batches.append([])
            batches[-1].append(pair)
        return list(self._workers.map(self._encode_batch, batches))

    @torch.inference_mode()
    def _encode_batch(self, pairs: Sequence[EncodedPair]) -> tuple[Tensor, Tensor]:
        batch = self.featurizer.batch(pairs).to(self._device)
        return self.model.encode(batch.input_ids, batch.mask, batch.type_ids)


def new_model(config: CopyFidConfig, tokenizer: Tokenizer) -> CopyFid:
    """Build an untrained network for a tokenizer."""
    cls_id, sep_id, _ = special_ids(tokenizer)
    return CopyFid(config, cls_id, sep_id)


def _reading(
    found: SpanSearch,
    pairs: Sequence[EncodedPair],
    order: Sequence[int],
    passages: Sequence[ReaderPassage],
    logits: Sequence[float],
) -> Reading:
    """Turn token spans into source slices, sum the places of the same answer, and normalise over spans and null."""
    scores = torch.tensor(
        [found.null_log_probability, *(span.log_probability for span in found.spans)], dtype=torch.float64
    )
    null, *probabilities = scores.softmax(0).tolist()
    places: dict[str, list[Place]] = defaultdict(list)
    for span, probability in zip(found.spans, probabilities, strict=True):
        offsets = pairs[span.passage].offsets
        passage = order[span.passage]
        characters = Span(offsets[span.start].start, offsets[span.end - 1].end)
        text = passages[passage].text[characters.start : characters.end]
        places[" ".join(text.split()).casefold()].append(Place(passage, characters, probability))
    candidates = sorted((_candidate(same, passages) for same in places.values()), key=lambda found: -found.probability)
    return Reading(tuple(candidates[:_CANDIDATES]), null, _restored(logits, order))


def _candidate(places: Sequence[Place], passages: Sequence[ReaderPassage]) -> Candidate:
    """Join the places of one answer, which come likeliest first."""
    best = places[0]
    text = passages[best.passage].text[best.span.start : best.span.end]
    return Candidate(text, sum(place.probability for place in places), tuple(places))


def _logits(encoded: Sequence[tuple[Tensor, Tensor]]) -> list[float]:
    return [logit for _, logits in encoded for logit in logits.tolist()]


def _restored(logits: Sequence[float], order: Sequence[int]) -> tuple[float, ...]:
    by_position = dict(zip(order, logits, strict=True))
    return tuple(by_position[i] for i in range(len(order)))

"""The reader's encoder in ONNX Runtime, to compare with torch; see docs/adr/0004.

The encoder is all but a tenth of the work, so it alone is exported: the decoder goes on in torch.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ragapp.errors import EvalError
from ragapp.readers.copy_fid.features import EncodedPair
from ragapp.readers.copy_fid.model import CopyFid
from ragapp.readers.copy_fid.reader import CopyFidReader, EncodedPassage, load_network

Precision = Literal["float32", "int8"]


class OnnxReader(CopyFidReader):
    """A copy-fid reader whose encoder runs in ONNX Runtime, a batch on one thread as in torch.

    Args:
        folder: The reader's folder.
        scratch: Folder for the exported network.
        precision: ``int8`` for dynamically quantised weights and activations.

    Raises:
        EvalError: If the extra ``onnx`` is not installed.
    """

    def __init__(self, folder: Path, scratch: Path, precision: Precision) -> None:
        try:
            import onnxruntime
            from onnxruntime.quantization import QuantType, quantize_dynamic
        except ImportError as error:
            raise EvalError("ONNX Runtime is not installed.", "pip install 'ragapp[onnx]'") from error
        model, tokenizer = load_network(folder)
        super().__init__(model, tokenizer, model_hash="")
        with _quiet():
            path = _export(model, scratch / "encoder.onnx")
            if precision == "int8":
                quantize_dynamic(path, scratch / "encoder-int8.onnx", weight_type=QuantType.QInt8, per_channel=True)
                path = scratch / "encoder-int8.onnx"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def _encode_batch(self, pairs: Sequence[EncodedPair]) -> list[EncodedPassage]:
        batch = self.featurizer.batch(pairs)
        inputs = {"input_ids": batch.input_ids, "mask": batch.mask, "type_ids": batch.type_ids}
        outputs = self._session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        states, logits = (np.asarray(output, np.float32) for output in outputs)  # (P, T, D) and (P,)
        return [
            EncodedPassage(pair, torch.from_numpy(state[: len(pair.ids)]), logit)
            for pair, state, logit in zip(pairs, states, logits.tolist(), strict=True)
        ]


class _Encoding(nn.Module):
    """`CopyFid.encode` as the exporter wants it."""

    def __init__(self, model: CopyFid) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, mask: Tensor, type_ids: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.encode(input_ids, mask, type_ids)


@contextmanager
def _quiet() -> Generator[None]:
    """Keep to itself what the exporter has to say of other libraries and of its own future."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _export(model: CopyFid, path: Path) -> Path:
    pairs, tokens = torch.export.Dim("pairs", min=1, max=64), torch.export.Dim("tokens", min=8, max=288)
    ids = torch.ones(2, 32, dtype=torch.int64)
    torch.onnx.export(
        _Encoding(model.eval()),
        (ids, torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids)),
        path,
        input_names=["input_ids", "mask", "type_ids"],
        output_names=["states", "logits"],
        dynamic_shapes=({0: pairs, 1: tokens},) * 3,
        dynamo=True,
        verbose=False,
    )
    return path

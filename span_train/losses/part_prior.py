"""Pull each assigned head's attention onto its part (DESIGN.md, section 5; after arXiv 2209.03745).

Letters: B views, H heads, K parts, N patches (of a view, or its visible ones).
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

PriorKind = Literal["coverage", "focus", "sum_mse", "cosine"]


class PartPriorLoss(nn.Module):
    """The regulariser that holds head k to part k.

    ``coverage``: ``mean over visible (b, k) of KL(p[b, k] || a[b, k])`` with the smoothed prior
    ``p = (1 - eps) P / sum(P) + eps / N``: the head covers its part.
    ``focus``: ``mean over visible (b, k) of -log sum_n (P / max P)[n] a[n]``: it stays inside.
    ``sum_mse``: ``mean over visible (b, k) of sum_n (a[n] - p[n])^2``, and
    ``cosine``: ``mean over visible (b, k) of 1 - a . p / (|a| |p|)``: ablations alone, their
    gradients fade where attention is spread over many patches.

    Part k is on head k; the other heads are free. A prior row of zeros means "not in view" and
    gives no gradient.

    Raises:
        ValueError: `eps` is not inside (0, 1).
    """

    def __init__(self, kind: PriorKind = "coverage", eps: float = 0.05) -> None:
        super().__init__()
        if not 0.0 < eps < 1.0:
            raise ValueError(f"eps must lie between 0 and 1, found {eps}")
        self.kind = kind
        self.eps = eps

    def forward(self, attention_logits_bhn: Tensor, prior_bkn: Tensor) -> Tensor:
        """Scalar loss; 0 where no part is in view. Arguments and errors are those of `total`."""
        total, in_view = self.total(attention_logits_bhn, prior_bkn), parts_in_view(prior_bkn).sum()
        return total / in_view.clamp(min=1)

    def total(self, attention_logits_bhn: Tensor, prior_bkn: Tensor) -> Tensor:
        """The loss summed over visible (b, k), for a mean over several batches (`parts_in_view`).

        Args:
            attention_logits_bhn: (B, H, N) logits, before the softmax over patches.
            prior_bkn: (B, K, N), at least 0, any scale; K at most H - 2.

        Raises:
            ValueError: Fewer than two heads would stay free.
        """
        parts, heads = prior_bkn.shape[1], attention_logits_bhn.shape[1]
        if parts > heads - 2:
            raise ValueError(f"{parts} parts on {heads} heads leave fewer than two heads free")
        terms = {
            "coverage": self._coverage,
            "focus": self._focus,
            "sum_mse": self._sum_mse,
            "cosine": self._cosine,
        }
        terms_bk = terms[self.kind](attention_logits_bhn[:, :parts].float(), prior_bkn)
        return torch.where(parts_in_view(prior_bkn), terms_bk, 0.0).sum()

    def _coverage(self, logits_bkn: Tensor, prior_bkn: Tensor) -> Tensor:
        target = smoothed_prior(prior_bkn, self.eps)
        return (target * (target.log() - logits_bkn.log_softmax(-1))).sum(-1)

    def _focus(self, logits_bkn: Tensor, prior_bkn: Tensor) -> Tensor:
        highest = prior_bkn.amax(-1, keepdim=True).clamp(min=1e-12)
        inside = (prior_bkn / highest).clamp(min=1e-6).log()
        return logits_bkn.logsumexp(-1) - (logits_bkn + inside).logsumexp(-1)

    def _sum_mse(self, logits_bkn: Tensor, prior_bkn: Tensor) -> Tensor:
        target = smoothed_prior(prior_bkn, self.eps)
        return (logits_bkn.softmax(-1) - target).square().sum(-1)

    def _cosine(self, logits_bkn: Tensor, prior_bkn: Tensor) -> Tensor:
        target = smoothed_prior(prior_bkn, self.eps)
        return 1 - functional.cosine_similarity(logits_bkn.softmax(-1), target, dim=-1)


def parts_in_view(prior_bkn: Tensor) -> Tensor:
    """(B, K) bool: the parts that count in this view."""
    return prior_bkn.sum(-1) > 0


def smoothed_prior(prior_bkn: Tensor, eps: float) -> Tensor:
    """``(1 - eps) P / sum(P) + eps / N``, rows summing to 1; uniform where P is all zero."""
    total = prior_bkn.sum(-1, keepdim=True)
    patches = prior_bkn.shape[-1]
    share = torch.where(total > 0, prior_bkn / total.clamp(min=1e-12), 1.0 / patches)
    return (1 - eps) * share + eps / patches

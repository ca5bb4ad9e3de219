"""Score how far each patch is from what is usual at its place, with evidence that adds up exactly.

Everything after the patch is linear, so the defect logit is a bias plus one contribution a
feature, and the same bias plus one piece of evidence a patch (DESIGN.md, section 6).
Letters: B images, N patches, C features of a patch, D projected features, H heads, K parts,
J pooled features, O outputs (the defect logit, then defect types).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from span_train.contract.layout import ELSEWHERE, FREE
from span_train.models.memory_deviation import MemoryDeviation
from span_train.models.place_deviation import PlaceDeviation


@dataclass(frozen=True)
class FeatureName:
    """One of the J pooled features: what it is, and its part, or `elsewhere` or `free`."""

    name: str
    part: str


class HeadOutputs(NamedTuple):
    """What the head says (``logits = bias + contributions.sum(-1) = bias + evidence.sum(-1)``).

    Attributes:
        logits: (B, O).
        evidence: (B, O, N).
        contributions: (B, O, J).
        bias: (O,).
        outlier: (B,), the mean of the largest patch deviations.
        outlier_parts: (B, K), the same within each part.
    """

    logits: Tensor
    evidence: Tensor
    contributions: Tensor
    bias: Tensor
    outlier: Tensor
    outlier_parts: Tensor


class DefectHead(nn.Module):
    """One linear score over sums of patches: largest and attended deviations, part tokens.

    The patch score s[n] is ``log(1 + |delta[n]|^2 / D)``, the only nonlinearity, in standard
    deviations from what is usual at its place, or for its nearest entry of the memory. The J
    features: the mean of the `top_k` largest s of the whole image, divided among the parts (and
    elsewhere) in which those patches lie; the mean of the `top_k` largest s within each part; per
    head the attention-weighted s; per head the attention-weighted delta (D numbers, its token).

    Args:
        deviation: What is usual, at each place or at any.
        part_of_patch_kn: (K, N) bool, the patches of each part; they may overlap at borders.
        part_names: K names; head k is assigned to part k.
        heads: H.
        outputs: O.
        top_k: Patches pooled for the whole and for each part (fewer in smaller parts).

    Attributes:
        features: The J features' names.
        regions: K + 1, the leading features; their sum is the outlier score.
        first_token: Number of the first feature that is part of a part token.

    Raises:
        ValueError: A part has no patch.
    """

    weight: Tensor
    bias: Tensor
    region_rn: Tensor
    typical_features: Tensor
    typical_evidence: Tensor

    def __init__(
        self,
        deviation: PlaceDeviation | MemoryDeviation,
        part_of_patch_kn: Tensor,
        part_names: Sequence[str],
        heads: int,
        outputs: int,
        top_k: int,
    ) -> None:
        super().__init__()
        patches, projected = part_of_patch_kn.shape[1], deviation.projected
        if not part_of_patch_kn.any(dim=1).all():
            raise ValueError("every part needs at least one patch")
        everything = torch.ones(1, patches, dtype=torch.bool)
        self.deviation = deviation
        self.heads = heads
        self.pools = [
            (torch.nonzero(row).flatten(), min(top_k, int(row.sum())))
            for row in torch.cat([everything, part_of_patch_kn])
        ]
        self.regions = len(part_names) + 1
        self.register_buffer("region_rn", _regions(part_of_patch_kn), persistent=False)
        self.features = _feature_names(part_names, heads, projected)
        count = len(self.features)
        self.first_token = count - heads * projected
        self.register_buffer("weight", torch.zeros(outputs, count))
        self.register_buffer("bias", torch.zeros(outputs))
        self.register_buffer("typical_features", torch.zeros(count))
        self.register_buffer("typical_evidence", torch.zeros(outputs, patches))

    def forward(
        self, patches_bnc: Tensor, attention_bhn: Tensor, learnt_b: Tensor | None = None
    ) -> HeadOutputs:
        """Score (B, N, C) patch features with their (B, H, N) attention.

        Args:
            learnt_b: (B,) number of an image that the statistics were learnt from and that is to
                count as if it were new, -1 where it is new; None where all are.
        """
        delta_bnd, score_bn = self.deviation(patches_bnc, learnt_b)
        pooled_bpn = self._pooled(score_bn)
        features_bj = self._sum_up(pooled_bpn, score_bn, delta_bnd, attention_bhn)
        difference = features_bj - self.typical_features
        contributions_boj = difference[:, None] * self.weight
        evidence_bon = self._evidence(pooled_bpn, score_bn, delta_bnd, attention_bhn)
        bias_o = self.bias + (self.weight * self.typical_features).sum(-1)
        return HeadOutputs(
            contributions_boj.sum(-1) + bias_o,
            evidence_bon - self.typical_evidence,
            contributions_boj,
            bias_o,
            features_bj[:, : self.regions].sum(-1),
            features_bj[:, self.regions : self.regions + len(self.pools) - 1],
        )

    def pool(
        self, patches_bnc: Tensor, attention_bhn: Tensor, learnt_b: Tensor | None = None
    ) -> Tensor:
        """The J features alone: (B, J)."""
        delta_bnd, score_bn = self.deviation(patches_bnc, learnt_b)
        return self._sum_up(self._pooled(score_bn), score_bn, delta_bnd, attention_bhn)

    def _sum_up(
        self, pooled_bpn: Tensor, score_bn: Tensor, delta_bnd: Tensor, attention_bhn: Tensor
    ) -> Tensor:
        of_regions_br = torch.matmul(pooled_bpn[:, 0], self.region_rn.T)
        of_parts_bk = pooled_bpn[:, 1:].sum(-1)
        attended_bh = (attention_bhn * score_bn[:, None]).sum(-1)
        tokens_bhd = torch.matmul(attention_bhn, delta_bnd)
        return torch.cat([of_regions_br, of_parts_bk, attended_bh, tokens_bhd.flatten(1)], dim=1)

    def _pooled(self, score_bn: Tensor) -> Tensor:
        """What each patch puts into each pooled mean: (B, 1 + K, N)."""
        rows = []
        for patches, count in self.pools:
            patches = patches.to(score_bn.device)
            best, place = score_bn[:, patches].topk(count, dim=1)
            rows.append(torch.zeros_like(score_bn).scatter(1, patches[place], best / count))
        return torch.stack(rows, dim=1)

    def _evidence(
        self, pooled_bpn: Tensor, score_bn: Tensor, delta_bnd: Tensor, attention_bhn: Tensor
    ) -> Tensor:
        parts, heads, projected = len(self.pools) - 1, self.heads, delta_bnd.shape[-1]
        of_region_or, of_part_ok, of_score_oh, of_token_oj = self.weight.split(
            [self.regions, parts, heads, heads * projected], dim=1
        )
        of_token_ohd = of_token_oj.unflatten(1, (heads, projected))
        from_whole_bon = pooled_bpn[:, :1] * torch.matmul(of_region_or, self.region_rn)
        from_parts_bon = torch.matmul(of_part_ok, pooled_bpn[:, 1:])
        weighed_bnoh = torch.matmul(delta_bnd, of_token_ohd.flatten(0, 1).T)
        weighed_bnoh = weighed_bnoh.unflatten(-1, of_score_oh.shape)
        weighed_bnoh = weighed_bnoh + score_bn[:, :, None, None] * of_score_oh
        attended_bno = (weighed_bnoh * attention_bhn.transpose(1, 2)[:, :, None]).sum(-1)
        evidence_bon: Tensor = from_whole_bon + from_parts_bon + attended_bno.transpose(1, 2)
        return evidence_bon


def _regions(part_of_patch_kn: Tensor) -> Tensor:
    """Each patch in one region: the smallest part that holds it, else elsewhere. (K + 1, N)."""
    sizes_kn = torch.where(part_of_patch_kn, part_of_patch_kn.sum(1, keepdim=True), 1 << 30)
    nowhere_1n = torch.full_like(sizes_kn[:1], (1 << 30) - 1)
    smallest_n = torch.cat([sizes_kn, nowhere_1n]).argmin(dim=0)
    return torch.nn.functional.one_hot(smallest_n, len(part_of_patch_kn) + 1).T.float()


def _feature_names(
    part_names: Sequence[str], heads: int, projected: int
) -> tuple[FeatureName, ...]:
    of_head = [*part_names, *[FREE] * (heads - len(part_names))]
    regions = [FeatureName("share of the largest", part) for part in (*part_names, ELSEWHERE)]
    pooled = [FeatureName("largest deviations", part) for part in part_names]
    attended = [FeatureName(f"head {h} attended deviation", of_head[h]) for h in range(heads)]
    tokens = [
        FeatureName(f"head {h} part token {d}", of_head[h])
        for h in range(heads)
        for d in range(projected)
    ]
    return (*regions, *pooled, *attended, *tokens)

"""What is tried to make more of few labels: one change each, of the head or of what it learns from.

`few_label_trials.py` runs them. Letters: B images, N patches, V visible ones, C features, H heads,
J pooled features.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead

USED = "as it is"


@dataclass(frozen=True)
class Trial:
    """One change of the head or of what it is fitted on; None is as the line's settings say."""

    blocks: tuple[int, ...] | None = None
    top_k: int | None = None
    projected: int | None = None
    shrinkage: float | None = None
    strengths: tuple[float, ...] | None = None
    side_px: int | None = None
    made: str | None = None
    made_last: bool = False
    neighbours: tuple[int, ...] = ()
    beside: str | None = None
    whatever_place: bool = False
    extra: str | None = None
    smooth: bool = False
    trim: float | None = None
    told: bool = True


TRIALS: dict[str, Trial] = {
    USED: Trial(),
    "10 % left out": Trial(trim=0.1),
    "20 % left out": Trial(trim=0.2),
    "5 % left out, labels not heard": Trial(told=False),
    "10 % left out, labels not heard": Trial(trim=0.1, told=False),
    "20 % left out, labels not heard": Trial(trim=0.2, told=False),
    "scores averaged over 3 x 3 patches": Trial(smooth=True),
    "weights shrunk by 10, 30 or 100": Trial(strengths=(10.0, 30.0, 100.0)),
    "largest 10": Trial(top_k=10),
    "blocks 1 and 4": Trial(blocks=(1, 4)),
    "blocks 1 and 4, 128 numbers": Trial(blocks=(1, 4), projected=128),
    "128 numbers a patch": Trial(projected=128),
    "made defects, blotches": Trial(made="blotches"),
    "made defects, blotches, in other images": Trial(made="blotches", made_last=True),
    "made defects, pasted": Trial(made="pasted"),
    "scores whatever the place": Trial(whatever_place=True),
    "beside their 3 x 3 averages": Trial(neighbours=(3,)),
    "beside their 5 x 5 averages": Trial(neighbours=(5,)),
    "beside their 3 x 3 and 7 x 7 averages": Trial(neighbours=(3, 7)),
    "part token of the largest": Trial(beside="token"),
    "largest of each number, both signs": Trial(beside="extremes"),
    "labelled images shifted and lit anew": Trial(made="jittered"),
    "labelled images with a quarter of their tokens dropped": Trial(made="dropped"),
    "self-training": Trial(extra="self-training"),
    "mixing within a class": Trial(extra="mixing"),
    "input of 144 px": Trial(side_px=144),
    "blocks 1 and 2": Trial(blocks=(1, 2)),
    "block 2": Trial(blocks=(2,)),
    "largest 1": Trial(top_k=1),
    "largest 20": Trial(top_k=20),
    "covariance shrunk by 0.005": Trial(shrinkage=0.005),
    "covariance shrunk by 0.1": Trial(shrinkage=0.1),
    "covariance shrunk by 0.3": Trial(shrinkage=0.3),
}


class SmoothedHead(DefectHead):
    """The head with patch scores averaged over their neighbours (1 2 1 in both directions)."""

    def pool(
        self, patches_bnc: Tensor, attention_bhn: Tensor, learnt_b: Tensor | None = None
    ) -> Tensor:
        """The J features alone: (B, J)."""
        delta_bnd, score_bn = self.deviation(patches_bnc, learnt_b)
        grid = round(score_bn.shape[1] ** 0.5)
        maps = torch.nn.functional.pad(
            score_bn.unflatten(1, (1, grid, grid)), (1, 1, 1, 1), "replicate"
        )
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        weight = (row[:, None] * row[None])[None, None]
        smooth_bn = torch.nn.functional.conv2d(maps, weight).flatten(1)
        return self._sum_up(self._pooled(smooth_bn), smooth_bn, delta_bnd, attention_bhn)


def without_some_tokens(
    usual_nc: Tensor, backbone: Backbone, block_numbers: tuple[int, ...], images_bhwc: Tensor
) -> tuple[Tensor, Tensor]:
    """What the backbone sees with a quarter of the tokens dropped, which count as usual there.

    Patch features (B, N, C) and attention (B, H, N), as `look` gives them with all tokens.
    """
    order_bn = torch.rand(len(images_bhwc), len(usual_nc)).argsort(1)
    visible_bv = order_bn[:, : round(0.75 * order_bn.shape[1])].sort(1).values
    images_bchw = images_bhwc.permute(0, 3, 1, 2).float() / 255
    seen = backbone(images_bchw, visible_bv, block_numbers)
    patches_bvc = torch.cat(seen.blocks_bvc, dim=-1).float()
    index_bvc = visible_bv[:, :, None].expand_as(patches_bvc)
    patches_bnc = usual_nc.expand(len(images_bhwc), -1, -1).scatter(1, index_bvc, patches_bvc)
    attention_bhv = seen.attention_logits_bhv.softmax(-1)
    nothing_bhn = attention_bhv.new_zeros(*attention_bhv.shape[:2], len(usual_nc))
    index_bhv = visible_bv[:, None].expand_as(attention_bhv)
    return patches_bnc, nothing_bhn.scatter(2, index_bhv, attention_bhv)


def with_neighbours(patches_mnc: Tensor, sides: tuple[int, ...]) -> Tensor:
    """Patch features beside their averages over squares of such sides: (M, N, more than C)."""
    grid = round(patches_mnc.shape[1] ** 0.5)
    found = [patches_mnc]
    for side in sides:
        averaged = [
            torch.nn.functional.avg_pool2d(
                some.transpose(1, 2).unflatten(2, (grid, grid)),
                side,
                stride=1,
                padding=side // 2,
                count_include_pad=False,
            )
            for some in patches_mnc.split(64)
        ]
        found.append(torch.cat([one.flatten(2).transpose(1, 2) for one in averaged]))
    return torch.cat(found, dim=2)


def more_features(kind: str, head: DefectHead, patches_bnc: Tensor) -> Tensor:
    """Features pooled from the largest deviations, beside the head's own: (B, J)."""
    delta_bnd, score_bn = head.deviation(patches_bnc)
    count = head.pools[0][1]
    if kind == "extremes":
        both_bnd = torch.cat([delta_bnd, -delta_bnd], dim=-1)
        return both_bnd.topk(count, dim=1).values.mean(1)
    largest_bk = score_bn.topk(count, dim=1).indices
    return torch.take_along_dim(delta_bnd, largest_bk[..., None], dim=1).mean(1)

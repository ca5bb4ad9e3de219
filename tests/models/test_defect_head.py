"""The defect head: its features against a slow loop, and evidence that adds up to the score."""

import math

import pytest
import torch
from torch import Tensor

from span_train.models.defect_head import DefectHead, HeadOutputs
from span_train.models.place_deviation import PlaceDeviation

PARTS = ("body", "lead")
FEATURES, PROJECTED, PATCHES, HEADS, TOP_K = 7, 4, 9, 5, 3
# Patch 3 is of both parts and counts for the smaller one; 4, 5 and 6 are of none.
PART_OF_PATCH = torch.tensor([[1, 1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1, 0]]).bool()
REGIONS = ({0, 1, 2}, {3, 7}, {4, 5, 6, 8})


def make_head(outputs: int = 1) -> DefectHead:
    """A head with random statistics and weights; typical values of six random images."""
    generator = torch.Generator().manual_seed(outputs)
    deviation = PlaceDeviation(FEATURES, PROJECTED, PATCHES)
    head = DefectHead(deviation, PART_OF_PATCH, PARTS, HEADS, outputs, TOP_K)
    for buffer in (*deviation.buffers(), head.weight, head.bias):
        buffer.copy_(torch.randn(buffer.shape, generator=generator))
    deviation.spread.abs_().add_(0.1)
    patches_bnc, attention_bhn = seen(6, seed=7)
    evidence = head(patches_bnc, attention_bhn).evidence.mean(0)
    head.typical_features.copy_(head.pool(patches_bnc, attention_bhn).mean(0))
    head.typical_evidence.copy_(evidence)
    return head


def seen(images: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    patches_bnc = torch.randn(images, PATCHES, FEATURES, generator=generator)
    attention_bhn = torch.randn(images, HEADS, PATCHES, generator=generator).mul(2).softmax(-1)
    return patches_bnc, attention_bhn


def slow_features(head: DefectHead, patches_nc: Tensor, attention_hn: Tensor) -> list[float]:
    """The J features of one image, patch by patch."""
    deltas, scores = [], []
    for n in range(PATCHES):
        projected = [
            sum(float(patches_nc[n, c] * head.deviation.projection[c, d]) for c in range(FEATURES))
            for d in range(PROJECTED)
        ]
        centred = [projected[d] - float(head.deviation.mean[n, d]) for d in range(PROJECTED)]
        delta = [
            sum(centred[e] * float(head.deviation.whitening[n, e, d]) for e in range(PROJECTED))
            for d in range(PROJECTED)
        ]
        deltas.append(delta)
        length = math.log(1 + sum(one**2 for one in delta) / PROJECTED)
        usual, spread = float(head.deviation.usual[n]), float(head.deviation.spread[n])
        scores.append((length - usual) / spread)
    largest_n = sorted(range(PATCHES), key=lambda n: -scores[n])[:TOP_K]
    features = [sum(scores[n] for n in largest_n if n in region) / TOP_K for region in REGIONS]
    for part in PART_OF_PATCH:
        largest = sorted((scores[n] for n in part.nonzero().flatten()), reverse=True)[:TOP_K]
        features.append(sum(largest) / len(largest))
    for h in range(HEADS):
        features.append(sum(float(attention_hn[h, n]) * scores[n] for n in range(PATCHES)))
    for h in range(HEADS):
        for d in range(PROJECTED):
            features.append(sum(float(attention_hn[h, n]) * deltas[n][d] for n in range(PATCHES)))
    return features


def test_pooled_features_equal_a_slow_loop_over_patches() -> None:
    head = make_head()
    patches_bnc, attention_bhn = seen(3)
    found_bj = head.pool(patches_bnc, attention_bhn)
    for image in range(3):
        expected = slow_features(head, patches_bnc[image], attention_bhn[image])
        torch.testing.assert_close(found_bj[image], torch.tensor(expected), atol=1e-4, rtol=1e-4)


def test_logits_are_the_bias_and_weights_times_features() -> None:
    head = make_head(outputs=3)
    patches_bnc, attention_bhn = seen(4)
    expected = head.pool(patches_bnc, attention_bhn) @ head.weight.T + head.bias
    said = head(patches_bnc, attention_bhn)
    torch.testing.assert_close(said.logits, expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("outputs", [1, 4])
def test_contributions_and_evidence_sum_to_the_logits(outputs: int) -> None:
    said: HeadOutputs = make_head(outputs)(*seen(5))
    assert said.evidence.shape == (5, outputs, PATCHES)
    torch.testing.assert_close(said.bias + said.contributions.sum(-1), said.logits)
    torch.testing.assert_close(said.bias + said.evidence.sum(-1), said.logits, atol=1e-4, rtol=1e-5)


def test_evidence_of_a_patch_is_what_the_score_loses_without_it() -> None:
    head = make_head()
    head.typical_evidence.zero_()
    patches_bnc, attention_bhn = seen(1)
    said = head(patches_bnc, attention_bhn)
    with_pools = said.evidence[0, 0]
    head.weight[0, : len(REGIONS) + len(PARTS)] = 0.0  # what is left is a plain sum over patches
    before = head.pool(patches_bnc, attention_bhn) @ head.weight[0]
    attention_bhn[..., 4] = 0.0
    after = head.pool(patches_bnc, attention_bhn) @ head.weight[0]
    evidence = head(seen(1)[0], seen(1)[1]).evidence[0, 0]
    assert float(evidence[4]) == pytest.approx(float(before - after), abs=1e-4)
    assert not torch.allclose(evidence, with_pools), "pooled deviations add evidence of their own"


def test_typical_features_give_no_contribution() -> None:
    head = make_head(outputs=2)
    patches_bnc, attention_bhn = seen(6, seed=7)
    said = head(patches_bnc, attention_bhn)
    zero_oj, zero_on = torch.zeros(said.contributions.shape[1:]), torch.zeros(2, PATCHES)
    torch.testing.assert_close(said.contributions.mean(0), zero_oj, atol=1e-4, rtol=0)
    torch.testing.assert_close(said.evidence.mean(0), zero_on, atol=1e-4, rtol=0)
    torch.testing.assert_close(said.logits.mean(0), said.bias, atol=1e-4, rtol=0)


def test_outliers_are_the_largest_deviations_of_the_image_and_of_each_part() -> None:
    head = make_head()
    said = head(*seen(3))
    _, score_bn = head.deviation(seen(3)[0])
    torch.testing.assert_close(said.outlier, score_bn.topk(TOP_K)[0].mean(1))
    for k, part in enumerate(PART_OF_PATCH):
        count = min(TOP_K, int(part.sum()))
        expected = score_bn[:, part].topk(count)[0].mean(1)
        torch.testing.assert_close(said.outlier_parts[:, k], expected)


def test_a_patch_as_usual_deviates_by_nothing() -> None:
    head = make_head()
    head.deviation.mean.zero_()
    delta_bnd, _ = head.deviation(torch.zeros(2, PATCHES, FEATURES))
    assert delta_bnd.abs().max() == 0


def test_every_feature_is_named_after_the_part_it_speaks_of() -> None:
    head = make_head()
    parts = [feature.part for feature in head.features]
    of_heads = ["body", "lead", "free", "free", "free"]
    of_tokens = [part for part in of_heads for _ in range(PROJECTED)]
    assert parts == [*PARTS, "elsewhere", *PARTS, *of_heads, *of_tokens]
    assert head.features[head.first_token].name == "head 0 part token 0"
    assert len(head.features) == head.weight.shape[1]


def test_a_part_without_a_patch_is_refused() -> None:
    nowhere = torch.zeros(1, PATCHES, dtype=torch.bool)
    deviation = PlaceDeviation(FEATURES, PROJECTED, PATCHES)
    with pytest.raises(ValueError, match="every part needs at least one patch"):
        DefectHead(deviation, nowhere, ("ghost",), HEADS, 1, TOP_K)

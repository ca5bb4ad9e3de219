"""The network that self-distillation compares: the length of a feature says nothing."""

import torch

from span_train.models.projection import Projection


def test_outputs_are_cosines_with_unit_prototypes() -> None:
    torch.manual_seed(0)
    projection = Projection(width=12, hidden=16, bottleneck=8, outputs=20)
    outputs_bo = projection(torch.randn(5, 12) * 100)
    assert outputs_bo.shape == (5, 20)
    assert outputs_bo.abs().max() <= 1 + 1e-5
    lengths = projection.prototypes.weight.norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(20))


def test_the_length_of_the_prototypes_is_not_trained() -> None:
    trained = {name for name, p in Projection(12, 16, 8, 20).named_parameters() if p.requires_grad}
    assert not any("original0" in name for name in trained)
    assert any("original1" in name for name in trained)

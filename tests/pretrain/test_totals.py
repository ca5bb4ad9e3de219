"""Sums and counts that are divided once, at the end."""

import pytest
import torch

from span_train.pretrain.processes import alone
from span_train.pretrain.totals import Totals, mean_of

ONE = alone(torch.device("cpu"))


def test_parts_of_a_batch_weigh_as_much_as_they_count() -> None:
    totals = Totals()
    totals.add("loss", 3 * 2.0, 3)
    totals.add("loss", torch.tensor(1 * 6.0), 1)
    assert mean_of(totals.over_all(ONE)["loss"]).tolist() == [3.0]


def test_vectors_keep_their_order_and_names() -> None:
    totals = Totals()
    totals.add("inside", torch.tensor([1.0, 2.0]))
    totals.add("outputs", torch.tensor([1.0, 2.0, 4.0]), 2)
    totals.add("inside", torch.tensor([10.0, 20.0]))
    sums = totals.over_all(ONE)
    assert sums["inside"].tolist() == [11.0, 22.0]
    assert mean_of(sums["outputs"]).tolist() == [0.5, 1.0, 2.0]


def test_nothing_counted_gives_zero() -> None:
    totals = Totals()
    totals.add("prior", 0.0, 0)
    assert mean_of(totals.over_all(ONE)["prior"]).tolist() == [0.0]


def test_small_numbers_are_not_lost_beside_large_ones() -> None:
    totals = Totals()
    totals.add("loss", torch.tensor(1e8), 1)
    totals.add("loss", torch.tensor(1.0), 1)
    assert float(mean_of(totals.over_all(ONE)["loss"])) == pytest.approx(50_000_000.5, abs=0.1)

"""Draws that keys alone decide, and the order in which images are shown."""

import numpy as np
import pytest
import torch

from span_train.data.keyed_draws import batch_of_step, keyed_normals, keyed_uniforms


def numbers(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64)


def test_uniforms_have_the_values_they_always_had() -> None:
    found = keyed_uniforms(7, 3, np.array([0, 11]), stream=1, draws=2)
    expected = [
        [0.6633841535716072, 0.6377361060635659],
        [0.14044191637120185, 0.61528201836112],
    ]
    np.testing.assert_array_equal(found, expected)


def test_an_image_gets_its_draws_whatever_batch_it_is_in() -> None:
    everything = keyed_uniforms(5, 2, numbers(50), stream=0, draws=12)
    some = np.array([41, 3, 17], np.int64)
    np.testing.assert_array_equal(keyed_uniforms(5, 2, some, 0, 12), everything[some])
    np.testing.assert_array_equal(keyed_uniforms(5, 2, some, 0, 4), everything[some, :4])


def test_every_key_changes_the_draws() -> None:
    base = keyed_uniforms(1, 1, numbers(3), 1, 4)
    for other in (
        keyed_uniforms(2, 1, numbers(3), 1, 4),
        keyed_uniforms(1, 2, numbers(3), 1, 4),
        keyed_uniforms(1, 1, numbers(3) + 3, 1, 4),
        keyed_uniforms(1, 1, numbers(3), 2, 4),
    ):
        assert not np.isin(other, base).any()


def test_draws_are_uniform_and_unrelated() -> None:
    draws = keyed_uniforms(0, 0, numbers(20_000), 0, 4)
    assert draws.min() >= 0
    assert draws.max() < 1
    for column in draws.T:
        counts = np.histogram(column, 20, (0, 1))[0]
        assert np.abs(counts - 1000).max() < 150
    correlation = np.corrcoef(np.c_[draws, np.roll(draws[:, 0], 1)].T) - np.eye(5)
    assert np.abs(correlation).max() < 0.03


def test_normals_are_normal_keyed_and_of_any_shape() -> None:
    normals = keyed_normals(0, 0, numbers(40), 9, (3, 21, 21))
    assert normals.shape == (40, 3, 21, 21)
    assert normals.dtype == torch.float32
    assert abs(float(normals.mean())) < 0.02
    assert float(normals.std()) == pytest.approx(1.0, abs=0.02)
    assert float((normals.abs() < 1.0).float().mean()) == pytest.approx(0.683, abs=0.01)
    again = keyed_normals(0, 0, np.array([7]), 9, (3, 21, 21))
    assert torch.equal(again[0], normals[7])


def test_normals_made_on_the_device_come_from_the_keyed_uniforms() -> None:
    u = keyed_uniforms(3, 1, np.array([5, 70_000]), stream=2, draws=8)
    radius, angle = np.sqrt(-2 * np.log(1 - u[:, :4])), 2 * np.pi * u[:, 4:]
    expected = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], 1)[:, :7]
    found = keyed_normals(3, 1, np.array([5, 70_000]), 2, (7,), torch.device("cpu"))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("images", "batch_size"), [(12, 4), (10, 3), (5, 64)])
def test_an_epoch_shows_each_image_once(images: int, batch_size: int) -> None:
    size = min(images, batch_size)
    steps = images // size
    orders = []
    for epoch in range(3):
        batches = [batch_of_step(epoch * steps + n, images, batch_size, 0) for n in range(steps)]
        assert {number for number, _ in batches} == {epoch}
        assert {len(chosen) for _, chosen in batches} == {size}
        orders.append([int(one) for _, chosen in batches for one in chosen])
        assert len(set(orders[-1])) == steps * size
        assert set(orders[-1]) <= set(range(images))
    assert orders[0] != orders[1] != orders[2]
    assert orders[0] != [int(i) for n in range(steps) for i in batch_of_step(n, images, size, 1)[1]]

"""What the GPU's runs do, in the machine's own memory: the same code with another device."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS
from deploy.runtime.bound_runs import BoundRuns
from deploy.runtime.inspector import Inspector
from deploy.runtime.session import GraphSession


@pytest.fixture
def bound(inspector: Inspector) -> BoundRuns:
    return BoundRuns(inspector.graph.session, "cpu")


def batch(seed: int, images: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (images, 32, 32, 3), np.uint8)


def test_bound_runs_answer_as_plain_runs_for_every_batch_size(
    inspector: Inspector, bound: BoundRuns
) -> None:
    for images in (1, 3, 2, 8, 1, 5, 6, 3):  # more sizes than it keeps memory for
        given = batch(images, images)
        expected, found = inspector.graph.run(given), bound.run(given)
        assert tuple(found) == GRAPH_OUTPUTS
        for name, values in expected.items():
            assert found[name].shape == values.shape
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_an_answer_stays_when_the_next_batch_runs(bound: BoundRuns) -> None:
    first = bound.run(batch(1, 2))
    kept = first["evidence"].copy()
    second = bound.run(batch(2, 2))
    np.testing.assert_array_equal(first["evidence"], kept)
    assert not np.array_equal(second["evidence"], kept)


def test_images_that_are_no_contiguous_memory_are_copied_right(
    inspector: Inspector, bound: BoundRuns
) -> None:
    turned = batch(3, 2)[:, ::-1, :, ::-1]
    np.testing.assert_array_equal(
        bound.run(turned)["logits"], inspector.graph.run(np.ascontiguousarray(turned))["logits"]
    )


def test_threads_that_share_bound_runs_never_get_each_other_s_answer(
    inspector: Inspector, bound: BoundRuns
) -> None:
    batches = [batch(seed, 1 + seed % 3) for seed in range(30)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda given: bound.run(given)["logits"], batches))
    for given, logits in zip(batches, found, strict=True):
        np.testing.assert_array_equal(logits, inspector.graph.run(given)["logits"])


def test_a_session_on_the_gpu_runs_bound(inspector: Inspector, bound: BoundRuns) -> None:
    on_gpu = GraphSession(inspector.graph.session, "cuda", bound)
    given = batch(4, 2)
    np.testing.assert_array_equal(on_gpu.run(given)["logits"], inspector.graph.run(given)["logits"])
    assert list(bound._kept) == [2]
    assert inspector.graph.bound is None

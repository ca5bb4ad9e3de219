from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from deploy.bundle.graph_outputs import GRAPH_OUTPUTS
from deploy.runtime.inspector import Inspector
from deploy.runtime.pieces import images_at_once, run_in_pieces
from deploy.runtime.session import open_session


def images(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(("grid", "at_once"), [(4, 37), (8, 9), (14, 3), (16, 2), (28, 1)])
def test_the_finer_the_grid_the_fewer_images_run_at_once(grid: int, at_once: int) -> None:
    assert images_at_once(grid) == at_once


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pieces_answer_like_the_whole_batch(inspector: Inspector, size: int) -> None:
    whole = replace(inspector.graph, at_once=0)
    for count in (1, size, size + 1, 7):
        given = images(count)
        expected, found = whole.run(given), run_in_pieces(whole.run, given, size)
        assert tuple(found) == GRAPH_OUTPUTS
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


def test_no_run_holds_more_images_than_fit() -> None:
    ran: list[int] = []

    def run(given: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        ran.append(len(given))
        return {"outlier": np.zeros(len(given), np.float32), "bias": np.ones(2, np.float32)}

    found = run_in_pieces(run, images(7), 3)
    assert ran == [3, 3, 1]
    assert found["outlier"].shape == (7,)
    assert found["bias"].shape == (2,)


def test_a_session_on_the_cpu_knows_how_many_fit(inspector: Inspector) -> None:
    graph = open_session(inspector.bundle.model_bytes, "cpu")
    assert graph.at_once == images_at_once(inspector.bundle.manifest.grid) == 37

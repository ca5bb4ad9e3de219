"""What lost against the project's own place statistics is compared fairly."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tried_statistics import leaving_out_images, rejected

from span_train.contract.settings import LineSettings, settings_from_dict

GRID = 4


@pytest.fixture
def settings(tmp_path: Path) -> LineSettings:
    train = {"projected": 6, "covariance_shrinkage": 0.1}
    raw = {"name": "tried", "images": ["images"], "train": train}
    return settings_from_dict(raw, tmp_path, "test")


@pytest.fixture
def patches() -> torch.Tensor:
    return torch.randn(40, GRID * GRID, 8, generator=torch.Generator().manual_seed(0))


def test_without_trimming_and_neighbours_it_is_the_project_s_own(
    settings: LineSettings, patches: torch.Tensor
) -> None:
    own, tried = leaving_out_images(0.0)(patches, settings), rejected()(patches, settings)
    torch.testing.assert_close(tried.mean, own.mean)
    torch.testing.assert_close(tried.whitening, own.whitening, rtol=1e-3, atol=1e-4)


def test_neighbours_share_their_covariance(settings: LineSettings, patches: torch.Tensor) -> None:
    own = leaving_out_images(0.0)(patches, settings)
    projected = (patches @ own.projection).double().numpy()
    covariance = np.stack(
        [np.cov(projected[:, n], rowvar=False, bias=True) for n in range(GRID * GRID)]
    ).reshape(GRID, GRID, 6, 6)
    corner = 0.9 * covariance[:2, :2].mean((0, 1))
    whole = np.stack(
        [
            covariance[max(0, r - 1) : r + 2, max(0, c - 1) : c + 2].mean((0, 1))
            for r in range(GRID)
            for c in range(GRID)
        ]
    )
    expected = np.linalg.inv(corner + 0.1 * whole.mean(0))
    found = rejected(neighbours=True)(patches, settings).whitening[0].double().numpy()
    np.testing.assert_allclose(found @ found.T, expected, rtol=1e-3, atol=1e-4)


def test_trimming_places_shrinks_what_counts_as_usual(
    settings: LineSettings, patches: torch.Tensor
) -> None:
    own, tried = leaving_out_images(0.0)(patches, settings), rejected(0.2)(patches, settings)
    assert tried(patches).delta_bnd.square().mean() > own(patches).delta_bnd.square().mean()

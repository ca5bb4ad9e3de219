"""anomalib's PaDiM on features that another program looked up; runs where anomalib is installed.

    PYTHON benchmarks/anomalib_padim.py --features FEATURES.npz --out SCORES.npy --side 112

PYTHON is that of an environment with anomalib. FEATURES.npz holds `good` (M, N, C), the patch
features of good images, and `test` (T, N, C). The Gaussians, the distance, the smoothed map and the
score (its largest value) are anomalib's own, with its defaults; only the network is another one.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from anomalib.models.components import MultiVariateGaussian
from anomalib.models.image.padim.anomaly_map import AnomalyMapGenerator

_KEPT, _BATCH = 100, 32  # as many features as PaDiM keeps of a ResNet-18


def main() -> None:
    """Fit on the good images, score the test images, write a score each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, required=True, help="of the square the network saw")
    parser.add_argument("--seed", type=int, default=0, help="of the features that are kept")
    asked = parser.parse_args()
    with np.load(asked.features) as found:
        good, test = (_as_maps(found[name]) for name in ("good", "test"))
    random = torch.Generator().manual_seed(asked.seed)
    kept = torch.randperm(good.shape[1], generator=random)[:_KEPT]
    gaussian, maps = MultiVariateGaussian(), AnomalyMapGenerator()
    gaussian.fit(good[:, kept])
    size = (asked.side, asked.side)
    scores = [
        maps(
            embedding=some[:, kept],
            mean=gaussian.mean,
            inv_covariance=gaussian.inv_covariance,
            image_size=size,
        ).amax(dim=(1, 2, 3))
        for some in test.split(_BATCH)
    ]
    np.save(asked.out, torch.cat(scores).numpy())


def _as_maps(features: np.ndarray) -> torch.Tensor:
    """(M, C, G, G) of (M, N, C) patch features."""
    grid = round(features.shape[1] ** 0.5)
    return torch.from_numpy(features).float().transpose(1, 2).unflatten(2, (grid, grid))


if __name__ == "__main__":
    main()

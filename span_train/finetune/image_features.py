"""What a run's network sees in each image, as one row of numbers: to compare and to tell classes.

Letters: M images, N patches, C features of a patch, J features of the head.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.errors import RunError
from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.finetune.looked import Looked
from span_train.finetune.run import load_trained
from span_train.models.backbone import Backbone
from span_train.models.inspection_model import look
from span_train.pretrained import load_pretrained

Rows = npt.NDArray[np.float64]
FeaturesOf = Callable[[Sequence[Path]], Rows]
_PLACES = 4  # a side: coarse enough for a small shift, fine enough to tell parts apart
_BATCH = 64


def backbone_features(settings: LineSettings, run: Path) -> FeaturesOf:
    """Rows of a pretrained network: its patch features of a middle block, pooled to 4 x 4 places.

    Raises:
        RunError: The run is not finished, damaged, or sees images in another way than the line.
    """
    pretrained = load_pretrained(run)
    _check_input(settings, pretrained.settings, run)
    blocks = pretrained.settings.train.blocks

    def rows(paths: Sequence[Path]) -> Rows:
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            squares = image_cache(paths, settings.input, Path(folder))
            pieces = [
                _pooled(pretrained.backbone, blocks, squares[start : start + _BATCH])
                for start in range(0, len(squares), _BATCH)
            ]
        return np.concatenate(pieces)

    return rows


def head_features(settings: LineSettings, run: Path) -> FeaturesOf:
    """Rows of a trained line: what its defect head sums up, part by part.

    Raises:
        RunError: As for `backbone_features`.
    """
    trained = load_trained(run)
    _check_input(settings, trained.settings, run)

    def rows(paths: Sequence[Path]) -> Rows:
        with tempfile.TemporaryDirectory() as folder:
            looked = Looked(trained.model.backbone, trained.settings, paths, Path(folder))
            return np.asarray(looked.pooled(trained.model.head), np.float64)

    return rows


def _check_input(line: LineSettings, of_run: LineSettings, run: Path) -> None:
    if line.input != of_run.input:
        raise RunError(
            f"{run}: learnt with `input` {of_run.input.model_dump()}, but the line has "
            f"{line.input.model_dump()}; give a run of this line."
        )


def _pooled(
    backbone: Backbone, blocks: tuple[int, ...], squares: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    patches_bnc, _ = look(backbone, blocks, torch.from_numpy(squares.copy()))
    planes = patches_bnc.transpose(1, 2).unflatten(-1, (backbone.grid, backbone.grid))
    pooled = torch.nn.functional.adaptive_avg_pool2d(planes, _PLACES)
    return np.asarray(pooled.flatten(1).double().numpy(), np.float64)

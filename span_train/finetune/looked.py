"""What the pretrained network sees in a set of images, looked up once and used again."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.finetune.shrunk_fit import Array
from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead
from span_train.models.inspection_model import look

_BATCH = 64


class Looked:
    """What the backbone sees in each image; kept in memory, for fitting goes over it many times."""

    def __init__(
        self, backbone: Backbone, settings: LineSettings, paths: Sequence[Path], cache: Path
    ) -> None:
        self.backbone = backbone
        self.paths = tuple(paths)
        self.blocks = settings.train.blocks
        self.pixels = image_cache(paths, settings.input, cache)
        self._kept: list[tuple[Tensor, Tensor]] = []

    def batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        """(patches (b, N, C), attention (b, H, N)) of the images in order."""
        if not self._kept:
            with torch.inference_mode():
                for start in range(0, len(self.pixels), _BATCH):
                    some = torch.from_numpy(self.pixels[start : start + _BATCH].copy())
                    self._kept.append(look(self.backbone, self.blocks, some))
        return self._kept

    def pooled(self, head: DefectHead, learnt_from: float = math.inf) -> Array:
        """The head's J features of each image: (M, J); of images learnt from as if new."""
        with torch.inference_mode():
            rows = [head.pool(*seen, learnt_from) for seen in self.batches()]
        return torch.cat(rows).double().numpy()

"""What the pretrained network sees in a set of images, looked up once and used again."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.finetune.shrunk_fit import Array
from span_train.models.backbone import Backbone
from span_train.models.defect_head import DefectHead, HeadOutputs
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

    def learnt_in(self, others: "Looked", kept: npt.NDArray[np.bool_]) -> Tensor:
        """(M,) the image's number among others, where statistics were learnt from it; else -1."""
        number = {path: place for place, path in enumerate(others.paths) if kept[place]}
        return torch.tensor([number.get(path, -1) for path in self.paths], dtype=torch.int64)

    def pooled(self, head: DefectHead, learnt_m: Tensor | None = None) -> Array:
        """The head's J features of each image: (M, J); of images learnt from as if new."""
        with torch.inference_mode():
            rows = [head.pool(*seen) for seen in self._with(learnt_m)]
        return torch.cat(rows).double().numpy()

    def outputs(self, head: DefectHead, learnt_m: Tensor) -> Iterator[HeadOutputs]:
        """What the head says of each batch; of images learnt from as if they were new."""
        with torch.inference_mode():
            yield from (head(*seen) for seen in self._with(learnt_m))

    def _with(self, learnt_m: Tensor | None) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        place = 0
        for patches, attention in self.batches():
            here = slice(place, place := place + len(patches))
            yield patches, attention, None if learnt_m is None else learnt_m[here]

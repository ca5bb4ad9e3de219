"""Fit and export a small model of anomalib's, to time beside ours; runs where anomalib is.

    PYTHON benchmarks/anomalib_model.py --images FOLDER --out FOLDER [--side 112] [--count 64]

PYTHON is that of an environment with anomalib and OpenVINO. The model is PaDiM on ResNet-18, fitted
on some images of FOLDER. Its weights are drawn: they are for timing, and what it says of an image
means nothing. It prints where the exported model lies, and the arithmetic of its backbone.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import torch
from anomalib.data import Folder
from anomalib.deploy import ExportType
from anomalib.engine import Engine
from anomalib.models import Padim
from torch.utils.flop_counter import FlopCounterMode


def main() -> None:
    """Fit, export as OpenVINO, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="a folder of image files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=112, help="of the square the model sees")
    parser.add_argument("--count", type=int, default=64, help="images to fit it on")
    asked = parser.parse_args()
    torch.manual_seed(0)
    model = Padim(
        backbone="resnet18",
        pre_trained=False,
        pre_processor=Padim.configure_pre_processor((asked.side, asked.side)),
    )
    with tempfile.TemporaryDirectory() as place:
        good = Path(place) / "good"
        good.mkdir()
        for image in itertools.islice(sorted(asked.images.iterdir()), asked.count):
            (good / image.name).symlink_to(image.resolve())
        data = Folder("fitted", good, num_workers=0, test_split_mode="synthetic", seed=0)
        engine = Engine(accelerator="cpu", default_root_dir=place, logger=False)
        engine.fit(model=model, datamodule=data)
    exported = engine.export(model, ExportType.OPENVINO, asked.out)  # takes images of any size
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.model.feature_extractor.cpu()(torch.zeros(1, 3, asked.side, asked.side))
    print(f"{exported}: {counter.get_total_flops() / 2e9:.2f} GMAC in the backbone")


if __name__ == "__main__":
    main()

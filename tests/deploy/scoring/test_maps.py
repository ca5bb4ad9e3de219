import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.image_files import ImageFiles
from deploy.scoring.local import score_folder
from deploy.scoring.maps import MapsWriter
from span_train.contract.errors import InputError
from span_train.contract.image import RGB


def test_each_readable_image_gets_its_maps_without_pickle(
    inspector: Inspector, tmp_path: Path, drawn: Callable[..., RGB], write_part: Callable[..., Path]
) -> None:
    images = tmp_path / "images"
    write_part(images / "good.png", 1)
    write_part(images / ("ä" * 100 + ".png"), 2, defect=True)
    (images / "broken.png").touch()
    sinks = ImageFiles(maps=tmp_path / "maps").sinks(inspector.bundle)
    score_folder([images], inspector, [tmp_path / "r.parquet"], sinks=sinks)
    assert sorted(os.listdir(tmp_path / "maps")) == [
        "0000001_good_pass.npz",
        "0000002_" + "ä" * 50 + "_fail.npz",
    ]
    row = pq.read_table(tmp_path / "r.parquet").to_pylist()[1]
    found = inspector.inspect(drawn(1))
    with np.load(tmp_path / "maps" / "0000001_good_pass.npz", allow_pickle=False) as maps:
        assert np.array_equal(maps["evidence"], found.evidence)
        assert np.allclose(maps["attention"], found.attention, atol=1e-6)
        assert maps["heads"].tolist() == ["body", "left_lead", "free 1", "free 2"]
        assert maps["evidence"].sum() + maps["bias"] == pytest.approx(row["z"], abs=1e-5)
        assert maps["size_px"].tolist() == [64, 48]
        assert str(maps["sha256"]) == row["sha256"]
        assert str(maps["path"]) == row["path"]


def test_a_folder_that_refuses_maps_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written to"):
        MapsWriter(tmp_path / "file", ("body",))

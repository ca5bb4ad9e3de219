"""Make a line's layout, save it, and draw it for a person to check."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from span_train.contract.errors import InputError
from span_train.contract.image import RGB, load_image
from span_train.contract.layout import Layout, save_layout
from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.data.layout_picture import draw_layout
from span_train.data.line_layout import make_layout
from span_train.data.splits import gather_images

_MOST_IMAGES = 1000


@dataclass(frozen=True)
class ShownLayout:
    """A layout that was made, and the folder it lies in."""

    out: Path
    layout: Layout
    remarks: tuple[str, ...]

    def as_text(self) -> str:
        """One line a part, and where to look."""
        lines = [f"{name}: {share:.1%} of the picture" for name, share in self._shares().items()]
        return "\n".join([*lines, f"look at {self.out / 'layout_picture.png'}"])

    def as_json(self) -> str:
        """The same as one JSON line."""
        described = {"out": str(self.out), "source": self.layout.source, "parts": self._shares()}
        return json.dumps(described | {"remarks": list(self.remarks)})

    def _shares(self) -> dict[str, float]:
        shares = self.layout.masks_khw.mean(axis=(1, 2))
        return {name: float(share) for name, share in zip(self.layout.names, shares, strict=True)}


def show_layout(settings: LineSettings, out: Path) -> ShownLayout:
    """Make the layout and write it and its picture into a folder.

    Raises:
        InputError: Masks, images or settings do not fit, or the folder cannot be written to.
    """
    if settings.layout.source == "statistics":
        layout, picture, remarks = _from_statistics(settings)
    else:
        assert settings.layout.exemplar is not None, "settings check that an exemplar is named"
        layout, remarks = make_layout(settings, None), ()
        picture = load_image(
            settings.layout.exemplar,
            window=settings.input.window,
            max_pixels=settings.input.max_pixels,
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_layout(layout, out)
        Image.fromarray(draw_layout(picture, layout)).save(out / "layout_picture.png")
    except OSError as problem:
        raise InputError(f"{out}: cannot be written to ({problem.strerror}).") from None
    return ShownLayout(out, layout, layout.remarks + remarks)


def _from_statistics(settings: LineSettings) -> tuple[Layout, RGB, tuple[str, ...]]:
    from span_train.data.layout_statistics import mean_image  # needs scikit-learn

    images = gather_images(settings)
    some = images.unlabelled[:: -(-len(images.unlabelled) // _MOST_IMAGES)]
    with tempfile.TemporaryDirectory() as folder:
        squares_nhwc = image_cache(some, settings.input, Path(folder))
        return make_layout(settings, squares_nhwc), mean_image(squares_nhwc), images.remarks

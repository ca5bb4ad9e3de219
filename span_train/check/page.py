"""Write one self-contained page of a check, with pictures of what was found."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from span_train.check.finding import Level
from span_train.check.line_check import LineCheck
from span_train.contract.errors import InputError
from span_train.contract.image import RGB, fit, load_image
from span_train.contract.settings import InputSettings
from span_train.data.scenes import NearPair
from span_train.evaluate.report import picture_uri

_SIDE_PX = 220
_MOST_PAIRS = 12
_MOST_ODD = 8
_MOST_EACH = 6
_MOST_SUSPECTS = 18
_ORDER: tuple[Level, ...] = ("problem", "warning", "ok")  # what to do comes first


@dataclass(frozen=True)
class Picture:
    """A picture and what stands below it."""

    image: RGB
    caption: str


def write_page(out: Path, check: LineCheck, settings: InputSettings) -> None:
    """Write the page to the file `out`; a page that is there already is replaced whole.

    Raises:
        InputError: It cannot be written.
    """
    page = render_page(check, settings)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(out)
    except OSError as problem:
        raise InputError(f"{out}: cannot be written ({problem.strerror}).") from None


def render_page(check: LineCheck, settings: InputSettings) -> str:
    """The page as HTML text."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["picture"] = picture_uri
    own = resources.files(__package__)
    style = resources.files("span_train.evaluate").joinpath("report.css").read_text("utf-8")
    style += own.joinpath("check.css").read_text("utf-8")
    template = environment.from_string(own.joinpath("check.html.j2").read_text("utf-8"))
    return template.render(
        c=check, style=Markup(style), side=_SIDE_PX, **_pictures(check, settings)
    )


def _pictures(check: LineCheck, settings: InputSettings) -> dict[str, Any]:
    shown = _Shown(check, settings)
    return {
        "pose_pictures": _pose_pictures(check, shown),
        "pairs": [(shown.of(pair.first), shown.of(pair.second), pair) for pair in _chosen(check)],
        "groups": [
            [shown.of(look.path) for look in group[:_MOST_EACH]] for group in check.products.groups
        ]
        if len(check.products.groups) > 1
        else [],
        "light": [
            (finding.found, [shown.of(Path(name)) for name in finding.images[:_MOST_EACH]])
            for finding in check.findings
            if finding.about == "light" and finding.images
        ],
        "suspects": [
            shown.of(one.path, f" · rather {one.rather} ({1 - one.probability:.0%})")
            for one in check.suspects[:_MOST_SUSPECTS]
        ],
        "findings": sorted(check.findings, key=lambda one: _ORDER.index(one.level)),
        "counts": Counter(one.level for one in check.findings),
        "words": {"ok": "fine", "warning": "look", "problem": "mend"},
    }


class _Shown:
    """Loads pictures to show, named from the folder that all images share."""

    def __init__(self, check: LineCheck, settings: InputSettings) -> None:
        self._settings = settings
        self._top = os.path.commonpath([look.path.parent for look in check.looks.images])
        self._label = check.labelled.labels

    def of(self, path: Path, note: str = "") -> Picture:
        how = self._settings
        pixels = load_image(path, window=how.window, max_pixels=how.max_pixels)
        label = f" · {self._label[path]}" if path in self._label else ""
        caption = f"{os.path.relpath(path, self._top)}{label}{note}"
        return Picture(fit(pixels, _SIDE_PX, "letterbox")[0], caption)


def _pose_pictures(check: LineCheck, shown: _Shown) -> list[Picture]:
    pose = check.pose
    if pose is None:
        return []
    images, correlation = check.looks.images, pose.correlation_m
    spread = pose.spread / max(float(pose.spread.max()), 1.0) * 255
    first = [
        Picture(_enlarged(pose.mean), "mean of all images"),
        Picture(_enlarged(spread), f"spread; white is {pose.spread.max():.0f} grey levels"),
        shown.of(images[pose.typical].path, f" · the most typical, {correlation.max():.2f}"),
    ]
    lowest = pose.odd or tuple(int(place) for place in np.argsort(correlation)[:3])
    return first + [
        shown.of(images[place].path, f" · {correlation[place]:.2f}") for place in lowest[:_MOST_ODD]
    ]


def _chosen(check: LineCheck) -> Sequence[NearPair]:
    """Pairs to show: those over labels and splits first."""
    labels, roles = check.labelled.labels, check.labelled.roles()

    def weight(pair: NearPair) -> tuple[bool, bool]:
        first, second = pair.first, pair.second
        return (
            labels.get(first) == labels.get(second),
            roles.get(first, "learning") == roles.get(second, "learning"),
        )

    return sorted(check.duplicates.near, key=weight)[:_MOST_PAIRS]


def _enlarged(plane: npt.NDArray[np.float32]) -> RGB:
    levels = np.clip(plane + 0.5, 0, 255).astype(np.uint8)
    large = cv2.resize(levels, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), np.uint8)

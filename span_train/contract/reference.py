"""Which image a line's parts are aligned to: the exemplar, unless another one is named."""

from pathlib import Path
from typing import Any

from span_train.contract.align import Align
from span_train.contract.layout_settings import LayoutSettings


def with_reference(raw: object) -> object:
    """The line's raw settings, with the first exemplar as reference where alignment needs one."""
    if not isinstance(raw, dict):
        return raw
    frame, layout = raw.get("input"), raw.get("layout")
    if not isinstance(frame, dict) or not isinstance(layout, dict):
        return raw
    # YAML reads a bare `off` as false
    aligns = frame.get("align", "off") not in ("off", False)
    exemplar: Any = layout.get("exemplar")
    first = exemplar[0] if isinstance(exemplar, list | tuple) and exemplar else exemplar
    if not aligns or frame.get("reference") is not None or not isinstance(first, str | Path):
        return raw
    return {**raw, "input": {**frame, "reference": first}}


def check_reference(align: Align, reference: Path | None, layout: LayoutSettings) -> None:
    """Make sure that the layout is drawn in the frame that images are aligned to.

    Where neither is named, commands take the most typical of the line's images.

    Raises:
        ValueError: Parts are drawn on another image than the reference.
    """
    if align == "off" or reference is None:
        return
    others = [path.name for path in layout.exemplar if path != reference]
    if others:
        raise ValueError(
            f"parts are drawn on {', '.join(others)}, but images are aligned to {reference.name}: "
            "draw on one exemplar and leave input.reference out, or set input.align: off"
        )

"""Charts of a shift: where its defects lie, and whether an hour was unlike the others.

They are Vega-Lite specifications: the station's page draws them, and so do exported reports.
"""

from collections.abc import Sequence
from typing import Any

import vl_convert
from babel.numbers import get_decimal_symbol, get_group_symbol

from inspect_app.reports.report_words import named
from inspect_app.reports.say import Say, plain
from inspect_app.reports.shift_numbers import ShiftNumbers

Chart = dict[str, Any]
WIDTH_PX, HEIGHT_PX = 620, 220
_FAIL, _CALM, _LIMIT = "#d9464d", "#3d8fd6", "#8a97a3"
_MOST_BARS = 12
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def pareto_chart(counted: Sequence[tuple[str, int]], tr: Say = plain) -> Chart:
    """Bars from the most to the least frequent."""
    shown = counted[:_MOST_BARS]
    rows = [{"name": named(name, tr), "parts": count} for name, count in shown]
    parts = {"field": "parts", "type": "quantitative", "title": tr("failed parts")}
    return _chart(
        tr,
        rows,
        max(60, 30 * len(shown)),
        mark={"type": "bar", "color": _FAIL, "size": 18},
        encoding={
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None},
            "x": {**parts, "axis": {"tickMinStep": 1}},
            "tooltip": [{"field": "name"}, parts],
        },
    )


def control_chart(numbers: ShiftNumbers, tr: Say = plain) -> Chart:
    """The p-chart: share of failed parts hour by hour, its middle and its limits."""
    rows = [
        {
            "hour": point.hour + 1,
            "share": point.share,
            "low": point.low,
            "high": point.high,
            "middle": numbers.middle,
            "parts": point.of,
            "limits": "outside" if point.is_out else "inside",
        }
        for point in numbers.chart
    ]
    limit = {"type": "line", "color": _LIMIT, "strokeDash": [5, 4], "interpolate": "step"}
    layers = [{"mark": limit, "encoding": _share_of(side, tr)} for side in ("low", "high")]
    layers += [
        {"mark": {**limit, "strokeDash": [1, 0]}, "encoding": _share_of("middle", tr)},
        {"mark": {"type": "line", "color": _CALM}, "encoding": _share_of("share", tr)},
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {
                **_share_of("share", tr),
                "color": _by_limits([_CALM, _FAIL]),
                "shape": _by_limits(["circle", "triangle-up"]),
                "tooltip": [
                    {"field": "hour"},
                    {"field": "share", "format": ".1%"},
                    {"field": "parts"},
                ],
            },
        },
    ]
    hour = {"field": "hour", "type": "quantitative", "title": tr("hour of the shift")}
    axis = {"axis": {"tickMinStep": 1, "format": "d"}, "scale": {"zero": False}}
    return _chart(tr, rows, HEIGHT_PX, layer=layers, encoding={"x": {**hour, **axis}})


def as_svg(chart: Chart) -> str:
    """The chart as SVG, drawn without a browser or the internet."""
    return str(vl_convert.vegalite_to_svg(chart))


def as_png(chart: Chart) -> bytes:
    """The chart as PNG, sharp enough for paper."""
    return bytes(vl_convert.vegalite_to_png(chart, scale=3))


def _chart(tr: Say, rows: list[dict[str, Any]], height_px: int, **content: Any) -> Chart:
    size = {"width": WIDTH_PX, "height": height_px}
    marks = {"decimal": get_decimal_symbol(tr.locale), "thousands": get_group_symbol(tr.locale)}
    numbers = {"number": {**marks, "grouping": [3], "currency": ["", ""]}}
    config = {"config": {"locale": numbers}}
    return {"$schema": _SCHEMA, "data": {"values": rows}, **config, **size, **content}


def _share_of(field: str, tr: Say) -> dict[str, Any]:
    axis = {"axis": {"format": "%"}, "title": tr("share of failed parts")}
    return {"y": {"field": field, "type": "quantitative", **axis}}


def _by_limits(values: list[str]) -> dict[str, Any]:
    scale = {"domain": ["inside", "outside"], "range": values}
    return {"field": "limits", "type": "nominal", "scale": scale, "legend": None}

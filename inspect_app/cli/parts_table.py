"""Put what `inspect evaluate-parts` found into a table that fits a terminal."""

from typing import Any


def parts_table(found: dict[str, Any]) -> str:
    """One line a part, the mean, and the gains with their intervals.

    Args:
        found: What `parts.json` holds.
    """
    heads = ("head", "template", "oracle", "chance", "in part", "pointing", *found["baselines"])
    rows = [("part", *heads)]
    rows += [(name, *_numbers(part, found)) for name, part in found["parts"].items()]
    means = {
        "ap": found["map"],
        "template_ap": found["template_map"],
        "oracle_ap": found["oracle_map"],
        "chance": found["chance_map"],
        "baselines": {name: {"ap": one["map"]} for name, one in found["baselines"].items()},
    }
    rows.append(("mean", *_numbers(found | means, found)))
    wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.rjust(size) if at else cell.ljust(size) for at, (cell, size) in cells)
        for cells in (list(enumerate(zip(row, wide, strict=True))) for row in rows)
    ]
    return "\n".join([*lines, "", *_sentences(found)])


def _numbers(part: dict[str, Any], found: dict[str, Any]) -> list[str]:
    own = ("ap", "template_ap", "oracle_ap", "chance", "mass", "pointing")
    others = [part["baselines"][name]["ap"] for name in found["baselines"]]
    return ["-" if one is None else f"{one:.3f}" for one in [*(part[key] for key in own), *others]]


def _sentences(found: dict[str, Any]) -> list[str]:
    low, high = found["map_interval"]
    lines = [
        f"{found['images']} images, mAP {found['map']:.3f} [{low:.3f}, {high:.3f}] at 95 % over "
        f"images; heads: {found['heads']}",
        f"above the template: {_gain(found['above_template'])}",
    ]
    lines += [
        f"above {name} ({one['objective']}, prior weight {one['prior_weight']:g}; "
        f"{one['heads']}): {_gain(one['gain'])}"
        for name, one in found["baselines"].items()
    ]
    return lines


def _gain(gain: dict[str, Any]) -> str:
    low, high = gain["interval"]
    return f"{gain['value']:+.3f} [{low:+.3f}, {high:+.3f}]"

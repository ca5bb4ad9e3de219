"""Put the speeds that `pretrain_speed.py` measured on one Markdown page."""

import statistics
from collections.abc import Sequence
from typing import Any

from markdown_table import table
from speed_turns import LIGHTLY, OURS, Entry

# Dense bf16 throughput from NVIDIA's data sheets, without sparsity; by a word of the card's name.
PEAK_TFLOPS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0}

_PAGE = """\
# Speed of pretraining

Written by `benchmarks/pretrain_speed.py`. {images} images, network `{model}`, {side} px, batch
{batch}, precision `{precision}`, two views of the whole side; {rounds} rounds of {steps} steps,
contestants in turn, each in a process of its own. lightly {lightly}: its DINOTransform (two global
views), dataset, DataLoader, projection head, loss and momentum update, on the same network, with
the same sizes, optimiser and precision. Ours: regions from statistics are the parts, all other
settings are the product's.

To repeat it:

    {command}

Where it ran ({device}; load before: {load}):

{where}
"""


def page(entries: Sequence[Entry], facts: dict[str, Any]) -> str:
    """The result as Markdown.

    Args:
        entries: Measured contestants.
        facts: What the first paragraphs tell.
    """
    head = ["", "images/s, median (range)", "waiting for data", "peak memory, MiB"]
    peak = peak_tflops(entries[0].facts["device"])
    card = "card_mib" in entries[0].facts
    head += ["card's peak, MiB"] * card + ["share of bf16 peak"] * (peak is not None)
    rows = []
    for entry in entries:
        row = [
            entry.name,
            f"{entry.rate:.1f} ({min(entry.rates):.1f} to {max(entry.rates):.1f})",
            f"{statistics.median(entry.waiting):.1%}",
            _memory(entry.facts),
        ]
        row += [f"{entry.facts['card_mib']:.0f}"] if card else []
        row += [_share(entry, peak)] if peak is not None else []
        rows.append(row)
    where = "\n".join(f"- {line}" for line in facts["where"])
    about = _PAGE.format(**(facts | {"where": where}))
    return "\n".join(
        [about, table(head, rows), *(f"- {line}" for line in comparisons(entries)), ""]
    )


def comparisons(entries: Sequence[Entry]) -> list[str]:
    """What SPAN costs, and how ours compares with the fastest of lightly's; round by round."""
    lines = []
    ours = {entry.name: entry for entry in entries if entry.kind == OURS}
    for name, entry in ours.items():
        if name.endswith("with SPAN"):
            objective = entry.changes["pretrain.objective"]
            alone = ours[f"ours, {objective}, lambda 0"]
            cost = [plain / span - 1 for plain, span in zip(alone.rates, entry.rates, strict=True)]
            lines.append(
                f"A step of `{objective}` takes {_range(cost, '+.1%')} more time with SPAN."
            )
    others = [entry for entry in entries if entry.kind == LIGHTLY]
    if others:
        best = max(others, key=lambda entry: entry.rate)
        for name, entry in ours.items():
            times = [mine / theirs for mine, theirs in zip(entry.rates, best.rates, strict=True)]
            lines.append(f"{name}: {_range(times, '.2f')} times the images/s of {best.name}.")
    return lines


def peak_tflops(device: str) -> float | None:
    """The card's dense bf16 peak, where it is known."""
    words = device.replace("-", " ").split()
    return next((peak for word, peak in PEAK_TFLOPS.items() if word in words), None)


def _range(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _memory(facts: dict[str, Any]) -> str:
    loader = facts["loader_mib"]
    return f"{facts['memory_mib']:.0f}" + (f" + {loader:.0f} of its loader" if loader else "")


def _share(entry: Entry, peak: float | None) -> str:
    if peak is None or "flops_an_image" not in entry.facts:
        return ""
    return f"{entry.rate * entry.facts['flops_an_image'] / (peak * 1e12):.1%}"

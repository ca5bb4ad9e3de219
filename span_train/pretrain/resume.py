"""Refuse to go on with a run under settings or data that would make it another run."""

from pathlib import Path
from typing import Any

from span_train.contract.errors import RunError
from span_train.contract.settings import LineSettings, read_settings
from span_train.storage.run_folder import read_json

_FREE = {"pretrain.device", "pretrain.checkpoint_every", "pretrain.cache"}
_LATER = ("train.", "goals.")
_STEPS = "pretrain.steps"


def resumed_settings(
    asked: LineSettings, out: Path, digests: dict[str, str], budgeted: bool
) -> tuple[LineSettings, tuple[str, ...]]:
    """The settings a run was started with, which it goes on with, and what to say about them.

    Where a time budget fixed the number of steps, that number stays, whatever is asked now.

    Args:
        asked: The line as it is now; what only later commands need may differ.
        out: The run folder.
        digests: Of what the run depends on beside the settings, by name.
        budgeted: Whether a budget is asked for now.

    Raises:
        RunError: Something differs that would make it another run; all of it is listed.
    """
    saved = read_settings(out / "settings.yaml")
    described = read_json(out / "run.json")
    before, wanted = (_flat(one.model_dump(mode="json")) for one in (saved, asked))
    fixed_by_budget = described.get("budget_s") is not None
    free = _FREE | {_STEPS} if fixed_by_budget or budgeted else _FREE
    changed = [
        f"{key}: {before.get(key)} in the run, {wanted.get(key)} now"
        for key in sorted(before.keys() | wanted.keys())
        if before.get(key) != wanted.get(key) and key not in free and not key.startswith(_LATER)
    ]
    changed += [
        f"the {name} changed" for name, now in digests.items() if described.get(name) != now
    ]
    if changed:
        raise RunError(
            f"{out}: cannot be resumed, this would be another run:\n  "
            + "\n  ".join(changed)
            + "\nset them back, or start a new run with another --out."
        )
    said = f"goes on to the {before[_STEPS]} steps fixed at its start"
    return saved, (said,) if fixed_by_budget or budgeted else ()


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat

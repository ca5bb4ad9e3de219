"""Describe a bundle in plain words: what it is, what it learnt from, promises, and cannot do."""

import re
from collections.abc import Mapping
from typing import Any

from span_train.policy.policy import Policy, PolicyChange, Probability

_TOLD_ELSEWHERE = {"kind", "created", "git_commit", "versions", "machine"}
_HASH = re.compile(r"^[0-9a-f]{40,}$")
_SIGNED = "`manifest.sig`; `inspect verify --public-key public.pem` checks it"
_PROMISES_KEPT = (
    "- The promises were counted by the network in float32; on these images the graph lets no "
    "further defective part pass, and fails no further good one."
)
_COUNTED_SINCE = (
    "- Verdicts are compared here by the thresholds at export. The promises above were counted "
    "since, with this very graph."
)
_CARD = """\
# {name}

A bundle for visual inspection, exported {created}. It takes a picture of the part and gives `pass`,
`recheck` or `fail`, and shows where and in which part the evidence for a defect lies.

- Parts: {parts}
- Defect types: {types}
- Images: brought to {side_px} x {side_px} pixels by `{fit}`
- Numbers inside the graph: {precision}
- Signature: {signature}

## Verdicts

{verdicts}

## What it promises

{claims}

## What it learnt from

{training}

## Check at export

{check}

`inspect verify` runs the examples again on the machine that inspects.

## Limits

- It knows one product, seen in about the pose of the training images. A new product, camera,
  lens or light needs new images and training.
- The claims assume that the parts used for calibration are like those of production. They hold
  for a physical part judged by its worst image.
- Evidence sums exactly to z over the network's patches. The blocks before have mixed patches, so
  it shows where the network found the deviation; it is no proof about single pixels.
- `recheck` means that a person must look.
"""


def card_text(
    facts: Mapping[str, Any], policy: Policy, parity: Mapping[str, Any], *, signed: bool
) -> str:
    """The text of `card.md`.

    Args:
        facts: The manifest's fields; what `training` holds is listed, whatever it is.
        policy: Thresholds and claims.
        parity: The contents of `parity.json`.
        signed: Whether the bundle gets a signature.
    """
    types = ", ".join(facts["defect_types"])
    return _CARD.format(
        name=facts["name"],
        created=facts["created"],
        parts=", ".join(facts["parts"]),
        types=types or "none; the bundle tells good from defective only",
        side_px=facts["input"]["side_px"],
        fit=facts["input"]["fit"],
        verdicts="\n".join(_verdict_lines(policy)),
        claims="\n".join(_claim_lines(policy)) or "- Nothing: there was no calibration.",
        training="\n".join(_listed(facts["training"])) or "- The run says nothing about it.",
        precision=_precision(parity),
        signature=_SIGNED if signed else "none; the hashes find damage, not a forger",
        check="\n".join(_check_lines(parity, calibrated_since=bool(policy.history))),
    )


def _precision(parity: Mapping[str, Any]) -> str:
    if parity["precision"] == "float32":
        return "float32, as in training"
    return f"{parity['precision']} in {parity['rounded']}; float32 everywhere else"


def _check_lines(parity: Mapping[str, Any], *, calibrated_since: bool) -> list[str]:
    lines = [f"- {_compared('example', parity)}"]
    if calibrated_since:
        lines.append(_COUNTED_SINCE)
    calibration = parity["calibration"]
    if calibration is None:
        return [*lines, "- No calibration image was compared."]
    most = f"at most {calibration['max_flips']:.1%} of the verdicts may differ"
    lines.append(f"- {_compared(calibration['split'], calibration)}; {most}.")
    if calibration["images"] < calibration["available"]:
        lines.append(f"- These are {calibration['images']} of {calibration['available']} images.")
    lines += [f"- Other verdict: {flip}" for flip in calibration["flips"]]
    if calibration["auroc"]:
        network, graph = calibration["auroc"]["network"], calibration["auroc"]["graph"]
        lines.append(f"- AUROC on them: {network:.4f} by the network, {graph:.4f} by the graph.")
    if parity["precision"] != "float32" and not calibrated_since:
        lines.append(_PROMISES_KEPT)
    return lines + [f"- Tried before, and refused: {reason}" for reason in parity["refused"]]


def _compared(kind: str, numbers: Mapping[str, Any]) -> str:
    return (
        f"On {numbers['images']} {kind} images the exported graph and the network differ by at "
        f"most {numbers['largest_difference']['logits']:.1e} in z, and in "
        f"{numbers['verdict_flips']} verdicts"
    )


def _verdict_lines(policy: Policy) -> list[str]:
    passes = "nothing" if policy.t_pass is None else f"z below {policy.t_pass:.4g}"
    fails = "nothing by z alone" if policy.t_fail is None else f"z from {policy.t_fail:.4g} on"
    limit = policy.outlier_limit
    outlier = "no limit" if limit is None else f"above {limit:.4g} at least `recheck`"
    return [
        f"- `pass`: {passes}",
        f"- `fail`: {fails}",
        "- `recheck`: everything else",
        f"- Outlier score: {outlier}",
        *_probability_line(policy.probability),
        *(line for change in policy.history for line in _change_lines(change)),
    ]


def _probability_line(probability: Probability | None) -> list[str]:
    if probability is None:
        return []
    return [
        f"- A probability of a defect is given for a declared defect rate of "
        f"{probability.defect_rate:.3g}; at another rate it is wrong."
    ]


def _change_lines(change: PolicyChange) -> list[str]:
    moved = [
        f"{name} from {_limit(before)} to {_limit(after)}"
        for name, before, after in (
            ("pass below", change.t_pass_before, change.t_pass_after),
            ("fail from", change.t_fail_before, change.t_fail_after),
            ("outlier limit", change.outlier_limit_before, change.outlier_limit_after),
        )
    ]
    lines = [f"- Changed {change.when} by {change.who}: {change.why} ({'; '.join(moved)})"]
    if (on := change.calibration) is not None:
        lines.append(
            f"  - By {change.rule}: {on.images} images of {on.good} good and {on.defective} "
            f"defective parts; {on.unreadable} unreadable"
        )
        if on.learnt_from:
            lines.append(f"  - **{on.learnt_from} of them were learnt from: no claim holds.**")
    return lines


def _limit(threshold: float | None) -> str:
    return "nothing" if threshold is None else f"{threshold:.4g}"


def _claim_lines(policy: Policy) -> list[str]:
    return [f"- {claim.message}" for claim in policy.claims]


def _listed(facts: Mapping[str, Any], depth: int = 0) -> list[str]:
    lines = []
    for key, value in facts.items():
        if key in _TOLD_ELSEWHERE or (isinstance(value, str) and _HASH.match(value)):
            continue
        indent = "  " * depth + f"- {str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            lines += [f"{indent}:", *_listed(value, depth + 1)]
        elif isinstance(value, list | tuple):
            shown = ", ".join(map(_short, value[:8])) + (" ..." if len(value) > 8 else "")
            lines.append(f"{indent}: {shown or 'none'}")
        else:
            lines.append(f"{indent}: {_short(value)}")
    return lines


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

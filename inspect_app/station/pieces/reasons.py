"""Why the line judged as it did, in the operator's language.

The store keeps the policy's own English sentence. Those of a known form are said anew; anything
else is shown as it stands.
"""

import re

from inspect_app.station.pieces.language import later, number, tr
from inspect_app.station.pieces.unreadable import unreadable_in_words

_NUMBER = r"(-?\d+\.\d+)"
_FORMS = (
    (
        rf"z {_NUMBER} reaches the fail threshold {_NUMBER}",
        lambda z, limit: tr("z {z} reaches the fail threshold {limit}", z=z, limit=limit),
    ),
    (
        rf"z {_NUMBER}; nothing passes without a look under this policy",
        lambda z: tr("z {z}; nothing passes without a look under this policy", z=z),
    ),
    (
        rf"z {_NUMBER} is not below the pass threshold {_NUMBER}",
        lambda z, limit: tr("z {z} is not below the pass threshold {limit}", z=z, limit=limit),
    ),
    (
        rf"z {_NUMBER} would pass, but the outlier score {_NUMBER} is above the limit "
        rf"{_NUMBER}: unlike the good parts seen",
        lambda z, outlier, limit: tr(
            "z {z} would pass, but the outlier score {outlier} is above the limit {limit}: "
            "unlike the good parts seen",
            z=z,
            outlier=outlier,
            limit=limit,
        ),
    ),
    (
        rf"z {_NUMBER} is below the pass threshold {_NUMBER}",
        lambda z, limit: tr("z {z} is below the pass threshold {limit}", z=z, limit=limit),
    ),
)


# Of the image gate: "not fit to be judged: blurred (fine_detail 0.1, at least 0.3); …. z …"
_UNFIT = r"not fit to be judged: (.+\))\. (.+)"
_MEASURED = r"(.+) \(\w+ (\S+), (at least|at most) (\S+)\)"
UNFIT_FOR = (
    later("blurred"),
    later("every part of it is unlike what was learnt"),
    later("foreign: unlike the usual part at any place"),
    later("misaligned"),
    later("misaligned: part of it lies outside the image"),
    later("over- or underexposed"),
    later("shifted: the part lies elsewhere in the image"),
    later("too blue"),
    later("too bright"),
    later("too dark"),
    later("too green"),
    later("too little contrast"),
    later("too red"),
    later("too yellow"),
)


def reason_in_words(reason: str) -> str:
    """The reason of a verdict as plain text, not yet safe for HTML."""
    unfit = re.fullmatch(_UNFIT, reason)
    if unfit is not None:
        why = "; ".join(_measured_in_words(one) for one in unfit[1].split("; "))
        verdict = reason_in_words(unfit[2])
        return tr("not fit to be judged: {why}. {verdict}", why=why, verdict=verdict)
    for form, say in _FORMS:
        found = re.fullmatch(form, reason)
        if found is not None:
            return say(*(number(float(one), len(one.split(".")[1])) for one in found.groups()))
    return unreadable_in_words(reason) or reason


def _measured_in_words(measured: str) -> str:
    """Why an image is not fit, with what was measured and what it may be."""
    found = re.fullmatch(_MEASURED, measured)
    if found is None or found[1] not in UNFIT_FOR:
        return measured
    unfit_for = found[1]
    words = tr(unfit_for)
    value, limit = (number(float(one), 2) for one in (found[2], found[4]))
    if found[3] == "at least":
        return tr("{words} ({value}, at least {limit})", words=words, value=value, limit=limit)
    return tr("{words} ({value}, at most {limit})", words=words, value=value, limit=limit)

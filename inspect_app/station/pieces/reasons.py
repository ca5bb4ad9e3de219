"""Why the line judged as it did, in the operator's language.

The store keeps the policy's own English sentence. Those of a known form are said anew; anything
else, such as why a file was unreadable, is shown as it stands.
"""

import re

from inspect_app.station.pieces.language import number, tr

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


def reason_in_words(reason: str) -> str:
    """The reason of a verdict as plain text, not yet safe for HTML."""
    for form, say in _FORMS:
        found = re.fullmatch(form, reason)
        if found is not None:
            return say(*(number(float(value), 3) for value in found.groups()))
    return reason

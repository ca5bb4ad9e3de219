"""The card of a bundle with a new policy: what it was told at export, with today's promises."""

import json

from deploy.bundle.manifest import PARITY
from deploy.bundle.read import Bundle
from deploy.export.card import card_text
from span_train.contract.errors import BundleError
from span_train.policy.policy import Policy


def recalibrated_card(bundle: Bundle, policy: Policy, parity: bytes, *, signed: bool) -> str:
    """The text of `card.md` of the new bundle.

    Args:
        parity: The content of the bundle's `parity.json`.
        signed: Whether the new bundle gets a signature.

    Raises:
        BundleError: `parity.json` is not what this program writes.
    """
    facts = bundle.manifest.model_dump(mode="json")
    try:
        return card_text(facts, policy, json.loads(parity), signed=signed)
    except (ValueError, KeyError, TypeError) as problem:
        raise BundleError(
            f"{bundle.folder / PARITY}: does not hold what export writes ({problem!r}); export "
            "the run again."
        ) from None

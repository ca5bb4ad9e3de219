"""What the company's sign-on says of who stands here; each identity is taken once.

Streamlit keeps an identity in a cookie of the browser, so that a reload, another tab or a time-out
would bring it again.
"""

import os
from dataclasses import dataclass

import streamlit as st

from inspect_app.station.pieces.language import tr
from inspect_app.station.sign_on import CLAIM_VARIABLE

_IDENTITY = ("iss", "sub", "iat", "nonce")


@dataclass(frozen=True)
class Account:
    """Somebody the provider named.

    Attributes:
        name: What the operator is called at the station, if known there.
        is_verified: False where the provider says that it did not check the name.
    """

    name: str
    is_verified: bool


def account_button() -> None:
    """A way to the company's sign-on, where there is one."""
    if CLAIM_VARIABLE in os.environ and st.button(tr("Company account"), key="sign_on"):
        st.login()


def just_named() -> Account | None:
    """Who has signed in there and was not told here before."""
    claim = os.environ.get(CLAIM_VARIABLE)
    if claim is None or not st.user.is_logged_in:
        return None
    said = st.user.to_dict()
    mine = object()
    if _taken().setdefault(tuple(str(said.get(key)) for key in _IDENTITY), mine) is not mine:
        return None
    return Account(str(said.get(claim, "")), said.get(f"{claim}_verified") is not False)


@st.cache_resource(show_spinner=False)
def _taken() -> dict[tuple[str, ...], object]:
    """All that were told since the station was started."""
    return {}

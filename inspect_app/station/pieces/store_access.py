"""The one open store that all pages and browsers of a station share."""

import os

import streamlit as st

from inspect_app.station.serve import STORE_VARIABLE
from inspect_app.store.reader import StoreReader
from span_train.contract.errors import StoreError


@st.cache_resource(show_spinner=False)
def open_shared_store(url: str) -> StoreReader:
    """Open a store once a process."""
    return StoreReader(url)


def station_store() -> StoreReader:
    """The store named in the environment.

    Raises:
        StoreError: None is named, or it cannot be opened.
    """
    url = os.environ.get(STORE_VARIABLE, "")
    if not url:
        raise StoreError(
            f"no store is named; start with `inspect station --store URL` or set {STORE_VARIABLE}."
        )
    return open_shared_store(url)

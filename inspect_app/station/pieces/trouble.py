"""What a page shows where the store cannot be read."""

from inspect_app.station.pieces.language import tr
from inspect_app.station.pieces.wording import text
from span_train.contract.errors import StoreError


def trouble(problem: StoreError) -> str:
    """HTML that says so, with the store's own words, which are English."""
    return (
        f'<section class="trouble"><b>{tr("The store cannot be read")}</b>'
        f"<p>{text(str(problem))}</p></section>"
    )

"""The page that lists what was decided, by whom, and how that compares with the verdicts."""

import streamlit as st

from inspect_app.station.pieces.part_on_show import show
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.wording import local_time, text
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import (
    DECISIONS,
    OUTCOMES,
    Counts,
    DecidedPart,
    DecisionName,
    Outcome,
)
from span_train.contract.errors import StoreError

NEWEST_SHOWN = 500
_ROW_PX, _HEADER_PX, _LONGEST_PX = 40, 39, 620


def show_history() -> None:
    """Lay the page out."""
    try:
        _show(station_store())
    except StoreError as problem:
        st.html(
            f'<section class="trouble"><b>The store cannot be read</b><p>{text(str(problem))}</p>'
        )


def _show(store: StoreReader) -> None:
    top_bar(store)
    counts = store.counts()
    st.html(_tiles(counts))
    table, list_ = st.columns([1, 1.9], gap="small")
    with table:
        st.html(_agreement(store.decision_counts()))
    with list_:
        _decisions(store.recent_decisions(limit=NEWEST_SHOWN))


def _tiles(counts: Counts) -> str:
    tiles = ""
    for outcome in OUTCOMES:
        total, decided = counts.of(outcome)
        if outcome == "unreadable" and not total:
            continue
        sign = SIGNS[outcome]
        tiles += (
            f'<div class="tile"><img src="{sign.on_panel()}" alt=""><div><b>{total:,}</b>'
            f"<span>{sign.word}</span></div><em>{decided:,} decided</em></div>"
        )
    return f'<section class="tiles">{tiles}</section>'


def _agreement(counted: dict[tuple[Outcome, DecisionName], int]) -> str:
    """Verdicts against decisions; the latest decision of each part counts."""
    head = "".join(f"<th>{SIGNS[decision].word}</th>" for decision in DECISIONS)
    rows = ""
    for outcome in OUTCOMES:
        cells = "".join(
            _cell(counted.get((outcome, decision), 0), outcome == decision)
            for decision in DECISIONS
        )
        rows += f"<tr><th>{SIGNS[outcome].word}</th>{cells}</tr>"
    return (
        '<section class="card agreement"><h3>What operators decided'
        "<small>latest decision of each part</small></h3><table>"
        f"<tr><th>Verdict of the line</th>{head}</tr>{rows}</table></section>"
    )


def _cell(count: int, same: bool) -> str:
    look = "none" if not count else "same" if same else ""
    return f'<td class="{look}">{count:,}</td>'


def _decisions(decided: list[DecidedPart]) -> None:
    if not decided:
        st.html('<section class="card"><h3>Decisions</h3><p class="quiet">None yet.</p></section>')
        return
    with st.container(key="decisions"):
        hint = f"the newest {len(decided):,}; select a row to open its part"
        st.html(f"<h3>Decisions <small>{hint}</small></h3>")
        chosen = st.dataframe(
            [_as_row(one) for one in decided],
            hide_index=True,
            height=min(_HEADER_PX + _ROW_PX * len(decided), _LONGEST_PX),
            row_height=_ROW_PX,
            on_select="rerun",
            selection_mode="single-row",
            key="history_table",
        )
    rows = chosen["selection"]["rows"]
    if rows:
        show(decided[rows[0]].decision.inspection_id)
        st.switch_page(st.session_state["pages"][0])


def _as_row(one: DecidedPart) -> dict[str, str]:
    verdict = SIGNS[one.verdict or "unreadable"].word
    return {
        "When": local_time(one.decision.decided_at),
        "Part": one.file_name,
        "Verdict": verdict,
        "Decision": SIGNS[one.decision.decision].word,
        "Operator": one.decision.operator,
        "Reason": one.decision.reason,
    }

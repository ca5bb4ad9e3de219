"""The page that lists what was decided, by whom, and how that compares with the verdicts."""

import streamlit as st

from inspect_app.station.pieces.language import count, local_time, tr, tr_n
from inspect_app.station.pieces.part_on_show import step
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.trouble import trouble
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
        st.html(trouble(problem))


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
            f'<div class="tile"><img src="{sign.on_panel()}" alt=""><div><b>{count(total)}</b>'
            f"<span>{sign.word}</span></div><em>{tr('{n} decided', n=count(decided))}</em></div>"
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
        '<section class="card agreement"><h3>'
        f"{tr('What operators decided')}"
        f"<small>{tr('latest decision of each part')}</small></h3><table>"
        f"<tr><th>{tr('Verdict of the line')}</th>{head}</tr>{rows}</table></section>"
    )


def _cell(parts: int, same: bool) -> str:
    shown = count(parts)
    look = "none" if not parts else "same" if same else ""
    return f'<td class="{look}">{shown}</td>'


def _decisions(decided: list[DecidedPart]) -> None:
    if not decided:
        none = f'<h3>{tr("Decisions")}</h3><p class="quiet">{tr("None yet.")}</p>'
        st.html(f'<section class="card">{none}</section>')
        return
    with st.container(key="decisions"):
        hint = tr_n(
            "the newest; select it to open its part",
            "the newest {n}; select a row to open its part",
            len(decided),
        )
        st.html(f"<h3>{tr('Decisions')} <small>{hint}</small></h3>")
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
        step(decided[rows[0]].decision.inspection_id)
        st.switch_page(st.session_state["pages"][0])


def _as_row(one: DecidedPart) -> dict[str, str]:
    verdict = SIGNS[one.verdict or "unreadable"].word
    return {
        tr("When"): local_time(one.decision.decided_at),
        tr("Part"): one.file_name,
        tr("Verdict"): verdict,
        tr("Decision"): SIGNS[one.decision.decision].word,
        tr("Operator"): one.decision.operator,
        tr("Reason"): one.decision.reason,
    }

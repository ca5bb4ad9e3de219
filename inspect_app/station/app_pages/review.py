"""The page for a second look: find parts, decide several at once, and judge passes blindly."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from inspect_app.station.pieces.language import local_time, number, tr, tr_n
from inspect_app.station.pieces.part_on_show import step
from inspect_app.station.pieces.shapes import SIGNS
from inspect_app.station.pieces.sign_in import sign_in_form, signed_in, who_may
from inspect_app.station.pieces.similar_parts import similar_parts
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.trouble import trouble
from inspect_app.station.pieces.wording import part_title, text
from inspect_app.store.pictures import encode_png
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import (
    DECISIONS,
    LONGEST_REASON,
    OUTCOMES,
    DecisionName,
    OperatorRecord,
    Outcome,
)
from inspect_app.store.review import ReviewFilter
from span_train.contract.errors import StoreError

NEWEST_SHOWN = 300
_ROW_PX, _LONGEST_PX = 40, 560
_PERIODS_H = (None, 1, 8, 24, 168)
_WHICH = ("all", "open", "disagreement")


@dataclass(frozen=True)
class _Found:
    """The rows of the list, as they came from the store."""

    rows: list[dict[str, Any]]

    def shown(self) -> list[dict[str, str]]:
        return [
            {
                tr("When"): local_time(row["inspected_at"]),
                tr("Part"): row["file_name"],
                tr("Verdict"): SIGNS[row["verdict"] or "unreadable"].word,
                tr("Class"): (row["defect_type"] or "").replace("_", " "),
                "z": number(row["z"]),
                tr("Decision"): SIGNS[row["decision"]].word if row["decision"] else "",
                tr("By"): row["operator"] or "",
                tr("Reason"): row["why"] or "",
            }
            for row in self.rows
        ]


def show_review() -> None:
    """Lay the page out."""
    try:
        store = station_store()
        top_bar(store)
        mode = st.segmented_control(
            tr("What to review"),
            ["find", "blind"],
            default="find",
            format_func=lambda mode: tr("Find parts") if mode == "find" else tr("Blind review"),
            required=True,
            key="review_mode",
            label_visibility="collapsed",
        )
        (_blind if mode == "blind" else _find)(store)
    except StoreError as problem:
        st.html(trouble(problem))


def _find(store: StoreReader) -> None:
    found = _Found(store.questions.review(_filter(store), NEWEST_SHOWN))
    with st.container(key="decisions"):
        hint = tr_n("the newest one", "the newest {n}", len(found.rows))
        st.html(f"<h3>{tr('Parts')} <small>{hint}</small></h3>")
        if not found.rows:
            st.html(f'<p class="quiet">{tr("No part fits these filters.")}</p>')
            return
        chosen = st.dataframe(
            found.shown(),
            hide_index=True,
            height=min(_ROW_PX * (len(found.rows) + 1), _LONGEST_PX),
            row_height=_ROW_PX,
            on_select="rerun",
            selection_mode="multi-row",
            key="review_table",
        )
    ids = [int(found.rows[row]["id"]) for row in chosen["selection"]["rows"]]
    if len(ids) == 1:
        similar_parts(store, ids[0])
    _act(store, ids)


def _filter(store: StoreReader) -> ReviewFilter:
    ask = store.questions
    with st.container(key="review_filters", horizontal=True, vertical_alignment="bottom"):
        outcome = st.selectbox(
            tr("Verdict"), [None, *OUTCOMES], format_func=_outcome_name, key="review_outcome"
        )
        kind = st.selectbox(
            tr("Class"), [None, *ask.defect_types()], format_func=_or_any, key="review_class"
        )
        strongest = st.selectbox(
            tr("Strongest part"), [None, *_parts(store)], format_func=_part_name, key="review_part"
        )
        operator = st.selectbox(
            tr("Decided by"), [None, *ask.deciders()], format_func=_or_any, key="review_operator"
        )
        period = st.selectbox(
            tr("Inspected"), _PERIODS_H, format_func=_period_name, key="review_period"
        )
        which = st.selectbox(tr("Which"), _WHICH, format_func=_which_name, key="review_which")
        name = st.text_input(tr("File or part"), key="review_name", max_chars=100)
    since = None if period is None else datetime.now(UTC) - timedelta(hours=period)
    return ReviewFilter(
        outcome=outcome,
        defect_type=kind,
        since=since,
        operator=operator,
        disagreement=which == "disagreement",
        open_only=which == "open",
        name=name.strip(),
        strongest=strongest,
    )


def _parts(store: StoreReader) -> list[str]:
    """Of the layouts of all bundles, in their order, and what lies in none."""
    named = (part for bundle in store.questions.bundles() for part in bundle.parts)
    return [*dict.fromkeys(named), "elsewhere"]


def _act(store: StoreReader, ids: list[int]) -> None:
    """What can be done with the rows that are chosen."""
    reviewer = who_may(store, "reviewer")
    with st.bottom, st.container(key="decision_bar"):
        st.html(f'<div class="status">{_said(store, ids, reviewer)}</div>')
        if signed_in(store) is None:
            with st.container(key="sign_in_field"):
                sign_in_form(store)
            return
        columns = st.columns([1.4, 2.4, 1.6, 1.6, 1.6], vertical_alignment="center")
        with columns[0]:
            if st.button(tr("Open"), disabled=len(ids) != 1, width="stretch", key="review_open"):
                step(ids[0])
                st.switch_page(st.session_state["pages"][0])
        with columns[1], st.container(key="reason_field"):
            reason = st.text_input(
                tr("Reason"),
                key="review_reason",
                max_chars=LONGEST_REASON,
                placeholder=tr("Reason (needed)"),
                label_visibility="collapsed",
            )
        for column, decision in zip(columns[2:], DECISIONS, strict=True):
            with column, st.container(key=f"decide_{decision}"):
                st.button(
                    SIGNS[decision].word,
                    key=f"review_{decision}",
                    width="stretch",
                    disabled=reviewer is None or not ids,
                    on_click=_decide_all,
                    args=(store, ids, decision, reason),
                )


def _said(store: StoreReader, ids: list[int], reviewer: OperatorRecord | None) -> str:
    notice = st.session_state.pop("review_notice", None)
    if notice is not None:
        return f'<p class="notice {notice[0]}" role="status">{text(notice[1])}</p>'
    if signed_in(store) is not None and reviewer is None:
        return f'<p class="notice">{tr("Deciding here takes the role of reviewer.")}</p>'
    return f'<p class="notice">{tr("{n} chosen", n=len(ids))}</p>'


def _decide_all(store: StoreReader, ids: list[int], decision: DecisionName, reason: str) -> None:
    reviewer = who_may(store, "reviewer")
    if reviewer is None or not ids:
        return
    if not reason.strip():
        st.session_state["review_notice"] = (
            "refused",
            tr("Say why: enter a reason, then decide."),
        )
        return
    try:
        for inspection_id in ids:
            store.record_decision(inspection_id, reviewer.name, decision, reason, reviewer.role)
    except StoreError as problem:
        st.session_state["review_notice"] = ("refused", str(problem))
        return
    word = SIGNS[decision].word
    st.session_state["review_notice"] = (
        "done",
        tr("{n} parts decided: {word}", n=len(ids), word=word),
    )
    st.session_state["review_reason"] = ""


def _blind(store: StoreReader) -> None:
    """One pass after the other, without its verdict, score or evidence."""
    open_ids = store.questions.blind_ids()
    reviewer = who_may(store, "reviewer")
    if not open_ids:
        st.html(_nothing_blind())
        return
    part = store.inspection(open_ids[0])
    evidence = store.evidence(part)
    with st.container(key="picture_card"):
        st.html(
            f"<h3>{tr('Good or defective?')} <small>"
            f"{tr('{n} wait; the verdict is not shown on purpose', n=len(open_ids))}</small></h3>"
        )
        if evidence is None:
            st.html(f'<div class="no-picture"><b>{tr("No picture")}</b></div>')
        else:
            with st.container(key="picture"):
                st.image(encode_png(evidence.picture), width="stretch", output_format="PNG")
    with st.bottom, st.container(key="decision_bar"):
        st.html(f'<div class="status">{_said(store, [part.id], reviewer)}</div>')
        if reviewer is None:
            with st.container(key="sign_in_field"):
                sign_in_form(store)
            return
        for column, decision in zip(st.columns(2), ("pass", "fail"), strict=True):
            with column, st.container(key=f"decide_{decision}"):
                st.button(
                    tr("GOOD") if decision == "pass" else tr("DEFECTIVE"),
                    key=f"blind_{decision}_{part.id}",
                    shortcut={"pass": "p", "fail": "f"}[decision],
                    width="stretch",
                    on_click=_decide_blind,
                    args=(store, part.id, decision),
                )


def _decide_blind(store: StoreReader, inspection_id: int, decision: DecisionName) -> None:
    reviewer = who_may(store, "reviewer")
    if reviewer is None:
        return
    try:
        store.record_decision(inspection_id, reviewer.name, decision, "blind review", reviewer.role)
    except StoreError as problem:
        st.session_state["review_notice"] = ("refused", str(problem))


def _nothing_blind() -> str:
    title = tr("No pass waits for blind review")
    why = tr(
        "The store draws 2 % of the passes by a seed. What reviewers find among them is where the "
        "escape rate comes from."
    )
    return f'<section class="waiting"><b>{title}</b><p>{why}</p></section>'


def _or_any(name: str | None) -> str:
    return tr("any") if name is None else name.replace("_", " ")


def _part_name(name: str | None) -> str:
    return tr("any") if name is None else part_title(name)


def _outcome_name(outcome: Outcome | None) -> str:
    return tr("any") if outcome is None else SIGNS[outcome].word


def _period_name(hours: int | None) -> str:
    return tr("any time") if hours is None else tr_n("last hour", "last {n} hours", hours)


def _which_name(which: str) -> str:
    if which == "open":
        return tr("not decided")
    return tr("disagreement") if which == "disagreement" else tr("all")

"""The page where an operator sees one part, its verdict and the evidence, and decides."""

import streamlit as st

from inspect_app.station.pieces.decision_bar import decision_bar
from inspect_app.station.pieces.head_attention import head_attention
from inspect_app.station.pieces.language import number, tr
from inspect_app.station.pieces.live_strip import line_strip
from inspect_app.station.pieces.part_bars import part_bars
from inspect_app.station.pieces.part_on_show import part_on_show
from inspect_app.station.pieces.picture_card import picture_card
from inspect_app.station.pieces.score_scale import score_scale
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.trouble import trouble
from inspect_app.station.pieces.verdict_banner import verdict_banner
from inspect_app.station.pieces.wording import short_id, text
from inspect_app.store.reader import StoreReader
from inspect_app.store.records import BundleRecord, InspectionRecord, PartEvidence
from span_train.contract.errors import StoreError


def show_part() -> None:
    """Lay the page out."""
    try:
        _show(station_store())
    except StoreError as problem:
        st.html(trouble(problem))


def _show(store: StoreReader) -> None:
    counts = store.counts()
    outcome = top_bar(store, counts)
    part_id = part_on_show(store, outcome)
    with st.container(key="line_strip"):
        line_strip(store, counts.newest_id)
    if part_id is None:
        st.html(_nothing_yet(counts.newest_id > 0))
        return
    part = store.inspection(part_id)
    decision = store.latest_decision(part_id)
    position, total = store.position(part_id, outcome), counts.of(outcome)[0]
    st.html(verdict_banner(part, decision, position, total))
    bundle, evidence = store.bundle(part.bundle_id), store.evidence(part)
    with st.container(key="main"):
        picture, numbers = st.columns([1.12, 1], gap="small")
        with picture, st.container(key="picture_card"):
            picture_card(store, part, bundle, evidence)
        numbers.html(_numbers(part, bundle, evidence))
    decision_bar(store, part_id, outcome, _facts(part, bundle))


def _numbers(part: InspectionRecord, bundle: BundleRecord, evidence: PartEvidence | None) -> str:
    """HTML of everything beside the picture, as one column that fills its height."""
    if evidence is None:
        nothing = (
            f"<b>{tr('Nothing measured')}</b><p>{tr('Look at the part itself, then decide.')}</p>"
        )
        return f'<section class="numbers"><div class="card no-picture">{nothing}</div></section>'
    assigned = [name in bundle.parts for name in bundle.heads]
    return (
        f'<section class="numbers"><div class="card">{score_scale(part)}</div>'
        f'<div class="card bars-card" style="--rows:{len(part.contributions)}">'
        f"<h3>{tr('What each part adds to z')}"
        f'<small><i class="good"></i>{tr("speaks for good")} '
        f'<i class="defect"></i>{tr("for a defect")}</small></h3>'
        f"{part_bars(part)}</div>"
        f'<div class="card heads-card"><h3>{tr("Where each head looks")}</h3>'
        f"{head_attention(evidence, bundle.heads, assigned)}</div></section>"
    )


def _facts(part: InspectionRecord, bundle: BundleRecord) -> str:
    facts = []
    if part.duplicate_of is not None:
        facts.append(tr("Same content as inspection {id}", id=part.duplicate_of))
    if part.outlier is not None:
        facts.append(_outlier(part))
    bundle_id = short_id(bundle.bundle_id)
    facts.append(tr("Bundle {name} ({id})", name=text(bundle.name), id=bundle_id))
    if part.latency_ms is not None:
        facts.append(tr("Inspected in {ms} ms", ms=number(part.latency_ms, 0)))
    return '<p class="facts">' + "".join(f"<span>{fact}</span>" for fact in facts) + "</p>"


def _outlier(part: InspectionRecord) -> str:
    found = number(part.outlier, 1)
    if part.outlier_limit is None:
        return tr("Outlier {found}", found=found)
    return tr("Outlier {found} (limit {limit})", found=found, limit=number(part.outlier_limit, 1))


def _nothing_yet(others: bool) -> str:
    if others:
        title, hint = tr("No part with this verdict"), tr("Choose other parts at the top.")
    else:
        title = tr("Waiting for the first part")
        hint = tr("Parts appear here as soon as the line has judged them.")
    return f'<section class="waiting"><b>{title}</b><p>{hint}</p></section>'

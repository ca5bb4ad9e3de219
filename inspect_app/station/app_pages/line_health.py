"""The page that tells whether the line runs: its processes, bundles, receivers and disk."""

import statistics
from datetime import UTC, datetime, timedelta

import streamlit as st

from inspect_app.reports.trouble_words import troubles
from inspect_app.station.pieces.bundle_switch import switch_form, switch_log
from inspect_app.station.pieces.language import count, in_reports, local_time, number, tr
from inspect_app.station.pieces.recent_drift import recent_drift
from inspect_app.station.pieces.store_access import station_store
from inspect_app.station.pieces.top_bar import top_bar
from inspect_app.station.pieces.trouble import trouble
from inspect_app.station.pieces.wording import short_id, text
from inspect_app.store.destinations import DestinationRecord
from inspect_app.store.line_health import FULL_BELOW_BYTES, FeedHealth, feeds_of, free_bytes
from inspect_app.store.new_labels import NewLabels
from inspect_app.store.questions import RecentWork
from inspect_app.store.reader import StoreReader
from span_train.contract.errors import StoreError

LOOK_AGAIN_S = 2
_RECENT = timedelta(hours=1)
_LABELS_COMMAND = "<code>inspect labels --store URL --out DIR</code>"


def show_health() -> None:
    """Lay the page out."""
    try:
        store = station_store()
        top_bar(store)
        _live(store)
        switch_form(store)
        drift = recent_drift(store, datetime.now(UTC))
        st.html(drift + _new_labels(store.questions.new_labels()))
    except StoreError as problem:
        st.html(trouble(problem))


@st.fragment(run_every=LOOK_AGAIN_S)
def _live(store: StoreReader) -> None:
    """What changes by itself; it looks again every two seconds."""
    feeds, now = feeds_of(store.address.assets), datetime.now(UTC)
    recent = store.questions.recent_work(now - _RECENT)
    st.html(_tiles(feeds, recent, free_bytes(store.address.assets)))
    left, right = st.columns([1.4, 1], gap="small")
    left.html("".join(_feed(feed) for feed in feeds) or _no_feed())
    right.html(_receivers(store.destinations()) + _bundles(store))
    st.html(switch_log(store))


def _tiles(feeds: list[FeedHealth], recent: RecentWork, free: int | None) -> str:
    troubled = sum(bool(troubles(feed)) for feed in feeds)
    waiting = sum(int(feed.told.get("waiting") or 0) for feed in feeds)
    p50, p95 = _quantiles(recent.took_ms)
    room = "–" if free is None else f"{number(free / 2**30, 0)} GiB"
    is_full = free is not None and free < FULL_BELOW_BYTES
    state = tr("all is well")
    if not feeds:
        state = tr("none has told of itself")
    elif troubled:
        state = tr("{n} need attention", n=troubled)
    tiles = (
        (f"{len(feeds)}", tr("processes"), state, bool(troubled)),
        (count(waiting), tr("images waiting"), tr("in watched folders"), False),
        (count(recent.inspected), tr("inspected in the last hour"), "", False),
        (p50, tr("ms an image, median"), tr("{ms} ms for 95 %", ms=p95), False),
        (room, tr("free for pictures"), tr("almost full") if is_full else "", is_full),
    )
    each = "".join(
        f'<div class="tile{" bad" if bad else ""}"><div><b>{value}</b><span>{title}</span></div>'
        f"<em>{about}</em></div>"
        for value, title, about, bad in tiles
    )
    return f'<section class="tiles">{each}</section>'


def _quantiles(took: list[float]) -> tuple[str, str]:
    if len(took) < 2:
        return "–", "–"
    cuts = statistics.quantiles(took, n=20, method="inclusive")
    return number(cuts[9], 0), number(cuts[18], 0)


def _feed(feed: FeedHealth) -> str:
    told, wrong_now = feed.told, troubles(feed, in_reports())
    wrong = "".join(
        f"<li><b>{text(what)}</b><span>{text(todo)}</span></li>" for what, todo in wrong_now
    )
    last = told.get("last_image") or {}
    rows = (
        (tr("Folder"), str(told.get("folder", ""))),
        (tr("Machine"), f"{told.get('host', '')} · {told.get('pid', '')}"),
        (tr("Bundle"), str(told.get("bundle", ""))),
        (tr("Runs on"), f"{told.get('provider', '')}; {told.get('events', '')}"),
        (tr("Running since"), _moment(told.get("started_at"))),
        (
            tr("Inspected"),
            tr(
                "{n}, {unreadable} unreadable",
                n=told.get("inspected", 0),
                unreadable=told.get("unreadable", 0),
            ),
        ),
        (tr("Waiting"), str(told.get("waiting", 0))),
        (tr("Last image"), f"{last.get('name', '–')} {last.get('outcome', '')}"),
        (tr("Last error"), str((told.get("last_error") or {}).get("text", tr("none")))),
    )
    state = _state(str(told.get("state", "")))
    sign, seconds = "bad" if wrong_now else "well", number(max(feed.silent_s, 0), 0)
    return (
        f'<section class="card feed {sign}"><h3>{text(state)}'
        f"<small>{tr('told {seconds} s ago', seconds=seconds)}</small></h3>"
        f"{f'<ul>{wrong}</ul>' if wrong else ''}<table>"
        + "".join(f"<tr><td>{title}</td><td>{text(value)}</td></tr>" for title, value in rows)
        + "</table></section>"
    )


def _receivers(receivers: list[DestinationRecord]) -> str:
    if not receivers:
        return ""
    rows = "".join(
        f"<tr><td>{text(one.address)}</td><td>{tr('{n} waiting', n=one.waiting)}</td>"
        f"<td>{text(one.trouble or tr('takes everything'))}</td></tr>"
        for one in receivers
    )
    title = f"{tr('Told in the plant')}<small>{tr('MQTT and webhooks')}</small>"
    return f'<section class="card report"><h3>{title}</h3><table>{rows}</table></section>'


def _bundles(store: StoreReader) -> str:
    rows = "".join(
        f"<tr><td>{text(one.name)}<br><code>{short_id(one.bundle_id)}</code></td>"
        f"<td>{', '.join(text(part) for part in one.parts)}</td>"
        f"<td>{tr('since {when}', when=local_time(one.registered_at))}</td></tr>"
        for one in store.questions.bundles()
    )
    title = f"{tr('Bundles')}<small>{tr('that inspected into this store')}</small>"
    return f'<section class="card report"><h3>{title}</h3><table>{rows}</table></section>'


def _moment(told: object) -> str:
    try:
        return local_time(datetime.fromisoformat(str(told)))
    except ValueError:
        return "–"


def _new_labels(labels: NewLabels) -> str:
    """What has gathered for the next training, and whether that is worth it."""
    gathered = tr(
        "{good} good, {defective} defective; the line had judged {surprising} of them otherwise.",
        good=labels.good,
        defective=labels.defective,
        surprising=labels.surprising,
    )
    if labels.is_worth_it:
        advice = tr("A new training is worth it: {command}.", command=_LABELS_COMMAND)
    else:
        advice = tr("Too few yet for a new training to gain from.")
    title = f"{tr('New labels')}<small>{tr('decided since the last export')}</small>"
    return (
        f'<section class="card report"><h3>{title}</h3><p>{gathered}</p>'
        f'<p class="quiet">{advice}</p></section>'
    )


def _state(state: str) -> str:
    words = {
        "starting": tr("starting"),
        "watching": tr("watching"),
        "store refuses": tr("store refuses"),
        "folder is missing": tr("folder is missing"),
        "stopped": tr("stopped"),
    }
    return words.get(state, state)


def _no_feed() -> str:
    how = tr(
        "Start {command}; it tells here how it is.",
        command="<code>inspect watch FOLDER --bundle BUNDLE --store URL</code>",
    )
    title = tr("No process feeds this store")
    return f'<section class="card"><h3>{title}</h3><p class="quiet">{how}</p></section>'

"""Whether the last hour's images and readings are still like those the bundle began with."""

from datetime import datetime, timedelta

from inspect_app.reports.drift import REFERENCE_PARTS, SAMPLE_PARTS, drifts
from inspect_app.reports.html_row import html_row
from inspect_app.reports.report_words import drift_head, drift_rows
from inspect_app.station.pieces.language import in_reports, tr
from inspect_app.station.pieces.wording import text
from inspect_app.store.line_health import feeds_of
from inspect_app.store.period import Period
from inspect_app.store.reader import StoreReader

_LATELY = timedelta(hours=1)


def recent_drift(store: StoreReader, now: datetime) -> str:
    """HTML of one table for each bundle that a running watch uses; nothing where none runs."""
    running = {
        str(feed.told["bundle_id"]): str(feed.told.get("bundle", ""))
        for feed in feeds_of(store.address.assets)
        if not feed.is_silent and "bundle_id" in feed.told
    }
    return "".join(_table(store, now, *bundle) for bundle in running.items())


def _table(store: StoreReader, now: datetime, bundle_id: str, name: str) -> str:
    begin, end = now - _LATELY, now + timedelta(minutes=1)
    ask = store.questions
    recent = max(1, ask.recent_work(begin).inspected)
    sample = ask.sample_of(Period([begin, end]), bundle_id, min(1.0, SAMPLE_PARTS / recent))
    found = drifts(ask.first_of(bundle_id, end, REFERENCE_PARTS), sample)
    rows = [html_row(cells) for cells in drift_rows(found, in_reports())]
    head = [*drift_head(in_reports())]
    head[2] = tr("in the last hour")
    said = f"<p>{tr('Too few images in the last hour to tell.')}</p>"
    if rows:
        said = f"<table>{html_row(tuple(head), 'th')}{''.join(rows)}</table>"
    title = f"{tr('Drift')}<small>{text(name)}</small>"
    return f'<section class="card report"><h3>{title}</h3>{said}</section>'

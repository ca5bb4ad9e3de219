"""How the pages beside *Inspect* look: tables, tiles, processes, and what is asked there."""

PAGES = """/* History */
.tiles { display: flex; gap: var(--gap); }
.tile { flex: 1; display: flex; align-items: center; gap: 16px; background: var(--panel);
  border: 1px solid var(--line); border-radius: 12px; padding: 14px 20px; }
.tile img { height: 44px; }
.tile div { display: flex; flex-direction: column; flex: 1; }
.tile b { font-size: 32px; line-height: 1.1; font-variant-numeric: tabular-nums; }
.tile span { font-size: 14px; letter-spacing: .05em; color: #cfdae3; }
.tile em { font-style: normal; font-size: 15px; color: var(--quiet); }
.agreement table { width: 100%; border-collapse: collapse; font-size: 16px;
  font-variant-numeric: tabular-nums; }
.agreement th, .agreement td { padding: 12px 10px; text-align: right; border: 0;
  border-top: 1px solid var(--line); }
.agreement tr:first-child th { border-top: 0; color: var(--quiet); font-size: 14px;
  font-weight: 500; }
.agreement th:first-child { text-align: left; font-weight: 500; color: #cfdae3; }
.agreement td { font-size: 20px; font-weight: 600; }
.agreement td.same { color: #7fe0b7; }
.agreement td.none { color: #5b6a78; font-weight: 400; }
.agreement + p { margin-top: 8px; }

/* Shift report and line health */
.st-key-shift_charts { background: var(--panel); border: 1px solid var(--line);
  border-radius: 12px; padding: 11px 16px; }
.st-key-shift_choice [data-testid=stDownloadButton] button, .st-key-bundle_switch button,
.st-key-review_mode button { min-height: 48px; }
[data-testid=stSelectbox] div:has(input) { min-height: 50px; }
[data-testid=stSelectbox] input { height: 48px; }
[data-testid=stSelectbox] button { min-height: 48px; min-width: 48px; }
.st-key-review_filters [data-testid=stTextInputRootElement] { height: 50px; }
.report table, .feed table { width: 100%; border-collapse: collapse; font-size: 15px;
  font-variant-numeric: tabular-nums; }
.report td, .report th, .feed td { text-align: left; padding: 7px 10px 7px 0; border: 0;
  border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.report th { color: var(--quiet); font-weight: 500; }
.report td:first-child { font-weight: 600; }
.report td:nth-child(3), .report td:last-child { color: var(--quiet); }
.report + .report, .feed + .feed { margin-top: var(--gap); }
.report.quiet p { font-size: 13px; overflow-wrap: anywhere; }
.feed td:first-child { color: var(--quiet); width: 130px; }
.feed.bad { border-color: var(--fail); }
.feed.well h3::before { content: "●"; color: #16a06d; margin-right: 8px; }
.feed.bad h3::before { content: "▲"; color: #ff8080; margin-right: 8px; }
.feed h3 { justify-content: flex-start; text-transform: capitalize; }
.feed h3 small { margin-left: auto; text-transform: none; }
.feed ul { list-style: none; margin: 0 0 10px; padding: 0; }
.feed li { display: flex; flex-direction: column; background: #3a1518; border-radius: 8px;
  padding: 8px 14px; margin-bottom: 6px; font-size: 16px; }
.feed li span { color: #f1c6c8; font-size: 15px; }
.tile.bad { border-color: var(--fail); }
.tile.bad b, .tile.bad em { color: #ff8080; }
.st-key-bundle_switch { background: var(--panel); border: 1px solid var(--line);
  border-radius: 12px; padding: 11px 16px; }
.st-key-bundle_switch [data-testid=stTextInputRootElement] { height: 50px; }
.st-key-bundle_switch .notice { white-space: normal; }
.st-key-similar { background: var(--panel); border: 1px solid var(--line); border-radius: 12px;
  padding: 11px 16px; }
.switches td:nth-child(2) { white-space: nowrap; }
.st-key-similar img { max-height: 26vh; object-fit: contain; }
.similar-part { display: flex; flex-direction: column; gap: 2px; font-size: 14px; min-width: 0; }
.similar-part b { display: flex; align-items: center; gap: 6px; font-size: 16px; }
.similar-part b img { height: 18px; }
.similar-part small { color: var(--quiet); font-weight: 400; margin-left: auto; }
.similar-part span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.similar-part em { font-style: normal; color: var(--quiet); overflow-wrap: anywhere; }
"""

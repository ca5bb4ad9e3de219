"""Colours, sizes and distances of the station: dark, calm, and readable across the line."""

from inspect_app.station.pieces.page_style import PAGES

THEME = {
    "base": "dark",
    "primaryColor": "#3d8fd6",
    "backgroundColor": "#10151a",
    "secondaryBackgroundColor": "#222b35",
    "textColor": "#eef3f7",
    "borderColor": "#384552",
    "baseRadius": "8px",
    "baseFontSize": "16",
}

_STATION = """<style>
:root {
  --panel: #1b222a; --line: #2f3a45; --quiet: #9fb0bf; --text: #eef3f7;
  --pass: #0b7f56; --recheck: #ffb31a; --fail: #c4262e; --unreadable: #566473;
  --defect: #ff8a3d; --good: #4aa8d8;
  --gap: 10px; --banner: 132px; --bar: 34px; --thumb: 100px; --button: 60px;
  --main: calc(100vh - 324px);
  --picture: calc(var(--main) - 83px);
}
@media (max-height: 940px) {
  :root { --gap: 8px; --banner: 96px; --bar: 26px; --thumb: 62px; --button: 52px;
    --main: calc(100vh - 276px); --picture: calc(var(--main) - 79px); }
  :root:has(.line-state) { --main: calc(100vh - 334px); }
}
@media (max-width: 1500px) {
  .brand span, .legend { display: none !important; }
  .st-key-top_bar [data-testid=stPageLink] a { padding: 0 8px !important; }
  .st-key-top_bar [data-testid=stButtonGroup] button { padding: 0 9px !important; }
  .progress { min-width: 100px !important; }
}
/* The frame Streamlit puts around a page */
[data-testid=stHeader], [data-testid=stToolbar], [data-testid=stDecoration],
[data-testid=stElementToolbar], [data-testid=stSidebar],
[data-testid=stSidebarCollapsedControl] { display: none !important; }
[data-testid=stMainBlockContainer] { padding: 8px 20px 0 !important; max-width: none !important; }
[data-testid=stMainBlockContainer] [data-testid=stVerticalBlock] { gap: var(--gap); }
[data-testid=stBottomBlockContainer] { padding: 0 20px 12px !important;
  max-width: none !important; }
[data-testid=stBottom] > div { background: #161c23; border-top: 1px solid var(--line); }
.stElementContainer:has(> .stHtml > script) { display: none; }
.stHtml p, .stHtml h3 { margin: 0; line-height: 1.3; }
.stHtml h3 { font-size: 15px; font-weight: 600; letter-spacing: .01em; padding: 0 0 6px;
  display: flex; justify-content: space-between; align-items: baseline; color: #cfdae3; }
.stHtml h3 small { font-weight: 400; font-size: 13px; color: var(--quiet); }
.quiet { color: var(--quiet); }

/* Top bar */
.st-key-top_bar { min-height: 48px; gap: 10px !important; }
.brand { font-size: 18px; font-weight: 700; white-space: nowrap; display: flex;
  align-items: center; gap: 10px; padding-right: 8px; }
.brand i { width: 18px; height: 18px; border-radius: 50%; border: 5px solid #3d8fd6; }
.st-key-top_bar [data-testid=stPageLink] a { min-height: 48px; min-width: 48px;
  justify-content: center; padding: 0 14px;
  border-radius: 8px; }
.st-key-top_bar [data-testid=stPageLink] p { font-size: 16px; white-space: nowrap; }
.st-key-top_bar [data-testid=stButtonGroup] button { min-height: 48px; padding: 0 16px; }
.st-key-top_bar [data-testid=stButtonGroup] p { font-size: 16px;
  font-variant-numeric: tabular-nums; }
.who { display: flex; flex-direction: column; align-items: flex-end; font-size: 16px;
  line-height: 1.15 !important; white-space: nowrap; max-width: 220px; }
.who b { overflow: hidden; text-overflow: ellipsis; max-width: 220px; }
.who span, .who.nobody { color: var(--quiet); font-size: 14px; }
.st-key-sign_out button, .st-key-next_language button { min-height: 48px; padding: 0 14px; }
.progress { min-width: 150px; font-size: 14px; color: var(--quiet); padding: 0 8px;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.progress i { display: block; height: 6px; border-radius: 3px; background: #2c3641;
  margin-top: 5px; }
.progress b { display: block; height: 100%; border-radius: 3px; background: #3d8fd6; }

/* Verdict */
.verdict { display: flex; height: var(--banner); border-radius: 12px; overflow: hidden;
  background: var(--panel); border: 1px solid var(--line); }
.verdict-word { display: flex; align-items: center; gap: 20px; padding: 0 24px;
  width: calc(var(--banner) * 4.35); flex: none; }
.verdict-word img { height: 66%; flex: none; }
.verdict-word b { font-size: calc(var(--banner) * .64); line-height: 1; font-weight: 800;
  letter-spacing: .01em; }
.verdict-unreadable .verdict-word b { font-size: calc(var(--banner) * .46); }
.verdict-pass .verdict-word { background: var(--pass); color: #fff; }
.verdict-recheck .verdict-word { background: var(--recheck); color: #1a1200; }
.verdict-fail .verdict-word { background: var(--fail); color: #fff; }
.verdict-unreadable .verdict-word { background: var(--unreadable); color: #fff; }
.verdict-why { flex: 1; min-width: 0; padding: 0 26px; display: flex; flex-direction: column;
  justify-content: center; gap: 5px; }
.verdict-why .headline { font-size: calc(var(--banner) * .08 + 14.5px); line-height: 1.25;
  overflow: hidden; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
.verdict-why .reason { font-size: 16px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; color: #cfdae3; }
.decided { display: flex; align-items: center; gap: 8px; font-size: 16px; white-space: nowrap;
  overflow: hidden; }
.decided img { height: 22px; }
.decided q { color: var(--quiet); overflow: hidden; text-overflow: ellipsis; }
.decided.open { color: var(--quiet); }
.verdict-which { padding: 0 20px; max-width: 22%; min-width: 190px; flex: none; display: flex;
  flex-direction: column;
  justify-content: center; gap: 1px; text-align: right; border-left: 1px solid var(--line); }
.verdict-which p { white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  font-size: 15px; }
.verdict-which .position { font-size: 26px; font-weight: 700; font-variant-numeric: tabular-nums; }
.verdict-which .file { font-size: 16px; }

/* Cards */
.numbers { display: flex; flex-direction: column; gap: var(--gap); height: var(--main); }
.numbers > .card { flex: none; }
.numbers > .no-picture { flex: 1; }
.numbers > .bars-card { flex: 1 1 calc(var(--rows) * 25px + 76px); min-height: 0; display: flex;
  flex-direction: column; }
.numbers > .heads-card { flex: 0 1000 auto; min-height: calc(var(--thumb) + 74px); display: flex;
  flex-direction: column; }
.st-key-picture_card { min-height: var(--main); }
.card, .st-key-picture_card, .st-key-decisions { background: var(--panel);
  border: 1px solid var(--line); border-radius: 12px; padding: 11px 16px; }

/* Picture */
.st-key-picture_tools { gap: 8px !important; }
.st-key-picture_tools button { min-height: 48px; padding: 0 10px; }
.st-key-picture_tools button p { white-space: nowrap; }
.st-key-picture { height: var(--picture); }
.st-key-picture div { width: 100% !important; }
.st-key-picture > div { flex: 1 1 0 !important; min-width: 0 !important; }
.st-key-picture img { height: var(--picture) !important; width: 100% !important;
  object-fit: contain; background: #0b0f13; border-radius: 8px; }
.legend { display: flex; align-items: center; gap: 8px; justify-content: flex-end;
  font-size: 14px; color: var(--quiet); white-space: nowrap; }
.legend i { width: 90px; height: 10px; border-radius: 5px;
  background: linear-gradient(90deg, #ffe15a, #ffa01e 35%, #e8301c 70%, #960026); }
.no-picture, .waiting, .trouble { display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 8px; min-height: calc(var(--main) - 30px); flex: 1;
  font-size: 18px; color: var(--quiet); }
.no-picture b, .waiting b, .trouble b { font-size: 30px; color: var(--text); }
.trouble b { color: #ff6b6b; }

/* Score */
.scale-top { position: relative; height: calc(var(--bar) + 18px); }
.scale-top.title-right h3 { justify-content: flex-end; }
.scale-top .z { position: absolute; bottom: 14px; transform: translateX(-50%); font-size: 34px;
  line-height: 1; font-weight: 800; font-variant-numeric: tabular-nums; }
.scale-top .z { white-space: nowrap; }
.scale-top .at-end { transform: translateX(-100%); padding-left: 0; margin-left: 5px; }
.scale-top .at-start { transform: none; margin-left: -5px; }
.scale-bar { position: relative; height: var(--bar); }
.zones { position: absolute; inset: 0; border-radius: 6px; overflow: hidden; }
.zone { position: absolute; top: 0; bottom: 0; display: flex; align-items: center; padding: 0 12px;
  justify-content: center; font-size: 13px; font-weight: 700; letter-spacing: .06em; }
.zone-pass { justify-content: flex-start; }
.zone-fail, .word-right { justify-content: flex-end; }
.word-left { justify-content: flex-start; }
.zone-pass { background: var(--pass); color: #d9fff0; }
.zone-recheck { background: var(--recheck); color: #3a2900; }
.zone-fail { background: var(--fail); color: #ffe0e0; }
.z-mark { position: absolute; top: -4px; bottom: -6px; width: 6px; margin-left: -3px;
  background: #fff; border-radius: 3px; box-shadow: 0 0 0 2px #10151a; }
.z-mark::before { content: ''; position: absolute; left: -6px; top: -6px;
  border: 9px solid transparent;
  border-top: 12px solid #fff; border-bottom: 0; }
.typical { position: absolute; top: 0; bottom: 0; width: 0; border-left: 3px dotted #ffffffb0; }
.scale-ticks { position: relative; height: 20px; margin-top: 6px; font-size: 14px;
  line-height: 20px; color: var(--quiet);
  font-variant-numeric: tabular-nums; }
.tick { position: absolute; white-space: nowrap; padding: 0 6px; }
.tick.middle { transform: translateX(-50%); }

/* Bars */
.bars { flex: 1; min-height: 0; overflow-y: auto; display: grid; gap: 2px 14px;
  grid-template-columns: fit-content(36%) 1fr auto; grid-auto-rows: minmax(23px, 48px);
  align-content: space-evenly; }
.bar { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center;
  font-size: 16px; line-height: 1.2; }
.bar-name { text-align: right; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  color: #cfdae3; }
.bar-value { text-align: right; font-variant-numeric: tabular-nums; color: #cfdae3; }
.track { position: relative; height: clamp(16px, 72%, 28px); background:
  linear-gradient(#5b6a78, #5b6a78) var(--zero) 0 / 2px 100% no-repeat, #242d37;
  border-radius: 4px; }
.track i { position: absolute; top: 3px; bottom: 3px; border-radius: 3px; }
.defect { background: var(--defect); }
.good { background: var(--good); }
.strongest .bar-name, .strongest .bar-value { color: #fff; font-weight: 700; }
h3 small i { display: inline-block; width: 12px; height: 12px; border-radius: 3px;
  margin: 0 6px 0 12px; vertical-align: -1px; }
.sum { display: flex; justify-content: flex-end; gap: 22px; font-size: 14px; color: var(--quiet);
  padding-top: 8px; font-variant-numeric: tabular-nums; }
.sum b { color: var(--text); font-weight: 600; }

/* Heads */
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(76px, 1fr)); gap: 8px;
  min-height: 0; overflow-y: auto; }
.heads figure { margin: 0; min-width: 0; }
.heads img { width: 100%; height: var(--thumb); object-fit: contain; border-radius: 6px;
  display: block;
  background: #0b0f13; }
.heads figcaption { font-size: 14px; text-align: center; padding-top: 4px; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }
.heads .free figcaption { color: var(--quiet); font-style: italic; }
.status { display: flex; justify-content: space-between; align-items: center; gap: 24px;
  height: 34px; }
.facts { display: flex; gap: 22px; font-size: 14px; color: var(--quiet); white-space: nowrap; }

/* The line */
.line-state { display: flex; align-items: center; gap: 20px; height: 50px; padding: 0 24px;
  border-radius: 10px; font-size: 18px; background: #3b2b05; border: 2px solid #d99a1b;
  color: #ffd27a; }
.line-state b { font-size: 28px; white-space: nowrap; }
.line-state.stopped { background: #4a0d11; border-color: #d9464d; color: #ffc9c9; }
:root:has(.line-state) { --main: calc(100vh - 384px); }
.st-key-line_strip:has(.line-well),
[data-testid=stLayoutWrapper]:has(> .st-key-line_strip .line-well) { position: absolute;
  height: 0; }
.queue { display: flex; align-items: center; gap: 14px; font-size: 15px; min-width: 0;
  overflow: hidden; white-space: nowrap; }
.queue span { display: flex; align-items: center; gap: 5px; color: #cfdae3; }
.queue img { height: 18px; }

/* Decisions */
.st-key-decision_bar, .st-key-decision_bar [data-testid=stVerticalBlock] { gap: 2px; }
.notice { font-size: 16px; min-width: 0; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.notice.done { color: #7fe0b7; }
.notice.refused { color: #ffd27a; font-weight: 600; background: #3b2b05; border-radius: 6px;
  padding: 3px 12px; border: 1px solid #8a6414; }

.st-key-decision_bar button { min-height: var(--button); }
.st-key-decision_bar button p { font-size: 16px; }
[class*=st-key-decide_] button { background: #1b222a; border-width: 2px; }
[class*=st-key-decide_] button p { font-size: 21px; font-weight: 800; letter-spacing: .03em; }
[class*=st-key-decide_] button [data-testid=stIconMaterial] { font-size: 28px; }
.st-key-decide_pass button { border-color: #16a06d; color: #4fd9a2; }
.st-key-decide_recheck button { border-color: #d99a1b; color: #ffc24a; }
.st-key-decide_fail button { border-color: #d9464d; color: #ff8080; }
.st-key-decide_pass button:is(:hover, :active, :focus-visible) { background: var(--pass);
  border-color: var(--pass); color: #fff; }
.st-key-decide_recheck button:is(:hover, :active, :focus-visible) { background: var(--recheck);
  border-color: var(--recheck); color: #1a1200; }
.st-key-decide_fail button:is(:hover, :active, :focus-visible) { background: var(--fail);
  border-color: var(--fail); color: #fff; }
.st-key-reason_field [data-testid=stTextInputRootElement] { height: var(--button); }
.st-key-reason_field input { font-size: 16px; height: 100%; }

/* Sign in */
.st-key-sign_in_field [data-testid=stTextInputRootElement] { height: var(--button);
  border-color: var(--recheck) !important; }
.st-key-sign_in_field input { font-size: 19px; height: 100%; }
.st-key-sign_in_field button[kind=primaryFormSubmit] { white-space: nowrap; }
.st-key-sign_in_field [data-testid=InputInstructions] { display: none; }
.st-key-sign_in_field [data-testid=stTextInputRootElement] button { display: none; }
.nobody-yet { font-size: 16px; padding: 6px 0; }
"""

STYLE = f"{_STATION}{PAGES}</style>"

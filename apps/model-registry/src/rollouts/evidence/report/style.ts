/** Of the report's page. Colours that the colour-blind can tell apart (Okabe and Ito), in light and in dark. */
export const STYLE = `
:root{color-scheme:light dark;--text:#1c2430;--soft:#5b6675;--page:#fff;--card:#f6f7f9;--rule:#dfe3e8;--champion:#0072b2;--candidate:#d55e00;--good:#00734d;--bad:#b3261e;--wait:#6b7280}
@media(prefers-color-scheme:dark){:root{--text:#e7eaee;--soft:#9aa5b4;--page:#12161c;--card:#1b2129;--rule:#2f3742;--champion:#56b4e9;--candidate:#e69f00;--good:#4cc38a;--bad:#ff8a80;--wait:#9aa5b4}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:32px 20px 64px;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:26px;line-height:1.25}h2{margin:40px 0 4px;font-size:18px}p{margin:4px 0 12px;max-width:75ch}
.soft,.tick,.axis{color:var(--soft);fill:var(--soft)}
.badge{display:inline-block;margin-left:8px;padding:2px 10px;border-radius:999px;background:var(--card);border:1px solid currentColor;font-size:13px;font-weight:600;vertical-align:middle}
.good{color:var(--good)}.bad{color:var(--bad)}.wait{color:var(--wait)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:24px 0 0}
.card{padding:12px 16px;border-radius:8px;background:var(--card)}.card b{display:block;font-size:22px;line-height:1.3}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(480px,100%),1fr));gap:24px}
figure{margin:0}figcaption{margin:0 0 4px;font-weight:600}
svg{width:100%;height:auto;display:block}.tick,.axis{font-size:15px}.mark{font-size:14px;fill:var(--soft)}
.grid{stroke:var(--rule)}.base{stroke:var(--soft)}.zero{stroke:var(--soft);stroke-dasharray:3 3}.limit{stroke:var(--bad);stroke-dasharray:6 4;stroke-width:1.5}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.line.champion{stroke:var(--champion)}.line.candidate{stroke:var(--candidate)}
.fill{opacity:.18}.fill.champion{fill:var(--champion)}.fill.candidate{fill:var(--candidate)}.band{fill:var(--candidate);opacity:.2}.bar{fill:var(--candidate);opacity:.75}
.key{font-weight:600}.key.champion{color:var(--champion)}.key.candidate{color:var(--candidate)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}th,td{padding:6px 10px;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.whole{white-space:nowrap}code{font:13px ui-monospace,monospace}
`;

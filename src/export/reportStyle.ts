/** The style sheet of the run report: one page, light and dark by the reader's preference, printable. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2430;--soft:#5a6675;--line:#d6dce4;--card:#f5f7fa;--c0:#b4232a;--c1:#1d6fb8;--c2:#8a5a00;--c3:#2f7d43;--c4:#7a3fa0}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e6eaf0;--soft:#9aa7b6;--line:#323b47;--card:#1a2029;--c0:#ff7b80;--c1:#6cb6ff;--c2:#e3b341;--c3:#6fce86;--c4:#c99bf0}}
*{box-sizing:border-box}body{margin:0 auto;padding:24px 16px 64px;max-width:1000px;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,sans-serif;overflow-wrap:break-word}
h1{font-size:1.7rem;margin:0 0 4px}h2{font-size:1.25rem;margin:36px 0 8px}p,ul{margin:8px 0}small,figcaption,caption{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:8px 0}caption{text-align:left;padding:4px 0}th,td{border-bottom:1px solid var(--line);padding:6px 8px;text-align:left;vertical-align:top}td{overflow-wrap:anywhere}th[scope=row]{min-width:8.5rem}td.num{font-variant-numeric:tabular-nums;min-width:9rem}
.scroll{overflow-x:auto}figure{margin:16px 0;padding:12px;background:var(--card);border-radius:8px}svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font:11px system-ui,sans-serif}.grid{stroke:var(--line)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.9rem}.legend i{display:inline-block;width:14px;height:4px;margin-right:6px;vertical-align:middle}
${[0, 1, 2, 3, 4].map((i) => `.s${i}{stroke:var(--c${i});stroke-width:2}.f${i}{fill:var(--c${i})}.b${i}{background:var(--c${i})}`).join('')}
details{margin:8px 0;padding:8px 12px;background:var(--card);border-radius:8px}summary{cursor:pointer}summary:focus-visible{outline:2px solid var(--c1);outline-offset:2px}.pair{display:grid;grid-template-columns:1fr 1fr;gap:12px}@media (max-width:600px){.pair{grid-template-columns:1fr}}
.answer{white-space:pre-wrap;margin:4px 0}.tag{font-size:.85rem;border:1px solid currentColor;border-radius:999px;padding:0 8px}
@media print{details{break-inside:avoid}}
`;

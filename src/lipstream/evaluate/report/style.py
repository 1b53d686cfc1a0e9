"""Nothing in, the style sheet of the evaluation's page out: light and dark, legible in print and on a telephone."""

from lipstream.evaluate.report import svg

_PAGE = """
:root { color-scheme: light dark; --paper: #ffffff; --panel: #f4f5f7; --ink: #16181d; --soft: #5a6270; --line: #dde0e6;
  --pass: #0a6b3d; --pass-paper: #e3f4ea; --miss: #a8201a; --miss-paper: #fce8e6; --link: #0b57a8; --heat: 0%;
  --c0: #0b62b5; --c1: #c4500c; --c2: #1a7f4b; --c3: #8a3fb0; --c4: #7a6200; --c5: #b0195f; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --panel: #1d2026; --ink: #e8eaee; --soft: #a4acba;
  --line: #343943; --pass: #6fd39c; --pass-paper: #12301f; --miss: #ff9d94; --miss-paper: #3b1613; --link: #7db8f5;
  --c0: #6db3f8; --c1: #f79a5b; --c2: #66cf97; --c3: #cc93ec; --c4: #dcc04c; --c5: #f57fb4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: 1.9rem; } h2 { margin: 2.5rem 0 0.75rem; font-size: 1.35rem; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 1.05rem; } header p { margin: 0.25rem 0 1rem; color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; border-block: 1px solid var(--line); padding: 0.5rem 0; }
a { color: var(--link); } a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.verdict { display: inline-block; margin: 0; padding: 0.35rem 0.9rem; border-radius: 0.5rem; font-weight: 600; }
.verdict.pass, .tiles .pass { background: var(--pass-paper); }
.verdict.miss, .tiles .miss { background: var(--miss-paper); }
.pass .word, td.pass, .verdict.pass { color: var(--pass); } .miss .word, td.miss, .verdict.miss { color: var(--miss); }
td.miss, .miss .word { font-weight: 600; }
.tiles { list-style: none; margin: 1rem 0; padding: 0; display: grid; gap: 0.6rem;
  grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
.tiles li { border-radius: 0.5rem; padding: 0.6rem 0.8rem; }
.tiles .name, .tiles .word { display: block; font-size: 0.85rem; overflow-wrap: anywhere; }
.tiles strong { font-size: 1.4rem; font-variant-numeric: tabular-nums; } .tiles .bar { color: var(--soft); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; min-width: 60%; }
th, td { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th, thead .number { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
tbody th { font-weight: 400; }
td:nth-child(4), .data td:first-child { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.heat { background: color-mix(in srgb, var(--c0) calc(var(--heat) * 0.6), transparent); padding-inline: 0.5rem; }
figure { margin: 1.25rem 0; } figcaption { font-weight: 600; margin-bottom: 0.35rem; }
.sheet { display: grid; gap: 0.5rem; } .sheet figure { margin: 0; } .sheet img { width: 100%; display: block; }
.sheet figcaption { font-weight: 400; font-size: 0.8rem; color: var(--soft); }
.sheet.small { grid-template-columns: repeat(8, minmax(0, 1fr)); }
.sheet.close { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
@media (max-width: 45rem) { .sheet.small { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
video { width: 100%; background: #000; border-radius: 0.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.25rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
"""

STYLE = _PAGE + svg.STYLE
"""The whole style sheet."""

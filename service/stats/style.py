"""How the page looks: by day and by night, on a wide screen and on a phone."""

CSS = """
:root {
  color-scheme: light dark;
  --ground: #fff; --text: #1b1f24; --soft: #586069; --line: #d5dae0; --card: #f4f6f8; --link: #0b5cad;
  --c0: #0b66b0; --c1: #b36b00; --c2: #00795a; --c3: #b04a86; --c4: #6a51c4; --c5: #c0430f; --c6: #737b83;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --text: #e6e9ec; --soft: #9aa4ae; --line: #343b42; --card: #1d2226; --link: #74b6f2;
    --c0: #5aa9e6; --c1: #f0b24a; --c2: #3fc59c; --c3: #e58fc0; --c4: #a99af0; --c5: #f58a5b; --c6: #8b949d;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, "Noto Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .25rem 0 1rem; }
a { color: var(--link); }
.soft, figcaption, dt { color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
dl div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
dt { font-size: .85rem; }
dt::first-letter { text-transform: uppercase; }
dd { margin: 0; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .85rem; color: var(--soft); }
figure { margin: 1.5rem 0; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: .4rem 0 .8rem; padding: 0;
  font-size: .85rem; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: .15em; margin-inline-end: .4em; }
.plot { display: grid; grid-template-columns: auto 1fr; gap: .3rem .6rem; }
.plot svg { width: 100%; height: 12rem; display: block; }
.scale, .axis { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; line-height: 1rem;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.scale { flex-direction: column; text-align: end; margin: -.5rem 0; }
.axis { grid-column: 2; }
line { stroke: var(--line); stroke-width: 1px; vector-effect: non-scaling-stroke; }
.spark { width: 9rem; height: 1.5rem; display: block; }
summary { cursor: pointer; color: var(--soft); font-size: .85rem; margin-top: .6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .35rem .7rem .35rem 0; text-align: end; vertical-align: top; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }
thead th { color: var(--soft); font-weight: normal; vertical-align: bottom; white-space: nowrap; }
th[scope=row], th.words, td.words { text-align: start; }
th[scope=row] { font-weight: normal; white-space: nowrap; }
td.source, th.said { min-width: 15rem; max-width: 32rem; }
th.said[scope=row] { white-space: normal; text-align: start; }
code { font-size: .8rem; color: var(--soft); overflow-wrap: anywhere; }
.s0 { fill: var(--c0); background: var(--c0); } .s1 { fill: var(--c1); background: var(--c1); }
.s2 { fill: var(--c2); background: var(--c2); } .s3 { fill: var(--c3); background: var(--c3); }
.s4 { fill: var(--c4); background: var(--c4); } .s5 { fill: var(--c5); background: var(--c5); }
.s6 { fill: var(--c6); background: var(--c6); }
"""

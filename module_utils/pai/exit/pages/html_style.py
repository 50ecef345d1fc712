# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page of a failure looks: light or dark as the reader's system is, wide or narrow."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1b1f24; --soft: #59636e;
  --line: #d8dde3; --hit: #fff3c4; --mark: #ffd54a; --mark-text: #1b1f24; --bad: #b42318;
  --start: #2563b8; --command: #7a3fb0; --exit: #0f766e; }
@media (prefers-color-scheme: dark) { :root { --back: #0f1318; --card: #181e25; --text: #e6eaef;
  --soft: #9aa6b2; --line: #303944; --hit: #3b3110; --mark: #e0b020; --mark-text: #14181d;
  --bad: #ff8a7a; --start: #6ba6f5; --command: #bd8df0; --exit: #4fc7b8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
h1 { margin: .1rem 0 .6rem; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
h3 { margin: 1rem 0 .4rem; font-size: .9rem; color: var(--soft); font-weight: 600;
  overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem 1.1rem; margin-top: 1rem; overflow-wrap: anywhere; }
section.bad { border-left: .35rem solid var(--bad); }
.verdict p { margin: 0 0 .7rem; white-space: pre-line; }
.verdict p.reason { font-size: 1.1rem; }
.chips { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; padding: 0; list-style: none; }
.chips li { border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .7rem;
  font-size: .9rem; }
.lines { margin: 0; padding-left: 1.4rem; }
.lines li { margin: .25rem 0; white-space: pre-line; }
h2 + h3 { margin-top: 0; }
.log { border: 1px solid var(--line); border-radius: .4rem; padding: .4rem 0; font: .82rem/1.45
  ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace; }
.log div { display: flex; padding: 0 .6rem; }
.log .number { flex: none; min-width: 4.5em; padding-right: 1em; text-align: right;
  color: var(--soft); user-select: none; }
.log code { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 0;
  tab-size: 4; }
.log div.hit { background: var(--hit); box-shadow: inset .25rem 0 var(--mark); }
mark { background: var(--mark); color: var(--mark-text); border-radius: .15rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; font-weight: normal;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
tr:first-child > * { border-top: 0; }
td { white-space: pre-line; }
th { color: var(--soft); width: 14rem; }
td.took { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; width: 8rem; }
th.part { padding-left: 1.5rem; }
.bar { display: flex; gap: 2px; height: 1.3rem; margin-bottom: .7rem; border-radius: .3rem;
  overflow: hidden; background: var(--line); }
.bar span { min-width: 3px; background: var(--soft); }
.dot { display: inline-block; width: .7rem; height: .7rem; border-radius: .2rem;
  margin-right: .5rem; background: var(--soft); }
.bar .start, .dot.start { background: var(--start); }
.bar .command, .dot.command { background: var(--command); }
.bar .exit, .dot.exit { background: var(--exit); }
@media (max-width: 40rem) { th { width: 8rem; } .log .number { min-width: 3em; } }
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""

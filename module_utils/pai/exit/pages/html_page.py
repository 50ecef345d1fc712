# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a failure: one file with all that it needs, and nothing in it that could run."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ...supervisor.summary import RETRY
from ...supervisor.summary import UNKNOWN as NOBODY_KNOWS
from ..context import Excerpt, Line
from .html_content import Content, Runner
from .html_style import STYLE

#: Bytes of a whole page, at most; the bounds of html_content.py and context.py see to it.
LIMIT = 256 * 1024
_EXCERPT = 30 * 1024  # bytes of an excerpt's lines

_FAULT = {
    "user": "the job is to be changed",
    "platform": "the platform is at fault",
}
#: Nothing is loaded and nothing runs, whatever a log says and whatever we overlooked.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(content: Content) -> bytes:
    """Return the page: HTML in UTF-8, at most LIMIT bytes."""
    title = escape(f"{content.category}: {content.heading}")
    parts = (
        _verdict(content),
        _list("What to do", content.steps, "ol"),
        _list("What the machine shows", content.seen, "ul"),
        _evidence(content.excerpts),
        _runners(content),
        _phases(content.phases),
        _table("Resources", content.resources),
        _table("Details", content.notes),
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header><p>{escape(content.heading)}</p><h1>{escape(content.category)}</h1></header>
{"".join(parts)}</main>
</body>
</html>
""".encode("utf-8", "replace")


def _verdict(content: Content) -> str:
    failed = content.category != "none"
    transient = NOBODY_KNOWS if content.transient is None else RETRY[content.transient]
    sure = "" if content.confidence is None else f"{round(content.confidence * 100)} % sure"
    fault = _FAULT.get(content.fault, "it is not known who must act")
    chips = [content.phrase, fault, transient, sure] if failed else [content.phrase]
    message = f"<p>{escape(content.message)}</p>\n" if content.message else ""
    message += f"<p>In your code: {escape(content.where)}</p>\n" if content.where else ""
    return (
        f'<section class="verdict {"bad" if failed else "good"}">\n'
        f'<p class="reason">{escape(content.reason)}</p>\n{message}<ul class="chips">'
        + "".join(f"<li>{escape(chip)}</li>" for chip in chips if chip)
        + "</ul>\n</section>\n"
    )


def _list(heading: str, lines: Iterable[str], tag: str) -> str:
    rows = "".join(f"<li>{escape(line)}</li>\n" for line in lines)
    return _section(heading, f'<{tag} class="lines">\n{rows}</{tag}>') if rows else ""


def _evidence(excerpts: Iterable[Excerpt]) -> str:
    shown = [_excerpt(each) for each in excerpts if each.lines]
    return _section("What the logs say", "\n".join(shown)) if shown else ""


def _excerpt(excerpt: Excerpt) -> str:
    lines = _fit([(line, _line(line)) for line in excerpt.lines])
    return f'<h3>{escape(excerpt.name)}</h3>\n<div class="log">\n{"".join(lines)}</div>'


def _line(line: Line) -> str:
    number = "" if line.number is None else str(line.number)
    code = escape(line.text)
    if line.marked:
        code += f"<mark>{escape(line.matched)}</mark>{escape(line.rest)}"
    kind = ' class="hit"' if line.marked else ""
    # the newline is what a reader without styles needs, and who copies the lines
    return f'<div{kind}><span class="number">{number}</span><code>{code}</code></div>\n'


def _fit(lines: list[tuple[Line, str]]) -> list[str]:
    """Return the lines that have room; those farthest from the match, or from the end, give way."""
    focus = next((n for n, (line, _text) in enumerate(lines) if line.marked), len(lines) - 1)
    first, last = 0, len(lines)
    size = sum(len(text.encode()) for _unused, text in lines)
    while size > _EXCERPT and last - first > 1:
        gone = first if focus - first > last - 1 - focus else last - 1
        size -= len(lines[gone][1].encode())
        first, last = (first + 1, last) if gone == first else (first, last - 1)
    return [text for _unused, text in lines[first:last]]


def _runners(content: Content) -> str:
    shown = "".join(_runner(each) for each in content.runners_up)
    return _section("What else it might be", shown) if shown else ""


def _runner(runner: Runner) -> str:
    place = f", in {runner.place}" if runner.place else ""
    head = f"<h3>{escape(f'{runner.category} ({runner.phrase}){place}')}</h3>\n"
    if not runner.text:
        return f"{head}<p>The exit code or the machine says so.</p>\n"
    return f'{head}<div class="log">\n{_line(Line(runner.number, runner.text))}</div>\n'


def _phases(phases: Iterable[tuple[str, float]]) -> str:
    """Return a bar of the main phases, and how long they and their parts took."""
    main = [(name, took) for name, took in phases if "/" not in name]
    whole = sum(took for _unused, took in main)
    if not whole:
        return ""
    drawn = "".join(
        f'<span class="{_kind(name)}" style="width: {100 * took / whole:.2f}%"></span>'
        for name, took in main
    )
    rows = "".join(_phase(name, took) for name, took in phases)
    return _section(
        "Time", f'<div class="bar" aria-hidden="true">{drawn}</div>\n<table>\n{rows}</table>'
    )


def _phase(name: str, took: float) -> str:
    whole, _unused, part = name.partition("/")
    head = (
        f'<th class="part">{escape(part)}</th>'
        if part
        else f'<th><span class="dot {_kind(whole)}"></span>{escape(whole)}</th>'
    )
    return f'<tr>{head}<td class="took">{took:.2f} s</td></tr>\n'


def _kind(name: str) -> str:
    return name if name in ("start", "command", "exit") else "other"


def _table(heading: str, values: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>\n" for name, text in values
    )
    return _section(heading, f"<table>\n{rows}</table>") if rows else ""


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{body}\n</section>\n"

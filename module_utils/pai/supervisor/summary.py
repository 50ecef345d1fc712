# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closing words for people: how it ended, why, what to do, how long it took, where to look."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ..exit.job_view.first_failure import told
from .playbook_report import Failure
from .settings import Settings

WIDTH = 96
LABEL = 10
RETRY = {
    True: "a retry may help",
    False: "a retry will not help",
}
UNKNOWN = "nobody knows whether a retry helps"
RENDERED = ("runtime_env.sh", "runtime_env.full.sh", "job.json", "user.sh")
RED, GREEN, BOLD, DIM, RESET = "\033[31m", "\033[32m", "\033[1m", "\033[2m", "\033[0m"


def summarize(document: Mapping[str, Any], settings: Settings, colour: bool) -> str:
    """Return the summary of a finished run, from the content of exit.json."""
    code = document["exitCode"]
    rows = [("exit code", _code(document))]
    if code:
        rows += why(document)
    elif document.get("message"):
        rows.append(("message", str(document["message"])))
    rows.append(("phases", _phases(document.get("phases") or {})))
    rows.append(("logs", str(settings.log_dir)))
    page = settings.log_dir / "failure.html"
    if code and page.exists():
        rows.append(("as a page", str(page)))
    return _heading(document, colour) + "".join(row(*each, colour) for each in rows)


def _heading(document: Mapping[str, Any], colour: bool) -> str:
    code = document["exitCode"]
    verdict = "failed" if code else "succeeded"
    if document.get("stopped"):
        verdict = "was stopped"
    task = ""
    if document.get("taskRole"):
        task = f", task {document['taskRole']}-{document.get('taskIndex')}"
    text = f"{document.get('job') or 'The command'}{task} {verdict}"
    return f"\n{BOLD}{RED if code else GREEN}{text}{RESET}\n" if colour else f"\n{text}\n"


def _code(document: Mapping[str, Any]) -> str:
    code, original = document["exitCode"], document.get("originalUserExitCode")
    phrase = f" {document['phrase']}" if code and document.get("phrase") else ""
    own = f" (the command's own: {original})" if original not in (None, code) else ""
    return f"{code}{phrase}{own}"


def why(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what to tell of a failure: reason, who must act, what to do; less what is empty."""
    transient = document.get("transient")
    retry = RETRY.get(transient, UNKNOWN) if isinstance(transient, bool) else UNKNOWN
    solution = document.get("solution") or []
    steps = [solution] if isinstance(solution, str) else [str(step) for step in solution]
    numbered = steps if len(steps) < 2 else [f"{n}. {step}" for n, step in enumerate(steps, 1)]
    rows = [
        ("because", told(document)),
        ("plugin", str(document.get("plugin") or "")),
        ("reason", str(document.get("reason") or document.get("message") or "")),
        ("matched", _matched(document)),
        ("your code", str(document.get("where") or "")),
        ("fault", f"{document.get('fault') or 'unknown'}; {retry}"),
        ("to do", "\n".join(numbered)),
    ]
    return [(label, text) for label, text in rows if text]


def _matched(document: Mapping[str, Any]) -> str:
    """Return what the logs say; where they say nothing, and it was no stop, what else does."""
    found = document.get("matchedUserLogString") or document.get("matchedPlatformLogString")
    facts = str(document.get("trigger") or "").partition("; ")[2]
    told = not document.get("stopped") and document.get("stage") == "command"
    return str(found or (facts if told else ""))


def _phases(phases: Mapping[str, Any]) -> str:
    """Return the main phases; parts of a playbook follow theirs in brackets, longest first."""
    shown = []
    for name, took in phases.items():
        if "/" in name:
            continue
        parts = [(t, n.partition("/")[2]) for n, t in phases.items() if n.startswith(f"{name}/")]
        longest = ", ".join(f"{part} {t:.2f}" for t, part in sorted(parts, reverse=True)[:3])
        shown.append(f"{name} {took:.2f} s" + (f" ({longest})" if longest else ""))
    return "; ".join(shown)


def row(label: str, text: str, colour: bool) -> str:
    """Return a label and its text, broken into lines below each other."""
    indent = " " * (LABEL + 3)
    lines = [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, WIDTH - len(indent), break_on_hyphens=False) or [""]
    ]
    head = f"  {label:<{LABEL}} "
    shown = f"{DIM}{head}{RESET}" if colour else head
    return shown + f"\n{indent}".join(lines) + "\n"


def summarize_render(failure: Failure | None, settings: Settings, colour: bool) -> str:
    """Return the summary of ``render``: the files that it wrote, or why it did not."""
    rendered = [settings.work_dir / name for name in RENDERED]
    rows = [("reason", failure.message)] if failure else []
    rows.append(("files", "\n".join(str(path) for path in rendered if path.exists())))
    head = "Rendering failed" if failure else "Rendered, nothing was started"
    return f"\n{head}\n" + "".join(row(*each, colour) for each in rows if each[1])

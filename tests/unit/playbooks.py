"""Run our playbooks with the real ansible-playbook, in a directory of the test's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def play(
    playbook: str | Path, directory: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook on this machine; ``environment`` adds to a minimal one."""
    base = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    base.setdefault("LC_ALL", "C.UTF-8")
    own = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "HOME": str(directory),
        "PAI_RUNTIME_WORK_DIR": str(directory / "work"),
        "PAI_RUNTIME_LOG_DIR": str(directory / "logs"),
    }
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-c",
        "local",
        "-i",
        "localhost,",
    ]
    return subprocess.run(
        [*command, *options, str(ROOT / "playbooks" / playbook)],
        env={**base, **own, **environment},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def recap(output: str) -> dict[str, int]:
    """Return the counts of the play's recap line."""
    counts = re.findall(r"(ok|changed|unreachable|failed|skipped|rescued|ignored)=(\d+)", output)
    return {name: int(count) for name, count in counts}


def write_play(path: Path, tasks: list[dict[str, Any]], **keywords: Any) -> Path:
    """Write a playbook of one play and return its path."""
    body = {"hosts": "all", "gather_facts": False, "tasks": tasks, **keywords}
    variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    body["vars"] = {**variables, **keywords.get("vars", {})}
    path.write_text(json.dumps([body]), encoding="utf-8")
    return path

"""Run the checks and tests of the named groups, all of them, and close with a table.

run_steps.py GROUP...        groups: lint, unit, versions, sanity, molecule
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_RUN = "container tests need root: run make as root, or with sudo"


@dataclasses.dataclass(frozen=True)
class Step:
    """One check: its group, its name in the table, its command."""

    group: str
    name: str
    command: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a step ended: passed, failed or skipped."""

    step: Step
    result: str
    seconds: float


def shell_scripts() -> tuple[str, ...]:
    """Return our own shell scripts."""
    tools = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/tools").glob("*.sh"))
    return (".ci/run", "bin/pai-runtime", *tools)


def scenarios() -> list[str]:
    """Return the names of the molecule scenarios."""
    return sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))


def steps() -> list[Step]:
    """Return every step in their order: what fails most often and costs least comes first."""
    return [
        Step("lint", "ruff check", ("ruff", "check", ".")),
        Step("lint", "ruff format", ("ruff", "format", "--check", ".")),
        Step("lint", "mypy", ("mypy",)),
        Step("lint", "yamllint", ("yamllint", "--strict", ".")),
        Step("lint", "shellcheck", ("shellcheck", *shell_scripts())),
        Step("lint", "ansible-lint", ("ansible-lint", "--strict")),
        Step("unit", "pytest", (sys.executable, "-m", "pytest", "-q")),
        Step("versions", "ansible-core versions", ("tests/tools/versions.sh",)),
        Step("sanity", "ansible-test sanity", ("tests/tools/sanity.sh",)),
        Step("sanity", "collection", ("tests/tools/collection.sh",)),
        *(
            Step("molecule", f"molecule {name}", ("molecule", "test", "-s", name))
            for name in scenarios()
        ),
    ]


def environment() -> dict[str, str]:
    """Return the environment of the steps, without a user's Ansible or Python settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "PYTHON"))
    }
    path = f"{Path(sys.executable).parent}:{kept.get('PATH', os.defpath)}"
    # Debian keeps runc and iptables in sbin, which is not on every root's path
    colour = {} if sys.stdout.isatty() else {"NO_COLOR": "1"}
    return {
        **kept,
        **colour,
        "PATH": f"{path}:/usr/sbin:/sbin",
        # by name: in a world-writable directory Ansible does not read it by itself
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "CONTAINERS_CONF": str(ROOT / "tests/tools/containers.conf"),
    }


def run(step: Step) -> Outcome:
    """Run one step with its output passed on."""
    if step.group == "molecule" and os.geteuid():
        print(f"\n== {step.name}: not run, {NOT_RUN}", flush=True)
        return Outcome(step, "skipped", 0.0)
    print(f"\n== {step.name}", flush=True)
    started = time.monotonic()
    status = subprocess.run(step.command, cwd=ROOT, env=environment(), check=False).returncode
    seconds = time.monotonic() - started
    result = "failed" if status else "passed"
    print(f"== {step.name}: {result} in {seconds:.1f} s", flush=True)
    return Outcome(step, result, seconds)


def report(outcomes: list[Outcome]) -> int:
    """Print the table and the closing line; return the number of failed steps."""
    width = max(len(outcome.step.name) for outcome in outcomes)
    print()
    for outcome in outcomes:
        print(f"{outcome.step.name:<{width}}  {outcome.result:<8}{outcome.seconds:>7.1f} s")
    count = {
        word: sum(outcome.result == word for outcome in outcomes)
        for word in ("passed", "failed", "skipped")
    }
    print(f"{'all':<{width}}  {'':<8}{sum(outcome.seconds for outcome in outcomes):>7.1f} s\n")
    if count["skipped"]:
        print(f"skipped: {NOT_RUN}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return count["failed"]


def main() -> int:
    """Run what the arguments name; 1 when any step failed."""
    chosen = [step for step in steps() if step.group in sys.argv[1:]]
    return 1 if report([run(step) for step in chosen]) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run the checks and tests of the named groups, all of them, and close with a table.

run_steps.py GROUP...        groups: lint, unit, versions, sanity, molecule

SKIP=NAME,... in the environment leaves out scenarios that a person has no way to run.
"""

from __future__ import annotations

import dataclasses
import os
import re
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
    """How a step ended: passed, failed or skipped, and why it was skipped."""

    step: Step
    result: str
    seconds: float
    reason: str = ""


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


def left_out() -> set[str]:
    """Return the scenarios that SKIP names, and end where it names something else."""
    names = {name for name in re.split(r"[\s,]+", os.environ.get("SKIP", "")) if name}
    if unknown := names.difference(scenarios()):
        sys.exit(
            f"SKIP: there is no scenario {', '.join(sorted(unknown))}; "
            f"the scenarios are {', '.join(scenarios())}"
        )
    return names


def why_not(step: Step) -> str:
    """Return why a step is not run; empty where it is."""
    if step.group != "molecule":
        return ""
    if step.command[-1] in left_out():
        return f"left out by SKIP={os.environ['SKIP']}"
    return NOT_RUN if os.geteuid() else ""


def run(step: Step) -> Outcome:
    """Run one step with its output passed on."""
    if reason := why_not(step):
        print(f"\n== {step.name}: not run, {reason}", flush=True)
        return Outcome(step, "skipped", 0.0, reason)
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
    for reason in dict.fromkeys(outcome.reason for outcome in outcomes if outcome.reason):
        names = [outcome.step.name for outcome in outcomes if outcome.reason == reason]
        print(f"skipped: {', '.join(names)}: {reason}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return count["failed"]


def main() -> int:
    """Run what the arguments name; 1 when any step failed."""
    left_out()  # what is wrong in it is told before anything runs
    chosen = [step for step in steps() if step.group in sys.argv[1:]]
    return 1 if report([run(step) for step in chosen]) else 0


if __name__ == "__main__":
    sys.exit(main())

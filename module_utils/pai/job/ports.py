# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which port numbers a task has, by the two rules of a PAI cluster and on a single machine.

The rules are those of OpenPAI's rest-server, which writes them into the pod annotation
``rest-server/port-scheduling-spec``.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import RuntimeConfigError
from .model import IDENTIFIER, MOST_PORTS

#: Below the range from which Linux gives out ports by itself (32768 and up by default).
LOCAL_PORTS = range(10000, 32768)


def hashed_port(pod_uid: str, label: str, number: int, start: int, end: int) -> int:
    """Return port ``number`` (0-based) of ``label`` in [start, end), from the pod's UID."""
    digest = hashlib.md5(
        f"[{pod_uid}][{label}][{number}]".encode(), usedforsecurity=False
    ).hexdigest()
    total = int(digest[:12], 16) + int(digest[12:24], 16) + int(digest[24:], 16)
    return total % (end - start) + start


def sequential_ports(start: int, count: int, index: int) -> tuple[int, ...]:
    """Return the ``count`` ports of task ``index`` where every task has its own block."""
    first = start + count * index
    return tuple(range(first, first + count))


class PortRule:
    """The ports of one task role's tasks, read from its port-scheduling annotation."""

    def __init__(self, annotation: str | None, place: str) -> None:
        """Parse the annotation's JSON; None means a role without ports.

        Raises:
            RuntimeConfigError: not JSON, or not of one of the two forms; ``place`` names it.
        """
        try:
            spec = json.loads(annotation) if annotation else {}
            self._range: tuple[int, int] | None = None
            if "schedulePortStart" in spec:
                self._range = (int(spec["schedulePortStart"]), int(spec["schedulePortEnd"]))
                spec = spec["ports"]
                if self._range[0] >= self._range[1]:
                    raise ValueError(f"empty port range {self._range[0]}-{self._range[1]}")
            self._counts = {str(label): int(port["count"]) for label, port in spec.items()}
            self._starts = (
                {} if self._range else {label: int(port["start"]) for label, port in spec.items()}
            )
            self._check()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RuntimeConfigError(
                f"{place}: not a port-scheduling spec ({type(error).__name__}: {error}); "
                "the Framework must come from a PAI cluster's rest-server"
            ) from error

    def _check(self) -> None:
        for label, count in self._counts.items():
            if not IDENTIFIER.fullmatch(label):
                raise ValueError(f"{label!r} cannot be a port's label")
            if not 0 <= count <= MOST_PORTS:
                raise ValueError(f"{count} ports of {label}")
        for label, start in self._starts.items():
            if not 0 < start < 65536:
                raise ValueError(f"port {start} of {label}")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in their order."""
        return tuple(self._counts)

    def ports(self, pod_uid: str | None, index: int) -> dict[str, tuple[int, ...]]:
        """Return label → numbers of a task; without its pod's UID hashed ports are not known."""
        if self._range is None:
            return {
                label: sequential_ports(self._starts[label], count, index)
                for label, count in self._counts.items()
            }
        if not pod_uid:
            return {}
        start, end = self._range
        return {
            label: tuple(hashed_port(pod_uid, label, k, start, end) for k in range(count))
            for label, count in self._counts.items()
        }


def is_free(port: int) -> bool:
    """Tell whether nothing on this machine listens on TCP ``port`` of any address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def local_ports(
    job_name: str,
    wanted: Iterable[tuple[str, int, Mapping[str, int]]],
    free: Callable[[int], bool] = is_free,
) -> list[dict[str, tuple[int, ...]]]:
    """Choose ports for tasks that share one machine; the same job gets the same ones again.

    ``wanted`` holds (role, index, label → count) per task. A number that is taken, by the job
    itself or by another program, makes way for the next one.

    Raises:
        RuntimeConfigError: more ports than the machine has to give.
    """
    used: set[int] = set()
    chosen: list[dict[str, tuple[int, ...]]] = []

    def choose(seed: str, label: str, number: int) -> int:
        first = hashed_port(seed, label, number, LOCAL_PORTS.start, LOCAL_PORTS.stop)
        for step in range(len(LOCAL_PORTS)):
            port = LOCAL_PORTS[(first - LOCAL_PORTS.start + step) % len(LOCAL_PORTS)]
            if port not in used and free(port):
                used.add(port)
                return port
        raise RuntimeConfigError(
            f"job {job_name!r}: no free port left in {LOCAL_PORTS.start}-{LOCAL_PORTS.stop - 1} "
            "on this machine; ask for fewer tasks or ports"
        )

    for role, index, counts in wanted:
        seed = f"{job_name}/{role}-{index}"
        chosen.append(
            {label: tuple(choose(seed, label, k) for k in range(n)) for label, n in counts.items()}
        )
    return chosen


def counts(labels: Mapping[str, Any]) -> dict[str, int]:
    """Return the job file's port labels with the two that every role has, in their order."""
    return {**{str(label): int(count) for label, count in labels.items()}, **_implicit(labels)}


def _implicit(labels: Mapping[str, Any]) -> dict[str, int]:
    return {label: 1 for label in ("ssh", "http") if label not in labels}

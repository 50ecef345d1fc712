"""How long the ssh barrier takes with 200 peers that are ready, clients and servers on one machine.

Every peer costs one banner and one real login, whose host key is verified and which runs the script
of a task's logins.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from table import Row, show

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.openpai.runtime.plugins.module_utils.pai.ssh import (  # noqa: E402
    barrier,
    barrier_limits,
    barrier_marks,
    barrier_peers,
    probe_login,
)
from tests.unit.sshd_servers import HOST, MOST_PORTS, SSHD, SshdServers  # noqa: E402

PEERS = 200
ROUNDS = 3


def measure() -> list[Row]:
    """Return rows of name, value, unit, budget (None where there is none)."""
    if SSHD is None:
        print("ssh barrier: not measured, since there is no sshd here")
        return []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, SshdServers(Path(name)) as servers:
        aliases = [f"worker-{index}" for index in range(PEERS)]
        servers.know(*aliases)
        for start in range(0, PEERS, MOST_PORTS):
            servers.start(*aliases[start : start + MOST_PORTS])
        seconds = statistics.median(_seconds(servers) for _round in range(ROUNDS))
    return [(f"ssh barrier, {PEERS} peers ready", seconds, "s", 5.0)]


def _seconds(servers: SshdServers) -> float:
    peers = [barrier_peers.Peer(alias, HOST, port) for alias, port in servers.ports.items()]
    client = probe_login.Client.find(servers.client_configuration, os.environ)
    marks = barrier_marks.Marks(servers.work_dir("own"), "")
    began = time.perf_counter()
    limits = barrier_limits.Limits(300)
    barrier.Barrier("own", client, marks, limits, lambda _text: None).wait_for_all(peers)
    return time.perf_counter() - began


if __name__ == "__main__":
    show(measure())

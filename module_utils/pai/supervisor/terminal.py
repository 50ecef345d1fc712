# Copyright: (c) 2026, OpenPAI Runtime for Ansible contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal on stdin, where there is one and it is ours to hand on."""

from __future__ import annotations

import os
import signal

STDIN = 0


def foreground() -> int | None:
    """Return the process group in the foreground of the terminal on stdin, if it is one."""
    try:
        return os.tcgetpgrp(STDIN)
    except OSError:
        return None


def stop_with(group: int) -> None:
    """Stop as the foreground group did (^Z), and go on with it as soon as we are continued.

    Where no shell could continue us (in a container) the kernel does not stop us either: then the
    group goes on at once.
    """
    if foreground() != group:
        return  # stopped by somebody else, who will continue it
    give_to(os.getpgrp())
    os.killpg(os.getpgrp(), signal.SIGTSTP)  # this returns when we are continued
    if foreground() == os.getpgrp():
        give_to(group)
    os.killpg(group, signal.SIGCONT)


def give_to(group: int) -> None:
    """Make a group the foreground of the terminal, also from the background."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        os.tcsetpgrp(STDIN, group)
    except OSError:  # the terminal is gone
        pass
    finally:
        signal.signal(signal.SIGTTOU, before)

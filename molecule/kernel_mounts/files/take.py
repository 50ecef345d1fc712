"""Take more than there is, without a word: memory, here or in a child process; or shared memory.

take.py memory|child|shared_memory
"""

import mmap
import os
import sys


def memory() -> None:
    """Take memory until the kernel ends this process."""
    blocks = []
    while True:
        blocks.append(bytearray(1 << 20))


def child() -> None:
    """Let a child do that, as a data loader's worker does, and fail for it."""
    pid = os.fork()
    if not pid:
        memory()
    sys.exit(os.waitpid(pid, 0)[1] != 0)


def shared_memory() -> None:
    """Write behind the end of what fits there."""
    size = 64 << 20
    with open("/dev/shm/batch", "wb+") as file:  # noqa: S108 - the guest's own
        file.truncate(size)
        mmap.mmap(file.fileno(), size).write(bytes(size))


{"memory": memory, "child": child, "shared_memory": shared_memory}[sys.argv[1]]()

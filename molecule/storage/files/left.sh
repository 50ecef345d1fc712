#!/bin/bash
# Tell what is left of the storages at the end of a task.
work=${PAI_RUNTIME_WORK_DIR:-/usr/local/pai/runtime.d}
list() { xargs --no-run-if-empty; }
echo "mounted at the end: [$(awk '$5 ~ "^(/mnt|/usr/local/pai/runtime.d)" { print $5 }' /proc/self/mountinfo | list)]"
echo "in /mnt at the end: [$(find /mnt -mindepth 1 -maxdepth 1 -printf "%f\n" | sort | list)]"
echo "kept at the end: [$(cd "$work/storage" 2>/dev/null && find . -type f | list)]"
echo "at work at the end: [$({ pgrep --list-name rclone; pgrep --list-name sshfs; } | cut -d" " -f2 | list)]"

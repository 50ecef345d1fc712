#!/usr/bin/env bash
# The first program of a guest that uml_boot.sh starts: makes a system of it, runs COMMAND, and switches the guest off.
# The kernel hands over FILES, RESULTS (directories of the host), COMMAND and ARGUMENT from its command line as environment variables.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8

if [[ "${1:-}" != again ]]; then
    mount -t proc proc /proc
    # The host's directory is read only; what the guest writes is gone with it.
    modprobe overlay
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
    mount -n --move /proc /mnt/root/proc
    mount -n --move /dev /mnt/root/dev
    cd /mnt/root
    mkdir -p old
    pivot_root . old
    exec chroot . "$0" again
fi

mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm /guest /results
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t hostfs -o "$FILES" none /guest
mount -t hostfs -o "$RESULTS" none /results
ip link set lo up

status=0
"/guest/$COMMAND" "$ARGUMENT" </dev/null >/results/console 2>&1 || status=$?
echo "$status" >/results/status
sync
echo o >/proc/sysrq-trigger
sleep 60

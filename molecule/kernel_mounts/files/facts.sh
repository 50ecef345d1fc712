#!/bin/bash
# What a kernel does to commands that take too much, of memory, disks and shared memory, and what is told of it: each case is the
# life of one container, and leaves /results/CASE.
set -euo pipefail

task() { # CASE COMMAND...
    local status=0
    mkdir -p "/results/$1"
    PAI_RUNTIME_LOG_DIR=${logs:-/results/$1} pai-runtime -- "${@:2}" || status=$?
    echo "$status" >"/results/$1/exit_code"
}

in_cgroup() { # CGROUP PROGRAM... in namespaces of its own
    (
        echo "$BASHPID" >"$1/cgroup.procs"
        exec unshare "${@:2}"
    )
}

# A container sees the cgroup that the engine has made for it as if it were the root, or, of version 1, with the machine's path.
version_1() {
    mkdir /run/memory
    # newer kernels may have no version 1 any more
    mount -t cgroup -o memory cgroup /run/memory || { touch /results/no_version_1 && return; }
    mkdir /run/memory/job
    echo 128M >/run/memory/job/memory.limit_in_bytes
    in_cgroup /run/memory/job --mount bash -ec inside_version_1
    # before version 2 can count memory, nothing may be left that version 1 has counted
    rm -rf /usr/local/pai
    echo 3 >/proc/sys/vm/drop_caches
    rmdir /run/memory/job
    umount /run/memory
}

inside_version_1() {
    mount --bind /run/memory/job /sys/fs/cgroup
    umount /run/memory
    task version_1 python3 /guest/take.py child
}

version_2() {
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    for _ in {1..50}; do
        ! echo +memory >/sys/fs/cgroup/cgroup.subtree_control || break
        sleep 0.2
    done
    mkdir /sys/fs/cgroup/job
    echo 128M >/sys/fs/cgroup/job/memory.max
    in_cgroup /sys/fs/cgroup/job --cgroup --mount bash -ec inside_version_2
    umount /sys/fs/cgroup
}

inside_version_2() {
    umount /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    task version_2 python3 /guest/take.py memory
}

# Of the disk with the logs all bytes are taken, of the one with the work directory all inodes; what is said of it is lost.
disks() {
    mkdir -p /usr/local/pai/runtime.d /usr/local/pai/logs /results/disks
    mount -t tmpfs -o nr_inodes=200 tmpfs /usr/local/pai/runtime.d
    mount -t tmpfs -o size=64M tmpfs /usr/local/pai/logs
    logs=/usr/local/pai/logs task disks bash -c '
        cat /dev/zero >/usr/local/pai/logs/checkpoint
        seq --format /usr/local/pai/runtime.d/sample-%g 200 | xargs touch'
    rm /usr/local/pai/logs/checkpoint
    cp -r /usr/local/pai/logs/. /results/disks
    umount /usr/local/pai/logs /usr/local/pai/runtime.d
}

shared_memory() {
    mount -t tmpfs -o size=16M tmpfs /dev/shm
    task shared_memory python3 /guest/take.py shared_memory
}

export -f task inside_version_1 inside_version_2
version_1
version_2
disks
shared_memory

#!/usr/bin/env bash
# Run a guest, a whole Linux kernel as a process of this machine, until COMMAND has ended in it; end with COMMAND's status.
# ROOT comes from uml_root.sh and stays as it is. FILES and RESULTS are directories that the guest sees as /guest, where
# COMMAND is, and /results. What COMMAND says is RESULTS/console, what the kernel says RESULTS/kernel. The guest is ended after
# that many SECONDS, and when FILES is removed.
#   uml_boot.sh ROOT FILES RESULTS SECONDS COMMAND [ARGUMENT]
set -euo pipefail
root=$1 files=$2 results=$3 seconds=$4 command=$5 argument=${6:-}

scratch=$(mktemp -d)
# Ended in an orderly way it takes the processes of its programs with it; they are of one group.
trap 'kill "$guest" 2>/dev/null && sleep 1; kill -KILL -- "-$guest" 2>/dev/null || true; rm -rf "$scratch"' EXIT
# It ends with 0 whatever has happened in it.
linux.uml mem=768M uml_dir="$scratch/" con=null con0=fd:0,fd:1 root=/dev/root rootfstype=hostfs rootflags="$root" ro \
    init=/sbin/uml_init FILES="$files" RESULTS="$results" COMMAND="$command" ARGUMENT="$argument" \
    </dev/null >"$results/kernel" 2>&1 &
guest=$!
while kill -0 "$guest" 2>/dev/null; do
    ((SECONDS < seconds)) && [[ -d "$files" ]] || {
        echo "uml_boot.sh: the guest did not end within $seconds seconds, or $files is gone; its last words:" >&2
        tail -n 20 "$results/console" >&2 || true
        exit 124
    }
    sleep 0.5
done
[[ -e "$results/status" ]] || {
    echo "uml_boot.sh: the guest ended before $command had; the last words of its kernel, of $results/kernel:" >&2
    tail -n 20 "$results/kernel" >&2
    exit 1
}
exit "$(<"$results/status")"

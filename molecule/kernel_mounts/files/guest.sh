#!/bin/bash
# What a guest runs: its servers, then jobs/NAME.yml by the runtime as in a container, or NAME.yml by Ansible. Or NAME.sh alone.
#   guest.sh NAME
set -euo pipefail

name=$1
[[ ! -x /guest/$name.sh ]] || exec "/guest/$name.sh"
modprobe -a nfsd nfs nfsv4 cifs
mkdir -p /export /run/noting
for server in nfs samba ssh; do /guest/servers.sh start "$server"; done

# Only where all goes well, since it takes a quarter of the guest's time. In a process namespace of its own, since it leaves out
# the processes of its own.
if [[ $name == works ]]; then
    unshare --pid --fork python3 /guest/note_command_lines.py /run/noting /results/command_lines &
fi

export PAI_RUNTIME_SECRETS=/guest/secrets.yml PAI_RUNTIME_LOG_DIR=/results PAI_RUNTIME_TERMINATION_LOG=/results/termination
# the guests share a machine, which may be busy
export PAI_STORAGE_TIMEOUT=120
if [[ -e /guest/jobs/$name.yml ]]; then
    status=0
    PAI_RUNTIME_JOB_FILE=/guest/jobs/$name.yml pai-runtime || status=$?
    echo "$status" >/results/exit_code
else
    cd /opt/openpai-runtime
    ANSIBLE_CONFIG=/opt/openpai-runtime/ansible.cfg ANSIBLE_HOME=/tmp/ansible .venv/bin/python bin/pai-playbook \
        -c local -i localhost, -e ansible_python_interpreter=/opt/openpai-runtime/.venv/bin/python "/guest/$name.yml"
fi

rmdir /run/noting
wait
{
    grep -E ' (nfs4|cifs|fuse[^ ]*) ' /proc/self/mountinfo | sed 's/^/mounted /'
    find /mnt -mindepth 1 -printf 'mount point %p\n'
    find /usr/local/pai/runtime.d/storage -printf 'kept %m %P\n'
    pgrep --list-name '^(ssh$|rclone|sshfs|mount)' | sed 's/^/process /'
    /guest/secret_files.sh
    grep --recursive --with-filename . /export | sed 's/^/data /'
} >/results/after 2>/dev/null || true

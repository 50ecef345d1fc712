#!/bin/bash
# Serve directories as an ssh and an SMB server does, to the user "job" with the password of a file.
#   serve_files.sh SECRETS DIRECTORY PORT [smb]      SECRETS has NAME: "VALUE" lines: files_password, host_key
set -euo pipefail

secret() { /opt/openpai-runtime/.venv/bin/python -c 'import sys, yaml; print(yaml.safe_load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
run() { "$@" </dev/null >/dev/null 2>&1 & }

state=/run/serve_files
mkdir -p "$2" "$state" /run/sshd
chown job "$2"
chmod 0700 "$state"
umask 077
secret "$1" host_key >"$state/host_key"
secret "$1" user_public_key >"$state/authorized_keys"
{ printf 'job:'; secret "$1" files_password; } | chpasswd
cat >"$state/sshd_config" <<END
Port $3
HostKey $state/host_key
PidFile $state/sshd.pid
# it lies below /run, which belongs to root alone
AuthorizedKeysFile $state/authorized_keys
StrictModes no
UsePAM no
MaxStartups 100
KexAlgorithms curve25519-sha256
Subsystem sftp internal-sftp
END
chmod 0711 "$state"
chmod 0644 "$state/authorized_keys"
umask 022

if [[ ${4:-} == smb ]]; then
    printf '[global]\nserver min protocol = SMB3\n[data]\npath = %s\nread only = no\n' "$2" >"$state/smb.conf"
    { secret "$1" files_password; secret "$1" files_password; } | smbpasswd -c "$state/smb.conf" -s -a job
    run smbd --foreground --no-process-group --configfile "$state/smb.conf"
fi
exec /usr/sbin/sshd -D -f "$state/sshd_config" -E /run/serve_files/log

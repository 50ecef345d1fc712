#!/bin/bash
# Start or stop a server of the guest.
#   servers.sh start|stop nfs|samba|ssh
set -euo pipefail

state=/run/servers
mkdir -p "$state"
secret() { sed -n "s/^$1: '\(.*\)'\$/\1/p" /guest/secrets.yml; }

start_nfs() {
    if ! mountpoint -q /proc/fs/nfsd; then
        # What is exported has to be a file system that can be; the root is none.
        mount -t tmpfs tmpfs /export
        mkdir -p /export/data /export/squashed /export/renewed
        mount -t tmpfs -o mode=0755 tmpfs /export/squashed
        mount -t tmpfs tmpfs /var/lib/nfs
        mount -t nfsd nfsd /proc/fs/nfsd
        cat >/etc/exports <<END
/export 127.0.0.1(rw,fsid=0,no_root_squash,insecure,no_subtree_check)
/export/squashed 127.0.0.1(rw,fsid=1,root_squash,insecure,no_subtree_check)
END
        rpcbind
        exportfs -ra
        rpc.mountd
    fi
    # after a restart old clients have so many seconds to come back, in which new ones wait
    rpc.nfsd --no-nfs-version 3 --grace-time 10 --lease-time 10 2
}

stop_nfs() { rpc.nfsd 0; }

start_samba() {
    if [[ ! -e "$state/smb.conf" ]]; then
        mkdir -p /export/share /export/files
        chmod 0777 /export/share /export/files
        # Samba's users have to exist; account and second are Azure's storage accounts
        printf '%s:x:%s:2000::/:/usr/sbin/nologin\n' researcher 2001 account 2002 second 2003 >>/etc/passwd
        cat >"$state/smb.conf" <<END
[global]
server min protocol = SMB3_00
interfaces = lo
disable netbios = yes
load printers = no
disable spoolss = yes
private dir = $state
lock directory = $state
cache directory = $state
state directory = $state
pid directory = $state
ncalrpc dir = $state/ncalrpc
log file = $state/samba.log
[share]
path = /export/share
valid users = researcher
read only = no
[files]
path = /export/files
valid users = account second
read only = no
END
        login samba researcher
        login azure account
        login azure second
        echo 127.0.0.1 account.file.core.windows.net second.file.core.windows.net >>/etc/hosts
    fi
    smbd --daemon --configfile "$state/smb.conf"
    until (: </dev/tcp/127.0.0.1/445) 2>/dev/null; do sleep 0.1; done
}

login() { # SECRET USER
    { secret "$1"; secret "$1"; } | smbpasswd -c "$state/smb.conf" -s -a "$2"
}

stop_samba() {
    # its children hold the connections
    pkill -KILL smbd
    while pgrep smbd >/dev/null; do sleep 0.1; done
}

start_ssh() {
    mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f "$state/host_key"
    echo "job:$(secret proxy)" | chpasswd --crypt-method SHA512
    printf '%s\n' "HostKey $state/host_key" 'UsePAM no' 'ListenAddress 127.0.0.1' >"$state/sshd_config"
    /usr/sbin/sshd -f "$state/sshd_config" -E "$state/sshd.log"
}

"$1_$2"

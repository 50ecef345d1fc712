#!/bin/sh
# The SSH server that storages are mounted from; its key and its user's login are in the directory /kept.
set -eu
useradd --create-home --shell /bin/sh store
chpasswd </kept/login
mkdir -p /run/sshd /home/store/data
echo "a file of the server" >/home/store/data/file
install -D -m 0600 /kept/user_key.pub /home/store/.ssh/authorized_keys
chown -R store: /home/store
install -m 0600 /kept/host_key /etc/ssh/storage_host_key
exec /usr/sbin/sshd -D -e -h /etc/ssh/storage_host_key

#!/usr/bin/env bash
# Install the Debian packages that the tests need, where this user may; name them where not.
# It never fails for a missing package: run_steps.py decides what can run without it.
set -euo pipefail

# Podman's parts are only recommended by it (or left out on a slim machine), and each is needed:
# without iptables no container gets a network, without catatonit there is no --init.
packages=(podman runc netavark aardvark-dns iptables catatonit debootstrap)
# The tests of the plugin ssh log in to a real sshd.
packages+=(openssh-server openssh-client rsync)
# Some tests of storage tools run these.
packages+=(rclone fuse3)
# A browser shows the page of a failure. Ubuntu has it as a snap only; without one those tests are left out.
! grep -qx 'ID=debian' /etc/os-release || packages+=(chromium)
# The Azure server of the scenario storage comes by npm; a nodejs from elsewhere brings its own.
command -v npm >/dev/null || packages+=(npm)
# A kernel that runs as a program and mounts NFS and SMB, for the scenario kernel_mounts; there is none for other machines.
[[ "$(uname -m)" != x86_64 ]] || packages+=(user-mode-linux)

command -v dpkg-query >/dev/null || {
    echo "== no Debian or Ubuntu: the tests need ${packages[*]} (by whatever name) installed by you"
    exit 0
}

missing=()
for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ((EUID)); then
    echo "== missing for the tests: ${missing[*]}"
    echo "   sudo apt-get install --no-install-recommends ${missing[*]}"
    exit 0
fi
echo "== installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
{ apt-get update -qq && install "${missing[@]}"; } || for package in "${missing[@]}"; do
    # one that a release does not have leaves the others
    install "$package" || echo "== apt could not install $package: some tests will fail"
done

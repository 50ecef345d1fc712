#!/usr/bin/env bash
# Build localhost/openpai-base:CODENAME by debootstrap, the base image of the container tests, without a registry.
# The suite and the mirror are this machine's own; a second run with the same input builds nothing. Prints the image's name.
# VARIANT makes openpai-base:CODENAME-VARIANT, with what a job of that kind needs besides.
#   base_image.sh [CODENAME [VARIANT]]
set -euo pipefail

packages=(bash ca-certificates git iproute2 openssh-client openssh-server procps python3 python3-venv)
variant=${2:-}
case $variant in
    "") ;;
    mpi) packages+=(openmpi-bin python3-mpi4py rsync) ;;
    # nodejs, samba and nfs-kernel-server are for the servers that storages are mounted from, kmod for guests with their own kernel
    storage) packages+=(cifs-utils fuse3 kmod nfs-common nfs-kernel-server nodejs rclone samba sshfs) ;;
    *) echo "base_image.sh: there is no variant $variant" >&2; exit 2 ;;
esac

# shellcheck source=/dev/null
source /etc/os-release
codename=${1:-$VERSION_CODENAME}
# Apt knows the mirror, in whichever of its formats it is written. The code name it knows only from downloaded lists;
# the suite as configured (which may say "stable") always.
sources() { # FIELD OPTION...
    apt-get indextargets "${@:2}" --format "\$($1) \$(COMPONENT) \$(REPO_URI)" 'Created-By: Packages'
}
mirror=$({ sources CODENAME; sources RELEASE --no-release-info; } |
    awk -v codename="$VERSION_CODENAME" '$1 == codename && $2 == "main" && !found { print $3; found = 1 }')
[[ -n "$mirror" ]] || { echo "no package source of $VERSION_CODENAME was found in apt's settings" >&2; exit 1; }
components=main
[[ "$ID" != ubuntu ]] || components=main,universe

image="localhost/openpai-base:$codename${variant:+-$variant}"
input=$(printf '%s\n' "$(<"$0")" "$codename" "$variant" "$mirror" | sha256sum | cut -d' ' -f1)
built=$(podman image inspect --format '{{index .Labels "openpai.input"}}' "$image" 2>/dev/null || true)
if [[ "$built" != "$input" ]]; then
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    echo "== building $image from $mirror" >&2
    debootstrap --variant=minbase --components="$components" --include="$(IFS=,; echo "${packages[*]}")" \
        "$codename" "$tree" "$mirror" >"$tree.log" 2>&1 || { tail -n 20 "$tree.log" >&2; exit 1; }
    # an ordinary user, as whom a job may run: number 1000
    chroot "$tree" useradd --create-home --shell /bin/bash job
    # what is made at first start must not be the same everywhere, and package lists are not needed
    rm -rf "$tree.log" "$tree"/etc/ssh/ssh_host_* "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
    tar --directory "$tree" --create . |
        podman import --quiet --change 'CMD ["bash"]' --change "LABEL openpai.input=$input" - "$image" >&2
fi
echo "$image"

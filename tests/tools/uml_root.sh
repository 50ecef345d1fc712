#!/usr/bin/env bash
# Make build/uml/root, the root directory of the guests that uml_boot.sh starts: the image of this tree with everything for
# storages, and the modules of the guests' kernel. A second run with the same input makes nothing. Prints the directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CONTAINERS_CONF="${CONTAINERS_CONF:-$PWD/tests/tools/containers.conf}"

command -v linux.uml >/dev/null || {
    echo "uml_root.sh: there is no linux.uml, a Linux kernel that runs as a program: apt-get install user-mode-linux" \
        "(Debian or Ubuntu on x86-64; elsewhere leave this out with SKIP=kernel_mounts)" >&2
    exit 1
}
modules=/usr/lib/uml/modules/$(linux.uml --version)
[[ -d "$modules" ]] || { echo "uml_root.sh: there is no $modules: install user-mode-linux again" >&2; exit 1; }

image=$(tests/tools/image.sh "" storage)
root="$PWD/build/uml/root"
input=$(printf '%s\n' "$(<"$0")" "$(<tests/tools/uml_init.sh)" "$modules" "$(stat --format %Y "$modules")" \
    "$(podman image inspect --format '{{.Id}}' "$image")" | sha256sum | cut -d' ' -f1)
if [[ "$(cat "$root/uml.input" 2>/dev/null || true)" != "$input" ]]; then
    echo "== making $root" >&2
    rm -rf "$root"
    mkdir -p "$root"
    container=$(podman create --network none "$image")
    trap 'podman rm "$container" >/dev/null' EXIT
    podman export "$container" | tar --extract --directory "$root"
    mkdir -p "$root/lib/modules" # or the copy would be one level too high
    cp -a "$modules" "$root/lib/modules/"
    chroot "$root" depmod "${modules##*/}"
    install tests/tools/uml_init.sh "$root/sbin/uml_init"
    echo "$input" >"$root/uml.input"
fi
echo "$root"

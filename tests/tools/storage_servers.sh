#!/usr/bin/env bash
# Make DIRECTORY/azurite and DIRECTORY/moto, servers of Azure Blob Storage and S3 that run in containers of the image IMAGE
# (see image.sh). They come from npm and PyPI by this machine's own settings; a second run with the same versions does nothing.
#   storage_servers.sh DIRECTORY IMAGE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CONTAINERS_CONF="${CONTAINERS_CONF:-$PWD/tests/tools/containers.conf}"

directory=$1
image=$2
azurite=3.35.0 # the last that Debian 12's nodejs (18) runs
moto=5.2.5

command -v npm >/dev/null || {
    echo "storage_servers.sh: npm is missing, which the Azure server comes by: apt-get install --no-install-recommends npm" >&2
    exit 1
}
# the servers run with the image's Python, which need not be this one
python=$(podman run --rm --network none --entrypoint python3 "$image" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

made() { # NAME INPUT
    [[ "$(cat "$directory/$1.input" 2>/dev/null || true)" == "$2" ]] && return
    echo "== making $1" >&2
    rm -rf "${directory:?}/$1" "$directory/$1.input"
    mkdir -p "$directory/$1"
    return 1
}

if ! made azurite "$azurite"; then
    npm install --silent --no-fund --no-audit --ignore-scripts --omit=dev --prefix "$directory/azurite" "azurite@$azurite" >&2
    echo "$azurite" >"$directory/azurite.input"
fi
if ! made moto "$moto $python"; then
    # what the server of moto needs for S3; its extra "server" would bring 180 MB more
    python -m pip install --disable-pip-version-check -qq --only-binary=:all: --python-version "$python" \
        --target "$directory/moto" "moto[s3]==$moto" flask flask-cors
    echo "$moto $python" >"$directory/moto.input"
fi

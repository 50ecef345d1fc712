#!/usr/bin/env bash
# Build localhost/openpai-runtime:test from the Containerfile on the debootstrapped base. Prints the image's name.
# VARIANT, one of base_image.sh, is the tag instead of test.
# The wheels are downloaded here, for the Python of the base, so that the build needs no network and no certificates.
#   image.sh [CODENAME [VARIANT]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CONTAINERS_CONF="${CONTAINERS_CONF:-$PWD/tests/tools/containers.conf}"

image="localhost/openpai-runtime:${2:-test}"
base=$(tests/tools/base_image.sh "$@")
python=$(podman run --rm --network none "$base" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

wheels="$PWD/build/wheels/$python-$(cat requirements.txt constraints.txt | sha256sum | cut -c1-12)"
if [[ ! -d "$wheels" ]]; then
    python -m pip download -qq --only-binary=:all: --python-version "$python" --dest "$wheels.part" --requirement requirements.txt
    mv "$wheels.part" "$wheels"
fi

before=$(podman image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
podman build --quiet --network none --tag "$image" --build-arg "BASE=$base" \
    --volume "$wheels:/wheels:ro" --build-arg 'PIP_OPTIONS=--no-index --find-links /wheels' . >/dev/null
after=$(podman image inspect --format '{{.Id}}' "$image")
if [[ "$before" != "$after" ]]; then
    echo "== built $image" >&2
    # the image of an earlier tree, unless a container still runs from it
    [[ -z "$before" ]] || podman image rm "$before" >/dev/null 2>&1 || true
fi
echo "$image"

#!/usr/bin/env bash
# The whole life of a task with the oldest and the newest ansible-core that this Python can run; the locked one is what all
# other tests use. meta/runtime.yml names the oldest that we support.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

oldest=$(sed -n 's/^requires_ansible: ">=\(.*\)"$/\1/p' meta/runtime.yml)
locked=$(sed -n 's/^ansible-core==//p' constraints.txt)
tested=" $locked "

try() { # NAME REQUIREMENT
    local home="build/versions/$1"
    [[ -x $home/bin/python ]] || python -m venv "$home"
    "$home/bin/python" -m pip install --disable-pip-version-check -qq "$2" google-re2 jmespath PyYAML
    local version
    version=$("$home/bin/python" -c 'from ansible.release import __version__; print(__version__)')
    if [[ $tested == *" $version "* ]]; then
        echo "$1: ansible-core $version, tested already"
        return
    fi
    tested+="$version "
    echo "$1: ansible-core $version"
    PAI_TEST_PYTHON="$PWD/$home/bin/python" python -m pytest -q tests/unit/test_whole_life.py
}

# the first minor version from the oldest on that supports this Python
minor=${oldest#2.}
minor=${minor%.*}
until python -m pip download --disable-pip-version-check -qq --no-deps --dest build/versions/wheels "ansible-core==2.$minor.*" 2>/dev/null; do
    minor=$((minor + 1))
    [[ $minor -lt 40 ]] || { echo "no ansible-core from $oldest on can be downloaded" >&2; exit 1; }
done
try oldest "ansible-core==2.$minor.*"
try newest "ansible-core"

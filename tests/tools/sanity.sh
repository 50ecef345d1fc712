#!/usr/bin/env bash
# ansible-test sanity on the exported collection, then the proof that validate-modules looked at every module.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
home="$root/build/sanity/home"
python tests/tools/pip_settings.py "$home/.config/pip/pip.conf"
# ansible-test keeps its environments in the home directory; they belong to the build
export HOME="$home"

# ansible-test would skip its shellcheck test silently
command -v shellcheck >/dev/null || { echo "shellcheck is missing: make installs it into .venv" >&2; exit 1; }

# ansible-test fetches get-pip.py to fill its environments. This stand-in does the same with the pip wheel that pip itself
# downloads, so that mirrors and certificates are the machine's own.
version=$(sed -n 's/^pip==//p' constraints.txt)
wheels="$root/build/sanity/wheels"
stand_in="$HOME/.ansible/test/cache/get_pip_${version//./_}.py"
if [[ ! -e "$stand_in" ]]; then
    mkdir -p "$(dirname "$stand_in")"
    python -m pip --disable-pip-version-check download --quiet --no-deps --dest "$wheels" "pip==$version"
    cat >"$stand_in" <<PYTHON
import sys
sys.path.insert(0, "$wheels/pip-$version-py3-none-any.whl")
from pip._internal.cli.main import main
sys.exit(main(["install", *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))]))
PYTHON
fi

run_sanity() { # COLLECTION ARGUMENT...
    cd "$1"
    # a repository of its own: by the one around it every file here is ignored, and nothing would be checked
    git init --quiet
    ansible-test sanity --color no --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "${@:2}"
}

collection=$(tests/tools/export.sh "$root/build/sanity")
(run_sanity "$collection")

# The proof: in a second copy every module has lost its documentation, and the test must name each of them.
modules=("$collection"/plugins/modules/*.py)
[[ -e "${modules[0]}" ]] || { echo "the export holds no module: plugins/modules is empty or a link" >&2; exit 1; }
broken=$(tests/tools/export.sh "$root/build/sanity/broken")
for module in "$broken"/plugins/modules/*.py; do
    printf '#!/usr/bin/python\nfrom __future__ import annotations\n' >"$module"
done
found=$( (run_sanity "$broken" --test validate-modules) 2>&1) && {
    echo "validate-modules accepted modules without documentation: it does not look at them" >&2
    exit 1
}
for module in "${modules[@]}"; do
    grep -q "plugins/modules/$(basename "$module"):.*missing-documentation" <<<"$found" || {
        printf '%s\nvalidate-modules did not look at %s\n' "$found" "$(basename "$module")" >&2
        exit 1
    }
done
echo "validate-modules saw all ${#modules[@]} modules"

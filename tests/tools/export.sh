#!/usr/bin/env bash
# Make DIRECTORY/ansible_collections/openpai/runtime: the collection as it ships, with real folders where the tree has links.
# ansible-test checks nothing behind a link to a directory, and says "success". Prints the folder.
#   export.sh DIRECTORY
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

shipped=(README.md LICENSE CHANGELOG.md galaxy.yml requirements.txt constraints.txt meta playbooks plugins roles catalogue)
present=()
for path in "${shipped[@]}"; do
    [[ ! -e "$path" ]] || present+=("$path")
done

target="$1/ansible_collections/openpai/runtime"
rm -rf "$target"
mkdir -p "$target"
tar --create --dereference --exclude=__pycache__ --exclude='*.pyc' "${present[@]}" | tar --extract --directory "$target"
echo "$target"

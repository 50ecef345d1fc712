#!/usr/bin/env bash
# Build the collection from the same export that sanity checks, install it elsewhere, and run a play with the installed copy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
scratch="$root/build/collection"
rm -rf "$scratch"
mkdir -p "$scratch"

export ANSIBLE_HOME="$scratch/home" ANSIBLE_CONFIG="$scratch/ansible.cfg" ANSIBLE_LOCALHOST_WARNING=False
printf '[defaults]\ncollections_path = %s/installed\ninterpreter_python = {{ ansible_playbook_python }}\n' "$scratch" >"$ANSIBLE_CONFIG"

collection=$(tests/tools/export.sh "$scratch/export")
ansible-galaxy collection build --output-path "$scratch" "$collection"
ansible-galaxy collection install --offline --collections-path "$scratch/installed" "$scratch"/openpai-runtime-*.tar.gz

# away from the tree, so that nothing but the installed copy can answer
cp tests/tools/collection_play.yml "$scratch/play.yml"
cd "$scratch"
ansible-playbook --inventory localhost, --connection local --extra-vars "scratch=$scratch" play.yml

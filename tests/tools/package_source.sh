#!/usr/bin/env bash
# Make DIRECTORY an apt source of the named packages (not of what they depend on), so that a container without a network
# can install them. They come from this machine's own sources; a second run with the same versions downloads nothing.
#   package_source.sh DIRECTORY PACKAGE...
set -euo pipefail

directory=$1
shift
wanted() { apt-get download --print-uris "$@" 2>/dev/null; }
list=$(wanted "$@") || { apt-get update -qq && list=$(wanted "$@"); }
input=$(printf '%s\n' "$(<"$0")" "$list" | sha256sum | cut -d' ' -f1)
[[ "$(cat "$directory/input" 2>/dev/null || true)" != "$input" ]] || exit 0

echo "== downloading $*" >&2
rm -rf "$directory"
mkdir -p "$directory"
cd "$directory"
apt-get download -qq -o APT::Sandbox::User=root "$@"
for package in *.deb; do
    dpkg-deb --field "$package"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' \
        "$package" "$(stat -c %s "$package")" "$(sha256sum "$package" | cut -d' ' -f1)"
done >Packages
# no signature: the source is as trustworthy as this directory
echo "deb [trusted=yes] file:/packages ./" >sources.list
chmod -R a+rX .
echo "$input" >input

#!/bin/bash
# Start an ssh server in this container, at 127.0.0.1:2222, for storages that are to lose it.
set -euo pipefail
setsid /files/serve_files.sh /usr/local/pai/secrets/secrets.yaml /srv/data 2222 </dev/null >/dev/null 2>&1 &
until [[ "$(ssh-keyscan -p 2222 127.0.0.1 2>/dev/null)" ]]; do sleep 0.1; done

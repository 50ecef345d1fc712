#!/bin/bash
# Serve one container of Azure Blob Storage: Azurite. On the next port it has another key, which nobody knows:
# rclone before 1.61 logs in to what it takes for an emulator with the key that all emulators have, whatever it is told.
#   serve_azure.sh CONTAINER PORT
set -euo pipefail

serve() { # PORT
    node /servers/azurite/node_modules/azurite/dist/src/blob/main.js --silent --skipApiVersionCheck --disableTelemetry \
        --blobHost 0.0.0.0 --blobPort "$1" --location "/tmp/azurite-$1" </dev/null &
}
serve "$2"
AZURITE_ACCOUNTS="devstoreaccount1:$(head --bytes 64 /dev/urandom | base64 --wrap 0)" serve "$(($2 + 1))"
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_A_TYPE=azureblob RCLONE_CONFIG_A_USE_EMULATOR=true \
    RCLONE_CONFIG_A_ENDPOINT="http://127.0.0.1:$2/devstoreaccount1"
until rclone --retries 1 --low-level-retries 1 --timeout 5s --contimeout 2s mkdir "a:$1" 2>/dev/null; do sleep 0.2; done
echo "container $1 is there"
wait

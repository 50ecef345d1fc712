#!/bin/bash
# Run a module as the plugin's start does, and print its result after a line "== LABEL".
#   module.sh LABEL pai_mount|pai_mount_info
work=${PAI_RUNTIME_WORK_DIR:-/usr/local/pai/runtime.d}/storage
arguments="state_dir=$work"
[[ $2 != pai_mount ]] || arguments+=" file=$(echo "$work"/position-*.json)"
export LC_ALL=C.UTF-8 ANSIBLE_CONFIG=/opt/openpai-runtime/ansible.cfg ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3
echo "== $1"
exec /opt/openpai-runtime/.venv/bin/ansible localhost --inventory localhost, --connection local \
    --module-name "openpai.runtime.$2" --args "$arguments"

#!/bin/bash
# Send SIGNAL to the ssh server of start_server.sh and to its sessions.
#   end_server.sh SIGNAL
pkill "-$1" sshd

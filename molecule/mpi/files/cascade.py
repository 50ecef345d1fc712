"""Task 1 dies of an error of its own; the others wait for it, and say what they see of that."""

import socket
import sys
import time

INDEX, HOST, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
OTHERS = 2


def fail() -> None:
    """End in the middle of the work, when all others wait for it."""
    with socket.create_server(("", PORT)) as server:
        connections = [server.accept()[0] for _other in range(OTHERS)]
        for connection in connections:
            connection.recv(1)
        raise ValueError("batch 7 has no labels")


def follow() -> None:
    """Wait for task 1, and say what Gloo says when the connection is closed."""
    while True:
        try:
            connection = socket.create_connection((HOST, PORT))
            break
        except OSError:
            time.sleep(0.1)
    connection.send(b"1")
    connection.settimeout(60)
    connection.recv(1)
    time.sleep(0.3)
    sys.stderr.write(
        "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534]"
        f" Connection closed by peer [{HOST}]:{PORT}\n"
    )
    sys.exit(1)


if INDEX == "1":
    fail()
follow()

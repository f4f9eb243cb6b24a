"""Opens the loopback listeners the platform wants to serve and hands them out."""

import _socket as socket  # The module around it takes longer to load than all that is done here.
import os
import sys

_is_on_host = "SKERRY_MOUNTS" in os.environ


def hand_out():
    """Sends each listener over Node's IPC pipe (descriptor 3), says "booted" and closes the pipe.

    Node's form of a message with a handle is a JSON line of its own making with the descriptor
    attached; each is acknowledged before the next may follow (lib/internal/child_process.js).
    """
    pipe = socket.socket(fileno=3)
    ports = [int(port) for port in os.environ.get("SKERRY_LISTENERS", "").split(",") if port]
    for port in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0 if _is_on_host else port))
        listener.listen(511)
        message = f'"listener":{port}'
        if _is_on_host:
            message += f',"port":{listener.getsockname()[1]}'
        line = f'{{"cmd":"NODE_HANDLE","type":"net.Native","msg":{{{message}}}}}\n'
        descriptor = listener.fileno().to_bytes(4, sys.byteorder)
        pipe.sendmsg([line.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
        _read_line(pipe)
        listener.close()
    pipe.sendall(b'{"booted":true}\n')
    pipe.close()
    os.environ.pop("NODE_CHANNEL_FD", None)


def _read_line(pipe):
    """One acknowledgement; the platform says nothing else on this pipe."""
    line = b""
    while not line.endswith(b"\n"):
        piece = pipe.recv(1024)
        if not piece:
            raise SystemExit("the platform closed the boot pipe")
        line += piece

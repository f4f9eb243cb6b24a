"""Opens the loopback listeners the platform wants to serve and hands them out."""

import json
import os
import socket

from .places import is_on_host


def hand_out():
    """Sends each listener over Node's IPC pipe (descriptor 3), says "booted" and closes the pipe.

    Node's form of a message with a handle is a JSON line of its own making with the descriptor
    attached; each is acknowledged before the next may follow (lib/internal/child_process.js).
    """
    with socket.socket(fileno=3) as pipe:
        ports = [int(port) for port in os.environ.get("SKERRY_LISTENERS", "").split(",") if port]
        for port in ports:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", 0 if is_on_host else port))
                listener.listen(511)
                message = {"listener": port}
                if is_on_host:
                    message["port"] = listener.getsockname()[1]
                wrapped = {"cmd": "NODE_HANDLE", "type": "net.Server", "msg": message}
                socket.send_fds(pipe, [_line(wrapped)], [listener.fileno()])
                _read_line(pipe)
        pipe.sendall(_line({"booted": True}))
    os.environ.pop("NODE_CHANNEL_FD", None)


def _line(message):
    return json.dumps(message).encode() + b"\n"


def _read_line(pipe):
    """One acknowledgement; the platform says nothing else on this pipe."""
    line = b""
    while not line.endswith(b"\n"):
        piece = pipe.recv(1024)
        if not piece:
            raise SystemExit("the platform closed the boot pipe")
        line += piece

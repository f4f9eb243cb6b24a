"""Compiles this guest in a sandbox that never held anyone's code.

Sends the byte code of each module of `skerry_guest`, in the order of their names, as STREAM_DATA, and then
STREAM_END. See `python-guest.ts`, which keeps it beside the sources.
"""

import os
import py_compile
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)

from skerry_guest import channel, listeners, places  # noqa: E402

STREAM_DATA, STREAM_END = 71, 72


def _compiled(path):
    """Without a check of the source at each import: both lie in one tree that nobody changes."""
    target = os.path.join(places.place("/tmp"), "module.pyc")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(path, cfile=target, doraise=True, invalidation_mode=mode)
    with open(target, "rb") as file:
        return file.read()


if __name__ == "__main__":
    listeners.hand_out()
    channel.send(channel.READY, 0)
    folder = os.path.join(_HERE, "skerry_guest")
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".py")):
        channel.send(STREAM_DATA, 0, body=_compiled(os.path.join(folder, name)))
    channel.send(STREAM_END, 0, last=True)

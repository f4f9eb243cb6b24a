"""Where things lie: the sandbox's own paths, or the host's where there is no isolation."""

import os


def _read_mounts():
    if "SKERRY_MOUNTS" not in os.environ:
        return None
    import json

    return json.loads(os.environ["SKERRY_MOUNTS"])


_mounts = _read_mounts()

#: True when the loopback and the file system are the host's.
is_on_host = _mounts is not None


def place(path):
    """The place of a path inside; the longest mounted prefix decides."""
    if _mounts is None:
        return path
    best = ""
    for target in _mounts:
        if (path == target or path.startswith(target + "/")) and len(target) > len(best):
            best = target
    return path if best == "" else _mounts[best] + path[len(best) :]

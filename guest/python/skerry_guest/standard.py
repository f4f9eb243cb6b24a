"""The interpreter's own modules that a function finds loaded, loaded when they are first needed.

AWS's runtime imports them before it imports a function, so that a file ``json.py`` beside the function's code
never takes their place. Loading them all takes longer than starting an interpreter, and few functions need more
than some; what must stay is whose they are.
"""

import sys

from . import logs

#: What ``json``, ``logging``, ``traceback`` and ``select`` are and need.
_NAMES = frozenset(
    (
        "array collections contextlib copyreg enum functools json keyword linecache logging math operator re"
        " reprlib select string struct textwrap threading token tokenize traceback types warnings weakref"
    ).split()
)


def install(folders):
    """`folders` are where the interpreter's own modules lie. What is not loaded by now is looked for there first."""
    sys.meta_path.insert(0, _Finder(folders))
    if "logging" in sys.modules:
        logs.set_up()


class _Finder:
    def __init__(self, folders):
        self._folders = folders

    def find_spec(self, name, _path=None, _target=None):
        if name not in _NAMES:
            return None
        spec = sys.modules["_frozen_importlib_external"].PathFinder.find_spec(name, self._folders)
        if name == "logging":
            _set_up_after(spec.loader)
        return spec


def _set_up_after(loader):
    execute = loader.exec_module

    def execute_and_set_up(module):
        del loader.exec_module
        execute(module)
        logs.set_up()

    loader.exec_module = execute_and_set_up

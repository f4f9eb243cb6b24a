"""Errors in the form AWS's Python runtime reports them.

Names, messages and fields follow the public source of aws-lambda-python-runtime-interface-client
(awslambdaric/bootstrap.py and lambda_runtime_exception.py, read in November 2026).
"""

import os
import sys
import time

from . import marshal

_own_directory = os.path.dirname(os.path.abspath(__file__))


class Fault(Exception):
    """A failure the runtime itself names, e.g. ``Runtime.HandlerNotFound``."""

    def __init__(self, name, message, trace=None):
        super().__init__(message)
        self.error_type = "Runtime." + name
        self.message = message
        self.trace = trace


def describe(request_id=""):
    """The exception being handled, as the caller will see it."""
    kind, value, trace = sys.exc_info()
    if isinstance(value, Fault):
        return make(value.error_type, value.message, value.trace, request_id)
    import traceback  # An error is rare, and loading this takes as long as a small interpreter does to start.

    frames = traceback.extract_tb(trace)
    # The customer's part begins behind the last of our own frames at the top.
    while frames and _is_ours(frames[0].filename):
        frames = frames[1:]
    plain = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
    return make(kind.__name__, str(value), traceback.format_list(plain), request_id)


def make(error_type, message, trace=None, request_id=""):
    return {
        "errorMessage": message or "",
        "errorType": error_type,
        "requestId": request_id or "",
        "stackTrace": trace or [],
    }


def log(error):
    """One log event; line breaks inside are carriage returns, indentation is no-break spaces."""
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        record = {"timestamp": stamp, "level": "ERROR", **error}
        sys.stdout.write(marshal.to_json(record) + "\n")
        return
    head = "[ERROR]"
    if error["errorType"]:
        head += " " + error["errorType"]
    if error["errorMessage"]:
        head += (":" if error["errorType"] else "") + " " + error["errorMessage"]
    lines = [head, "Traceback (most recent call last):"]
    for element in error["stackTrace"]:
        lines += [_indented(line) for line in element.splitlines()]
    sys.stdout.write("\r".join(lines).replace("\n", "\r") + "\n")


def _indented(line):
    stripped = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(stripped)) + stripped


def _is_ours(filename):
    # importlib stands between us and a module that fails while it is imported.
    return filename.startswith(_own_directory) or "importlib" in filename

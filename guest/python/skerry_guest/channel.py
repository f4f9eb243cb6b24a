"""Frames as described in ../../CHANNEL.md, over blocking reads and writes."""

import os
import struct

SPECIALISE, INVOKE = 1, 2
READY, INITIALISED, INIT_ERROR, RESPONSE, ERROR = 65, 66, 67, 68, 69
RESTART = 74

HANDLER, VARIABLE, RESTARTED = 1, 4, 5
REQUEST_ID, FUNCTION_ARN, DEADLINE_MS, TRACE_HEADER = 10, 11, 12, 13
CLIENT_CONTEXT, COGNITO_IDENTITY = 14, 15
ERROR_TYPE, ERROR_MESSAGE, CONTENT_TYPE, PHASE = 20, 21, 22, 30

DESCRIPTOR = 4
_HEADER = struct.Struct("<IBBHII")
_FIELD = struct.Struct("<BI")
#: Longest error message repeated in the metadata; the body has all of it.
MESSAGE_CHARACTERS_MAX = 64 * 1024


class Frame:
    __slots__ = ("kind", "number", "fields", "variables", "body")

    def __init__(self, kind, number, metadata, body):
        self.kind = kind
        self.number = number
        self.body = body
        self.fields = {}
        self.variables = {}
        at = 0
        while at < len(metadata):
            field, length = _FIELD.unpack_from(metadata, at)
            at += _FIELD.size
            text = bytes(metadata[at : at + length]).decode("utf-8", "surrogateescape")
            at += length
            if field == VARIABLE:
                name, _, value = text.partition("=")
                self.variables[name] = value
            else:
                self.fields[field] = text


def read():
    """The next frame; a channel that closed ends the process."""
    length, kind, _flags, _reserved, number, metadata_length = _HEADER.unpack(_read(_HEADER.size))
    content = _read(length)
    view = memoryview(content)
    return Frame(kind, number, view[:metadata_length], view[metadata_length:])


def send(kind, number, fields=(), body=b"", last=False):
    """Waits while the platform is not reading: that is the flow control."""
    parts = [b""]
    size = 0
    for field, text in fields:
        encoded = text.encode("utf-8", "surrogateescape")
        parts.append(_FIELD.pack(field, len(encoded)))
        parts.append(encoded)
        size += _FIELD.size + len(encoded)
    parts[0] = _HEADER.pack(size + len(body), kind, 1 if last else 0, 0, number, size)
    if len(body) < 64 * 1024:
        parts.append(body)
        _write(b"".join(parts))
    else:
        _write(b"".join(parts))
        _write(body)


def error_fields(error):
    return [
        (ERROR_TYPE, error["errorType"]),
        (ERROR_MESSAGE, error["errorMessage"][:MESSAGE_CHARACTERS_MAX]),
    ]


def _read(size):
    buffer = bytearray(size)
    view = memoryview(buffer)
    filled = 0
    while filled < size:
        count = os.readv(DESCRIPTOR, [view[filled:]])
        if count == 0:
            os._exit(0)
        filled += count
    return buffer


def _write(content):
    view = memoryview(content)
    while view:
        view = view[os.write(DESCRIPTOR, view) :]

"""Frames as described in ../../CHANNEL.md, over blocking reads and writes."""

import os
import struct

SPECIALISE, INVOKE, RECALL = 1, 2, 3
READY, INITIALISED, INIT_ERROR, RESPONSE, ERROR = 65, 66, 67, 68, 69
RESTART, RECALLED, HTTP = 74, 75, 76

HANDLER, VARIABLE, RESTARTED, CONCURRENCY = 1, 4, 5, 6
REQUEST_ID, FUNCTION_ARN, DEADLINE_MS, TRACE_HEADER = 10, 11, 12, 13
CLIENT_CONTEXT, COGNITO_IDENTITY, WANTS_HTTP = 14, 15, 17
ERROR_TYPE, ERROR_MESSAGE, CONTENT_TYPE, PHASE = 20, 21, 22, 30
HEAD, IS_BASE64, OUTPUT_MARK, TOOK_US = 40, 41, 43, 44

DESCRIPTOR = 4
HEADER = struct.Struct("<IBBHII")
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
    """The next frame; what was queued leaves first. A channel that closed ends the process."""
    while True:
        frame = _take()
        if frame is not None:
            return frame
        flush()
        _receive()


def waiting():
    """A frame that has already arrived, or None."""
    import select  # Few functions are so slow, and have so many calls, that anything may be waiting.

    frame = _take()
    if frame is None and select.select([DESCRIPTOR], [], [], 0)[0]:
        _receive()
        frame = _take()
    return frame


def send(kind, number, fields=(), body=b"", last=False):
    """Queues a frame; `flush`, or waiting for the next one, sends all of them with one call."""
    encoded = [(field, text.encode("utf-8", "surrogateescape")) for field, text in fields]
    size = sum(_FIELD.size + len(text) for _, text in encoded)
    _queued.append(HEADER.pack(size + len(body), kind, 1 if last else 0, 0, number, size))
    for field, text in encoded:
        _queued.append(_FIELD.pack(field, len(text)))
        _queued.append(text)
    _queued.append(body)
    if last or len(body) > QUEUED_BYTES_MAX:
        flush()


def write(raw):
    """A whole frame as it is."""
    _queued.append(raw)
    flush()


def parse(raw):
    _length, kind, _flags, _reserved, number, metadata_length = HEADER.unpack_from(raw)
    content = memoryview(raw)[HEADER.size :]
    return Frame(kind, number, content[:metadata_length], content[metadata_length:])


def renumber(raw, kind, number):
    """The same content as a frame of another kind."""
    length, _kind, _flags, _reserved, _number, metadata_length = HEADER.unpack_from(raw)
    return HEADER.pack(length, kind, 0, 0, number, metadata_length) + raw[HEADER.size :]


def flush():
    """Waits while the platform is not reading: that is the flow control."""
    if not _queued:
        return
    view = memoryview(b"".join(_queued))
    _queued.clear()
    while view:
        view = view[os.write(DESCRIPTOR, view) :]


def error_fields(error):
    return [
        (ERROR_TYPE, error["errorType"]),
        (ERROR_MESSAGE, error["errorMessage"][:MESSAGE_CHARACTERS_MAX]),
    ]


#: A frame larger than this does not wait for others.
QUEUED_BYTES_MAX = 16 * 1024
_READ_BYTES = 64 * 1024
_received = bytearray()
_queued = []


def _take():
    """A whole frame out of what has been received, or None."""
    if len(_received) < HEADER.size:
        return None
    length, kind, _flags, _reserved, number, metadata_length = HEADER.unpack_from(_received)
    end = HEADER.size + length
    if len(_received) < end:
        return None
    content = memoryview(bytes(_received[HEADER.size : end]))
    del _received[:end]
    return Frame(kind, number, content[:metadata_length], content[metadata_length:])


def _receive():
    content = os.read(DESCRIPTOR, max(_READ_BYTES, _missing()))
    if not content:
        os._exit(0)
    _received.extend(content)


def _missing():
    """Bytes of a large frame still to come."""
    if len(_received) < HEADER.size:
        return 0
    return HEADER.size + HEADER.unpack_from(_received)[0] - len(_received)

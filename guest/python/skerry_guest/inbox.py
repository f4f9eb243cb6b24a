"""Invocations in order, one at a time, with the inbox of ../../CHANNEL.md."""

import sys
import time
from _collections import deque  # The module around it loads five more.

from . import channel

#: After so long a function what is already answered leaves before the next invocation begins.
ANSWERS_HELD_SECONDS = 0.00025
#: After so long a function the platform may have asked for the rest of the inbox back.
RECALL_SECONDS = 0.002


def invocations():
    """Yields INVOKE frames; the consumer has finished with one when it asks for the next."""
    inbox = deque()
    began = time.perf_counter()
    while True:
        took = time.perf_counter() - began
        if took > ANSWERS_HELD_SECONDS:
            channel.flush()
        if took > RECALL_SECONDS:
            _look(inbox)
        while not inbox:
            _sort(channel.read(), inbox)
        began = time.perf_counter()
        yield inbox.popleft()


def _look(inbox):
    """Takes in everything that has arrived."""
    frame = channel.waiting()
    while frame is not None:
        _sort(frame, inbox)
        frame = channel.waiting()


def _sort(frame, inbox):
    if frame.kind == channel.INVOKE:
        inbox.append(frame)
    elif frame.kind == channel.RECALL:
        # Nothing runs while this is read: the first one counts as begun.
        channel.send(channel.RECALLED, inbox[1].number if len(inbox) > 1 else 0)
        channel.flush()
        while len(inbox) > 1:
            inbox.pop()
    else:
        sys.exit(1)

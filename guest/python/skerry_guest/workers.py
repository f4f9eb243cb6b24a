"""Several invocations side by side, each in a process of its own, as Lambda's Python runtime has it: "Each
concurrent request runs in a separate process with its own memory space and initialization" (developer guide,
"Python runtime for Lambda Managed Instances", read in November 2026). Threads would share what customers wrote for
one invocation at a time.

This process runs none of the customer's code. It starts workers by forking, each of which becomes the function
by itself, and passes frames between them and the platform. A worker talks as a guest of its own, on the same
descriptor; there are as many as there have been invocations side by side.
"""

import os
import select
import signal
import socket
import sys

from . import channel, errors, marshal

_READ_BYTES = 256 * 1024
#: What Go's runtime calls them, and so AWS: "signal: killed".
_SIGNAL_TEXTS = {"SIGKILL": "killed", "SIGTERM": "terminated", "SIGSEGV": "segmentation fault", "SIGABRT": "aborted"}


class _Frames:
    """Whole frames out of what arrives on a socket, as bytes."""

    def __init__(self):
        self._received = bytearray()

    def push(self, content):
        self._received.extend(content)

    def __iter__(self):
        size = channel.HEADER.size
        while len(self._received) >= size:
            length, kind, _flags, _reserved, number, _metadata = channel.HEADER.unpack_from(self._received)
            if len(self._received) < size + length:
                return
            raw = bytes(self._received[: size + length])
            del self._received[: size + length]
            yield kind, number, raw


class _Worker:
    """One process, from its fork to its end."""

    def __init__(self, pid, sock):
        self.pid = pid
        self.socket = sock
        self.frames = _Frames()
        self.is_ready = False
        #: The INVOKE it has been given and not answered.
        self.call = None


class Dispatcher:
    """Hands each invocation to a worker that has none."""

    def __init__(self, become):
        """`become` makes the calling process the function; it returns only in this process."""
        self._become = become
        self._workers = {}
        self._idle = []
        self._platform = _Frames()
        self._poll = select.poll()
        self._wakeup, self._alarm = socket.socketpair()
        self._has_told_init = False

    def run(self):
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)
        self._poll.register(channel.DESCRIPTOR, select.POLLIN)
        self._poll.register(self._wakeup, select.POLLIN)
        self._start()
        while True:
            for descriptor, _events in self._poll.poll():
                if descriptor == channel.DESCRIPTOR:
                    self._hear_platform()
                elif descriptor == self._wakeup.fileno():
                    self._hear_ends()
                elif descriptor in self._workers:
                    self._hear_worker(self._workers[descriptor])

    def _start(self):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (self._wakeup, self._alarm, ours, *(one.socket for one in self._workers.values())):
                each.close()
            os.dup2(theirs.fileno(), channel.DESCRIPTOR, inheritable=False)
            theirs.close()
            self._become()
            os._exit(1)
        theirs.close()
        worker = _Worker(pid, ours)
        self._workers[ours.fileno()] = worker
        self._poll.register(ours, select.POLLIN)
        return worker

    def _hear_platform(self):
        content = os.read(channel.DESCRIPTOR, _READ_BYTES)
        if not content:
            os._exit(0)
        self._platform.push(content)
        for kind, number, raw in self._platform:
            if kind == channel.INVOKE:
                self._give(number, raw)
            elif kind == channel.RECALL:
                channel.send(channel.RECALLED, 0)
                channel.flush()
            else:
                sys.exit(1)

    def _give(self, number, raw):
        worker = self._take_idle() or self._start()
        worker.call = (number, raw)
        if worker.is_ready:
            self._send(worker)

    def _take_idle(self):
        while self._idle:
            worker = self._idle.pop()
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid == 0:
                return worker
            self._bury(worker, os.waitstatus_to_exitcode(status))
        return None

    def _send(self, worker):
        try:
            worker.socket.sendall(worker.call[1])
        except OSError:
            pass  # it has ended, which is told by its signal

    def _hear_worker(self, worker, is_over=False):
        """Passes on what a worker said; to its last byte when it has ended."""
        while True:
            try:
                content = worker.socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                content = b""
            if not content:
                # Why is told by its signal; until then there is nothing to hear.
                if not is_over:
                    self._poll.unregister(worker.socket)
                return
            worker.frames.push(content)
            for kind, number, raw in worker.frames:
                self._pass_on(worker, kind, number, raw)

    def _pass_on(self, worker, kind, number, raw):
        if kind == channel.INITIALISED:
            worker.is_ready = True
            self._tell_init(raw)
            if worker.call:
                self._send(worker)
            else:
                self._idle.append(worker)
        elif kind == channel.INIT_ERROR:
            self._fail_init(worker, raw)
        elif worker.call and number == worker.call[0]:
            worker.call = None
            self._idle.append(worker)
            channel.write(raw)

    def _tell_init(self, raw):
        """The function is ready when one worker is."""
        if not self._has_told_init:
            self._has_told_init = True
            channel.write(raw)

    def _fail_init(self, worker, raw):
        if not self._has_told_init:
            channel.write(raw)
            os._exit(1)
        if worker.call:
            number, _ = worker.call
            worker.call = None
            channel.write(channel.renumber(raw, channel.ERROR, number))

    def _hear_ends(self):
        try:
            self._wakeup.recv(_READ_BYTES)
        except BlockingIOError:
            pass
        for worker in list(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid == worker.pid:
                self._bury(worker, os.waitstatus_to_exitcode(status))

    def _bury(self, worker, code):
        self._hear_worker(worker, is_over=True)
        del self._workers[worker.socket.fileno()]
        if worker in self._idle:
            self._idle.remove(worker)
        try:
            self._poll.unregister(worker.socket)
        except KeyError:
            pass
        worker.socket.close()
        if not self._has_told_init:
            # What ends during init ends the environment, by the same means where there is a code.
            os._exit(code) if code >= 0 else os.kill(os.getpid(), -code)
            os._exit(1)
        if worker.call:
            self._tell_exit(worker.call, code)

    def _tell_exit(self, call, code):
        """One worker's end is one invocation's; the others go on."""
        number, raw = call
        request_id = channel.parse(raw).fields.get(channel.REQUEST_ID, "")
        error = {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {_reason(code)}"}
        errors.log({**error, "requestId": request_id})
        body = marshal.to_json(error).encode("utf-8")
        channel.send(channel.ERROR, number, channel.error_fields(error), body)
        channel.flush()


def _reason(code):
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    name = signal.Signals(-code).name
    return f"Runtime exited with error: signal: {_SIGNAL_TEXTS.get(name, name)}"

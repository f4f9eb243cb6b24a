"""What an attacker in Python can use up. Everything is bounded by what it is given."""

import ctypes
import errno
import fcntl
import mmap
import os
import select
import signal
import socket
import threading
import time

kept = []
mib = 1024 * 1024
libc = ctypes.CDLL(None, use_errno=True)


def until(most, step):
    """Repeats a step until it fails; tells how often it went well and why it ended."""
    for count in range(most):
        try:
            kept.append(step(count))
        except OSError as error:
            return {"count": count, "code": errno.errorcode.get(error.errno, str(error))}
        except Exception as error:
            return {"count": count, "code": str(error)}
    return {"count": most, "code": ""}


def call(name, *values):
    """A function of the C library that answers -1 when it fails."""
    result = getattr(libc, name)(*values)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def processes(given):
    def fork(_):
        child = os.fork()
        if child == 0:
            while True:
                signal.pause()
        return child

    return until(given["max"], fork)


def bomb(given):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


def heap(given):
    held = []
    for _ in range(given["size"]):
        held.append([object() for _ in range(43_000)])  # 16 bytes each, and 8 to point at it
    return len(held)


def buffers(given):
    for _ in range(given["size"] // 8):
        kept.append(bytearray(b"\1" * (8 * mib)))
    return len(kept)


def memfd(given):
    fd = os.memfd_create("hidden")
    block = b"\1" * mib
    for _ in range(given["size"]):
        os.write(fd, block)
    kept.append(fd)
    return os.fstat(fd).st_size // mib


def shared(given):
    memory = mmap.mmap(-1, given["size"] * mib)
    for at in range(0, given["size"] * mib, 4096):
        memory[at] = 1
    kept.append(memory)
    return given["size"]


def file(given):
    block = b"\1" * mib
    with open(given["path"], "wb") as out:
        for _ in range(given["size"]):
            out.write(block)
        out.flush()
        return os.fstat(out.fileno()).st_size // mib


def touch(given):
    with open(given["path"], "w") as out:
        out.write("x")


def inodes(given):
    folder = "/tmp/many"
    os.mkdir(folder)

    def make(count):
        os.close(os.open(f"{folder}/{count}", os.O_CREAT | os.O_WRONLY))

    return until(given["max"], make)


def fill(end, size):
    """As much as a buffer that nobody empties takes, at most `size` bytes."""
    os.set_blocking(end, False)
    block = b"\1" * 65536
    done = 0
    try:
        while done < size:
            done += os.write(end, block)
    except BlockingIOError:
        pass
    return done


def spread(given, work):
    """The same in several processes: each has descriptors of its own."""
    total = 0
    for _ in range(given["processes"]):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, str(work(given["size"] * mib // given["processes"])).encode())
            while True:
                signal.pause()
        os.close(writer)
        total += int(os.read(reader, 32) or 0)
    return total // mib


def pipes(given):
    def work(size):
        done = 0
        while done < size:
            try:
                reader, writer = os.pipe()
            except OSError:
                break
            try:
                fcntl.fcntl(writer, 1031, mib)  # F_SETPIPE_SZ
            except OSError:
                pass
            kept.append((reader, writer))
            done += fill(writer, mib)
        return done

    return spread(given, work)


def sockets(given):
    def work(size):
        done = 0
        while done < size:
            try:
                pair = socket.socketpair()
            except OSError:
                break
            kept.append(pair)
            for end in pair:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * mib)
                done += fill(end.fileno(), size)
        return done

    return spread(given, work)


def connections(given):
    """TCP over its own loopback: the kernel keeps its buffers in another account than others."""

    def work(size):
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * mib)
        done = 0
        while done < size:
            try:
                near = socket.create_connection(listener.getsockname())
                near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * mib)
                far, _ = listener.accept()
            except OSError:
                break
            kept.append((near, far))
            for end in (near, far):
                done += fill(end.fileno(), size)
        return done

    return spread(given, work)


def descriptors(given):
    return until(given["max"], lambda _: os.open("/dev/null", os.O_RDONLY))


def inotify(given):
    return until(given["max"], lambda _: call("inotify_init1", 0))


def epoll(given):
    return until(given["max"], lambda _: select.epoll())


def pipe_pairs(given):
    return until(given["max"], lambda _: os.pipe())


def timers(given):
    """Timers of the kernel; each may keep a signal pending."""

    def create(_):
        made = ctypes.c_void_p()
        event = (ctypes.c_int * 16)(0, 0, signal.SIGUSR1, 0)
        call("timer_create", 1, event, ctypes.byref(made))
        return made

    return until(given["max"], create)


def signals(given):
    """Real-time signals to itself that stay pending."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
    me = os.getpid()
    return until(given["max"], lambda _: call("sigqueue", me, int(signal.SIGRTMIN), None))


def threads(given):
    def begin(_):
        threading.stack_size(65536)
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()
        return thread

    return until(given["max"], begin)


def queues(given):
    libc.mq_open.restype = ctypes.c_int
    return until(
        given["max"], lambda count: call("mq_open", f"/queue{count}".encode(), 0o102, 0o600, None)
    )


def keys(given):
    """Keys of the kernel, by number: the C library has no name for the call."""
    ring = -2  # the process's own
    return until(
        given["max"],
        lambda count: call("syscall", 248, b"user", f"key{count}".encode(), b"x" * 64, 64, ring),
    )


def spin(given):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.monotonic() + given["ms"] / 1000

    def turn():
        while time.monotonic() < end:
            pass

    for _ in range(given.get("threads", 1) - 1):
        threading.Thread(target=turn, daemon=True).start()
    began, cpu = time.monotonic(), time.process_time()
    turn()
    return {
        "cpuMs": (time.process_time() - cpu) * 1000,
        "wallMs": (time.monotonic() - began) * 1000,
    }


def daemons(given):
    """Leaves processes behind that forked twice, hear no signal and hold its output."""
    for _ in range(given["count"]):
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() != 0:
                os._exit(0)
            script = f"trap '' TERM HUP INT; : {given['marker']}; while :; do sleep 300; done"
            os.execv("/bin/sh", ["/bin/sh", "-c", script])
        os.waitpid(child, 0)
    return given["count"]


def linger(given):
    """Goes on working after the answer."""

    def work():
        while True:
            pass

    threading.Thread(target=work, daemon=True).start()


def print_bytes(given):
    """`block` over and over until `size` are written to the output."""
    block = given["block"].encode("latin-1") * max(1, 65536 // len(given["block"]))
    done = 0
    while done < given["size"] * mib:
        done += os.write(1, block)
    return done // mib

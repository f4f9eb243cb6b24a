"""What an attacker in Python can do by itself, raw system calls included."""

import ctypes
import errno
import hashlib
import os
import resource
import signal as signals
import socket
import stat
import subprocess
import time

PATIENCE = 3
BEGINNING = 4096
WHOLE = 1 << 20
LIBC = ctypes.CDLL(None, use_errno=True)


def place(given, name="path"):
    return os.path.expandvars(given[name])


def read(given):
    length = WHOLE if given.get("whole") else BEGINNING
    with open(place(given), "rb") as file:
        return file.read(length).decode("utf8", "replace")


def list(given):
    return os.listdir(place(given))


def open_write(given):
    # Opens only: what would be written might end the machine a control runs on.
    os.close(os.open(place(given), os.O_WRONLY | os.O_NONBLOCK))
    return "opened"


def create(given):
    os.close(os.open(place(given), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink(place(given))
    return "created"


def directory(given):
    os.mkdir(place(given), 0o700)
    os.rmdir(place(given))
    return "made"


def mode(given):
    os.chmod(place(given), stat.S_IMODE(os.stat(place(given)).st_mode))
    return "changed"


def rename(given):
    os.rename(place(given), place(given, "to"))
    os.rename(place(given, "to"), place(given))
    return "renamed"


def device(given):
    os.mknod(place(given), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    os.unlink(place(given))
    return "made"


def link(given):
    os.link(place(given), place(given, "to"))
    os.unlink(place(given, "to"))
    return "linked"


def through(given):
    name = f"/tmp/through-{os.getpid()}-{time.monotonic_ns()}"
    os.symlink(place(given), name)
    try:
        os.close(os.open(name, os.O_RDONLY))
    finally:
        os.unlink(name)
    return "opened"


def target(given):
    return os.readlink(place(given))


def tcp(given):
    try:
        socket.create_connection((given["host"], given["port"]), PATIENCE).close()
    except TimeoutError:
        raise OSError(errno.ETIMEDOUT, "late") from None
    return "connected"


def route(given):
    # Connecting a datagram socket sends nothing and succeeds where there is a route.
    family = socket.AF_INET6 if ":" in given["host"] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as opened:
        opened.connect((given["host"], given["port"]))
    return "a route"


def unix(given):
    path = place(given)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.settimeout(PATIENCE)
        opened.connect("\0" + path[1:] if path.startswith("@") else path)
    return "connected"


def signal(given):
    os.kill(given["pid"], given["number"])
    return "sent"


def priority(given):
    current = os.getpriority(os.PRIO_PROCESS, given["pid"])
    os.setpriority(os.PRIO_PROCESS, given["pid"], current)
    return "changed"


def affinity(given):
    return sorted(os.sched_getaffinity(given["pid"]))


def run(given):
    ended = subprocess.run(given["command"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return {"status": ended.returncode, "output": ended.stdout.decode("utf8", "replace")}


def leave(given):
    """Ends the process that runs the function; the next call needs a new environment."""
    os._exit(3)


def babble(given):
    """Ill words to every descriptor it has but standard input and output."""
    told = []
    for name in os.listdir("/proc/self/fd"):
        if int(name) < 3:
            continue
        try:
            os.write(int(name), given["text"].encode())
            told.append(int(name))
        except OSError:
            pass  # Not one to write to.
    return told


def digest(given):
    """The digest of a file, in hexadecimal."""
    with open(place(given), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def environment(given):
    return dict(os.environ)


def overwrite(given):
    with open(place(given), "r+") as file:
        file.truncate(0)
        file.write(given["text"])
    return "written"


def exchange(given):
    with socket.create_connection(("127.0.0.1", given["port"]), PATIENCE) as opened:
        opened.sendall(given["text"].encode())
        return opened.makefile("rb").read(4096).decode("latin1")


def pointer(value, kept):
    """7 · {"text": "/tmp"} · {"zero": 64} · {"hex": "00ff"} · "self" """
    if value == "self":
        return os.getpid()
    if isinstance(value, int):
        return value
    if "text" in value:
        memory = ctypes.create_string_buffer(value["text"].encode())
    elif "zero" in value:
        memory = ctypes.create_string_buffer(value["zero"])
    else:
        memory = ctypes.create_string_buffer(bytes.fromhex(value["hex"]))
    kept.append(memory)
    return ctypes.addressof(memory)


def call_in_child(number, values):
    """One call in a process of its own, for some end it and some never return."""
    kept = []
    words = [ctypes.c_long(number)] + [ctypes.c_long(pointer(value, kept)) for value in values]
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    pid = os.fork()
    if pid == 0:
        os.close(2)
        ctypes.set_errno(0)
        failed = LIBC.syscall(*words) == -1
        os.write(writer, str(ctypes.get_errno() if failed else 0).encode())
        os._exit(0)
    os.close(writer)
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            try:
                text = os.read(reader, 8)
            except BlockingIOError:
                text = b""
            if text or done:
                if not done:
                    os.kill(pid, signals.SIGKILL)
                    os.waitpid(pid, 0)
                return int(text) if text else f"ended by {os.waitstatus_to_exitcode(status)}"
            if time.monotonic() > deadline:
                os.kill(pid, signals.SIGKILL)
                os.waitpid(pid, 0)
                return "blocks"
            time.sleep(0.0001)
    finally:
        os.close(reader)


def syscall(given):
    outcome = call_in_child(given["number"], given.get("values") or [-1] * 6)
    if isinstance(outcome, int) and outcome > 0:
        raise OSError(outcome, os.strerror(outcome))
    return "ok" if outcome == 0 else outcome


def dump(given):
    """Raises the limit as far as it goes and has a process of its own crash in /tmp."""
    pid = os.fork()
    if pid == 0:
        os.chdir("/tmp")
        for limits in ((-1, -1), (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2):
            try:
                resource.setrlimit(resource.RLIMIT_CORE, limits)
                break
            except (OSError, ValueError):
                pass
        number = getattr(signals, "SIG" + given["text"])
        signals.signal(number, signals.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    for name in os.listdir("/tmp"):
        if name.startswith("core"):
            os.unlink(f"/tmp/{name}")
    return "dumped" if os.WCOREDUMP(status) else f"ended by {os.waitstatus_to_exitcode(status)}"


def sockets(given):
    outcomes = {}
    for family in range(given["from"], given["until"]):
        for kind in given["types"]:
            for protocol in given["protocols"]:
                ctypes.set_errno(0)
                opened = LIBC.socket(family, kind, protocol)
                if opened >= 0:
                    os.close(opened)
                outcomes[f"{family} {kind} {protocol}"] = str(
                    ctypes.get_errno() if opened < 0 else 0
                )
    return outcomes


def each(given):
    skipped = tuple(given.get("skip") or ())
    for folder, names, files in os.walk(given["path"]):
        names[:] = [name for name in names if os.path.join(folder, name) not in skipped]
        if folder not in skipped:
            yield folder
        for name in files + [each for each in names if os.path.islink(os.path.join(folder, each))]:
            yield os.path.join(folder, name)


def walk(given):
    """Every entry below a path, as "type mode path"; links with their target."""
    kinds = {stat.S_IFDIR: "d", stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFSOCK: "s"}
    kinds[stat.S_IFIFO] = "p"
    entries = []
    for path in each(given):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            entries.append(f"l {path} -> {os.readlink(path)}")
        else:
            kind = kinds.get(stat.S_IFMT(mode), "-")
            entries.append(f"{kind} {stat.S_IMODE(mode):04o} {path}")
    return entries


def search(given):
    """The files that hold one of the needles, as "path: needle"."""
    found, files, size = [], 0, 0
    for path in each(given):
        try:
            # The map of a process's pages to memory is numbers only, and enormous.
            if not stat.S_ISREG(os.lstat(path).st_mode) or path.endswith("/pagemap"):
                continue
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                text = file.read(64 << 20)
        except OSError:
            continue
        files, size = files + 1, size + len(text)
        found += [f"{path}: {needle}" for needle in given["needles"] if needle.encode() in text]
    return {"found": found, "files": files, "bytes": size}

"""Forks as many processes as the argument says, kills them all, and prints how many milliseconds
passed until the last was gone: what the kernel needs without any sandbox."""
import os
import signal
import sys
import time

count = int(sys.argv[1])
ready, told = os.pipe()
leader = 0
for _ in range(count):
    child = os.fork()
    if child == 0:
        os.write(told, b".")
        signal.pause()
        os._exit(0)
    leader = leader or child
    os.setpgid(child, leader)
arrived = 0
while arrived < count:
    arrived += len(os.read(ready, count))
begin = time.monotonic()
os.killpg(leader, signal.SIGKILL)
for _ in range(count):
    os.wait()
print((time.monotonic() - begin) * 1000)

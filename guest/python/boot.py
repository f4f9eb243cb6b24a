"""The boot program of the Python runtimes; what it does in which order is in ../CHANNEL.md."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from skerry_guest import life  # noqa: E402

if __name__ == "__main__":
    life.live()

"""The renderer that forks, with too little memory for a long report."""

import re
import socket
import sys
from pathlib import Path

from bench.reports import invented
from reports import pool, worker


def work() -> int:
    """Work with a little more memory than the process has from the start."""
    status = Path("/proc/self/status").read_text()
    worker.MEMORY = int(re.findall(r"VmSize:\s*(\d+)", status)[0]) * 1024 + 10 * 1024**2
    return worker.main()


if __name__ == "__main__":
    invented.register()
    pool.serve(socket.socket(fileno=int(sys.argv[1])), worker.prepare, work)

"""Runs one command to its end and writes what it used: processor seconds and the peak of memory, as JSON.

Usage: python -I -S benchmarks/one_process.py FILE COMMAND...

A program of its own that loads next to nothing: to Linux the peak of a process is never less than what the process that
started it held.
"""

import os
import sys

if __name__ == "__main__":
    child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
    _, status, used = os.wait4(child, 0)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(f'{{"cpu_s": {used.ru_utime + used.ru_stime}, "peak_mb": {used.ru_maxrss / 1024}}}')
    sys.exit(os.waitstatus_to_exitcode(status))

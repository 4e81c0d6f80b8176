"""The private server: shared within one folder, stopped with its last user, data kept, failures in a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisAway

from fleet_assets.adapters.redis_server import PrivateServer, connect, release
from fleet_assets.contracts.errors import ServiceError, SettingError
from fleet_assets.settings import load_settings


def wait_until_stopped(server: PrivateServer) -> None:
    deadline = time.monotonic() + 10
    while server.is_running():
        assert time.monotonic() < deadline, "the server still runs"
        time.sleep(0.02)


def test_it_stops_with_its_only_user_and_keeps_its_data(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    connect(settings).set("kept", "yes")
    release(settings)
    wait_until_stopped(PrivateServer(tmp_path / "redis"))
    assert connect(settings).get("kept") == b"yes"
    release(settings)


def test_it_stops_although_its_folder_was_removed(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "redis").start()
    server.client().set("some", "data")
    process = int(server.client().info()["process_id"])
    shutil.rmtree(tmp_path / "redis")
    server.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline, "the server still runs"
        time.sleep(0.02)


def test_a_second_user_shares_it_and_outlives_the_first(tmp_path: Path) -> None:
    first, second = PrivateServer(tmp_path).start(), PrivateServer(tmp_path).start()
    assert first.client().info()["process_id"] == second.client().info()["process_id"]
    first.close()
    time.sleep(0.3)
    assert second.client().ping()
    second.close()
    wait_until_stopped(second)
    with pytest.raises(RedisAway):
        second.client().ping()


def test_it_stops_when_its_user_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from fleet_assets.adapters.redis_server import PrivateServer;"
        "PrivateServer(pathlib.Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    user = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    assert user.stdout.readline() == "up\n"
    server = PrivateServer(tmp_path)
    assert server.is_running()
    user.kill()
    user.wait()
    wait_until_stopped(server)


def test_a_server_that_died_is_started_again_by_the_next_connect(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    client = connect(settings)
    os.kill(int(client.info()["process_id"]), 9)
    time.sleep(0.3)
    assert connect(settings).ping()
    release(settings)


def test_a_long_folder_name_still_gets_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 90) / ("b" * 90)
    server = PrivateServer(folder).start()
    assert server.client().ping()
    assert server.socket.parent.stat().st_mode & 0o077 == 0
    server.close()


def test_it_never_evicts(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path).start()
    assert server.client().config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert server.client().config_get("appendonly") == {"appendonly": "yes"}
    server.close()


def test_a_configured_server_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(ServiceError, match=r"Redis does not answer at redis://user@127\.0\.0\.1:1/0") as caught:
        connect(load_settings(redis_url="redis://user:secret@127.0.0.1:1/0"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["redis://:s3cret@x@host:here/0", "redis://host:s3cret", "redis://host/s3cret?password=s3cret&db=s3cret",
     "redis://[s3cret", "s3cret", "unix:///nowhere?password=s3cret", "redis://host:1/0?password=s3cret&db=0"],
)  # fmt: skip
def test_whatever_is_wrong_with_an_address_its_password_is_in_no_sentence(address: str) -> None:
    with pytest.raises((SettingError, ServiceError)) as refused:
        connect(load_settings(redis_url=address))
    assert "s3cret" not in str(refused.value)


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingError, match="FLEET_REDIS_URL is not a Redis address"):
        connect(load_settings(redis_url="localhost"))

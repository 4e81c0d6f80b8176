"""Stopping the UI leaves no process behind."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from fleet_assets.collector.console import Console
from fleet_assets.commands import ui
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.fleet_here import FleetHere

LEADER_ENDS_CHILD_DOES_NOT = "trap 'exit 0' INT; (trap '' INT; while :; do sleep 0.1; done) & echo up; wait"


def test_a_child_that_outlives_its_parent_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "STOP_SECONDS", 0.5)
    command = ["bash", "-c", LEADER_ENDS_CHILD_DOES_NOT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        ui.stop_ui(server)
        assert server.stdout.read() == b"", "the pipe ends with the last process that holds it"


def test_after_the_ui_was_stopped_no_daemon_is_said_to_run(
    installation: Installation, fleet_here: FleetHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_dagster_home(installation)
    with dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "it", []))
    assert json.loads(fleet_here("status", "--json").out)["runs"]["has_daemon"]
    monkeypatch.setattr(ui, "wait_until_ready", lambda *_, **__: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with subprocess.Popen(["sleep", "0.2"], start_new_session=True) as server:
            assert ui.serve(server, 3000, "", Console(quiet=True)) == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert not json.loads(fleet_here("status", "--json").out)["runs"]["has_daemon"]


def test_an_address_that_this_machine_has_not_is_refused(fleet_here: FleetHere) -> None:
    done = fleet_here("ui", "--host", "192.0.2.1", "--port", "3999")
    assert (done.code, done.err.strip()) == (1, "fleet: --host 192.0.2.1 is no address of this machine"), done

"""Stopping the UI leaves no process behind."""

from __future__ import annotations

import subprocess

import pytest

from fleet_assets.commands import ui

LEADER_ENDS_CHILD_DOES_NOT = "trap 'exit 0' INT; (trap '' INT; while :; do sleep 0.1; done) & echo up; wait"


def test_a_child_that_outlives_its_parent_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "STOP_SECONDS", 0.5)
    command = ["bash", "-c", LEADER_ENDS_CHILD_DOES_NOT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        ui.stop_ui(server)
        assert server.stdout.read() == b"", "the pipe ends with the last process that holds it"

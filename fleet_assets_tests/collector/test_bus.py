"""Opening a CAN interface: what works, and one sentence for what does not."""

from __future__ import annotations

import can
import pytest

from fleet_assets.collector.bus import BusOptions, open_bus, parse_extra
from fleet_assets.contracts.errors import ServiceError, UsageError


def test_settings_are_read_as_python_can_reads_them() -> None:
    assert parse_extra(["port=43113", "fd=true", "name=x=y", "hop-limit=2", "wait=0.5"]) == {
        "port": 43113, "fd": True, "name": "x=y", "hop_limit": 2, "wait": 0.5,
    }  # fmt: skip
    for wrong in ("port", "=1"):
        with pytest.raises(UsageError, match="is not NAME=VALUE"):
            parse_extra([wrong])


def test_a_virtual_bus_opens() -> None:
    with open_bus(BusOptions("virtual", "here", extra={"receive_own_messages": True})) as bus:
        bus.send(can.Message(arbitration_id=1))
        assert bus.recv(1) is not None


def test_an_interface_that_does_not_exist_is_wrong_use_and_the_known_ones_are_named() -> None:
    with pytest.raises(UsageError, match=r"'socketcam' does not exist; python-can knows .*socketcan,"):
        open_bus(BusOptions("socketcam", "can0"))


def test_a_device_that_is_not_there_is_a_failure_with_advice() -> None:
    with pytest.raises(
        ServiceError, match=r"socketcan can77 cannot be opened: .*; bring it up first: ip link set can77"
    ):
        open_bus(BusOptions("socketcan", "can77"))
    with pytest.raises(ServiceError, match="pcan PCAN_USBBUS1 cannot be opened"):
        open_bus(BusOptions("pcan", "PCAN_USBBUS1"))


def test_a_setting_of_the_wrong_kind_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="socketcand can0 cannot be opened with these options"):
        open_bus(BusOptions("socketcand", "can0"))

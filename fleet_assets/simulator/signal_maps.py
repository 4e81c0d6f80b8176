"""Signal maps of the simulated fleet: those the project does not ship, for the DBC of its electric cars.

Belongs here: the text of the maps. Does not belong here: how a map is read (`sources.signal_map`).
"""

from __future__ import annotations

EV_MAP = """\
# Signals of ev.dbc: traction battery, charger and drive of an electric or plug-in car.
name: ev
signals:
  - {message: BatteryStatus, signal: StateOfCharge, column: soc_pct, unit: "%"}
  - {message: BatteryStatus, signal: UsableCapacity, column: hv_capacity_kwh, unit: kWh}
  - {message: BatteryStatus, signal: BatteryTemperature, column: hv_battery_temp_c, unit: degC}
  - {message: BatteryPower, signal: BatteryVoltage, column: hv_voltage_v, unit: V}
  - {message: BatteryPower, signal: BatteryCurrent, column: hv_current_a, unit: A}
  - {message: BatteryPower, signal: BatteryPower, column: hv_power_kw, unit: kW}
  - {message: ChargeStatus, signal: ChargerConnected, column: is_charger_connected, true_values: [1]}
  - {message: ChargeStatus, signal: ChargerPower, column: charger_power_kw, unit: kW}
  - {message: ChargeStatus, signal: ChargerVoltage, column: charger_voltage_v, unit: V}
  - {message: DriveStatus, signal: IgnitionOn, column: is_ignition_on, true_values: [1]}
  - {message: DriveStatus, signal: VehicleSpeed, column: speed_kmh, unit: km/h}
  - {message: DriveStatus, signal: MotorSpeed, column: electric_motor_speed_rpm, unit: rpm}
  - {message: VehicleDistance, signal: Odometer, column: odometer_km, unit: km}
  - {message: BodyStatus, signal: AmbientTemperature, column: ambient_temp_c, unit: degC}
  - {message: BodyStatus, signal: SupplyVoltage, column: supply_voltage_v, unit: V}
"""

SIGNAL_MAPS = {"ev": EV_MAP}
"""Text per file name."""

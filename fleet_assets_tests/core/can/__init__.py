"""Tests of `fleet_assets.core.can`."""

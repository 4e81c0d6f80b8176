"""Tests of `fleet_assets.sources`."""

"""Fixtures of these tests."""

from fleet_assets_tests.fixtures.fleet_here import fleet_here

__all__ = ["fleet_here"]

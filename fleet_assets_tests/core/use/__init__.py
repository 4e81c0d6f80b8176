"""Tests of use by the hour."""

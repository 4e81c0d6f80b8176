"""The pipeline without Dagster: how each table's days are made, what is stale and why, what a stored day must satisfy.

Belongs here: all that `fleet build`, `fleet status` and the sensors share. Does not belong here: assets, runs and
sensors (`defs` wires them), pure functions over rows (`core`), files and servers (`adapters`).
"""

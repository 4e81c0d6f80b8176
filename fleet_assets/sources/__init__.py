"""Sources: each brings what its outside world says to the telemetry contract.

Belongs here: names, units and oddities of a source.
Does not belong here: transport and files (`adapters`), cleaning and everything after it (`core`).
"""

"""Input and output without Dagster: files, Redis, databases, vendor services.

Belongs here: what touches a disk, a socket or a server. Does not belong here: rules, formulas and orchestration.
"""

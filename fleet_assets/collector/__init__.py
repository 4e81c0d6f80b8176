"""Small processes that bring data in: scanner, worker, file import. They never import Dagster.

Belongs here: loops, signals, flushing and the command line of the collector. Does not belong here: meaning of values.
"""

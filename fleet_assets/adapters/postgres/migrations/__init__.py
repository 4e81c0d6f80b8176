"""The schema's history, forward-only: one file a change, applied in order by `fleet warehouse migrate` or a build.

Does not belong here: rows (the lake brings them), comments and privileges (applied anew after each migration).
A change of a contract needs a file here: `make migration NAME="add a column"` writes it.
"""

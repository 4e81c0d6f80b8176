"""Pictures: rows of tables in, a PNG out; the same ones in Dagster's UI and from `fleet plot`.

Belongs here: what is drawn. Does not belong here: choosing rows (`read`, `commands.plot`, `resources`).
"""

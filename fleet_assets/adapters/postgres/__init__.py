"""The warehouse on PostgreSQL: server and pool, schema and migrations, roles, loading of partitions, marts, queries.

Belongs here: everything that speaks to that server. Does not belong here: the models (dbt_models/) and Dagster.

    fleet           published: the lake's tables by their contract names, the marts, the analysts' views
    fleet_parts     the partitions of the lake's day tables; nobody names them
    fleet_build…    scratch of one build: marts and internal views, moved to their places when all tests hold
    fleet_meta      what was loaded and from what the marts were built, and the schema's version
    staging, intermediate    dbt's internal views
"""

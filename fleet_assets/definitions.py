"""The code location: everything in `defs/`, the resources, and policy that holds for all of it."""

import dagster as dg

from fleet_assets.project_files import project_file
from fleet_assets.resources import LakeIOManager, PlacesResource

places = PlacesResource()


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks and sensors of `defs/`; a run is one process: its steps share two cores and a warm interpreter."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=project_file("pyproject.toml").parent),
        dg.Definitions(
            resources={"places": places, "lake_io": LakeIOManager(places=places)},
            executor=dg.in_process_executor,
        ),
    )

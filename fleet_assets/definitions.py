"""The code location: everything in `defs/`, the resources, and policy that holds for all of it."""

import warnings
from pathlib import Path

import dagster as dg

from fleet_assets.resources import LakeIOManager, PlacesResource

# Data versions of outputs are marked beta; the exact Dagster version is pinned, and tests cover what is used of them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

places = PlacesResource()


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks and sensors of `defs/`; a run is one process: its steps share two cores and a warm interpreter."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(
            resources={"places": places, "lake_io": LakeIOManager(places=places)},
            executor=dg.in_process_executor,
        ),
    )

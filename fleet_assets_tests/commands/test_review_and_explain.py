"""`fleet review` and `fleet explain`, in the process of the test, on a lorry from which fuel was taken twice."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import FUEL_EVENTS, THEFT_REVIEWS
from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.fleet_here import FleetHere
from fleet_assets_tests.fixtures.robbed_fleet import LORRY, TAKEN_L, build_robbed, store_scores


@pytest.fixture
def robbed(installation: Installation) -> Installation:
    return build_robbed(installation)


def event_ids(installation: Installation) -> list[str]:
    return installation.lake.scan(FUEL_EVENTS).sort("started_at").collect()["event_id"].to_list()


def listed(out: str) -> list[str]:
    """The first column of the rows of a printed table."""
    return [line.split()[0] for line in out.splitlines() if LORRY in line]


def test_both_thefts_are_there(robbed: Installation) -> None:
    found = robbed.lake.scan(FUEL_EVENTS).sort("started_at").collect()
    assert found["kind"].to_list() == ["theft", "theft"]
    assert found["volume_l"].to_list() == pytest.approx(TAKEN_L, abs=10)


def test_the_list_begins_with_the_newest_and_with_scores_with_the_most_probable(
    robbed: Installation, fleet_here: FleetHere
) -> None:
    first, second = event_ids(robbed)
    plain = fleet_here("review", "list")
    assert (plain.code, plain.err) == (0, "")
    assert listed(plain.out) == [second, first]
    store_scores(robbed, [0.97, 0.2])
    scored = fleet_here("review", "list", "--limit", 1)
    assert listed(scored.out) == [first]
    assert "0.97" in scored.out
    assert "2 cases to look at; 1 more with --limit" in scored.out


def test_a_review_is_kept_labels_its_case_and_says_what_follows(robbed: Installation, fleet_here: FleetHere) -> None:
    first, second = event_ids(robbed)
    done = fleet_here("review", "accept", first, "--reason", "siphoned", "--note", "cap, forced", "--reviewer", "yard")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"{LORRY}, 2026-03-03 09:04 UTC: theft, siphoned. `fleet build` puts it into the tables and the next training\n"
    )
    row = robbed.reference.read(THEFT_REVIEWS).row(0, named=True)
    assert (row["event_id"], row["verdict"], row["note"], row["reviewer"]) == (first, "theft", "cap, forced", "yard")
    assert listed(fleet_here("review", "list").out) == [second]
    assert listed(fleet_here("review", "list", "--all").out) == [second, first]


def test_a_second_review_of_a_case_counts_instead_and_the_first_stays(
    robbed: Installation, fleet_here: FleetHere
) -> None:
    first, second = event_ids(robbed)
    fleet_here("review", "accept", first)
    done = fleet_here("review", "reject", first, "--reason", "sensor")
    assert "no_theft, sensor; before: theft, other." in done.out
    assert robbed.reference.read(THEFT_REVIEWS)["verdict"].to_list() == ["theft", "no_theft"]
    fleet_here("review", "reject", second)
    nothing = fleet_here("review", "list")
    assert nothing.out == "Nothing is left to review; 2 cases reviewed so far (--all shows them)\n"


def test_a_wrong_id_is_refused_with_near_ones(robbed: Installation, fleet_here: FleetHere) -> None:
    first, _ = event_ids(robbed)
    wrong = first[:-1] + ("0" if first[-1] != "0" else "1")
    for command in (("review", "accept", wrong), ("explain", wrong)):
        done = fleet_here(*command)
        assert (done.code, done.err) == (2, f"fleet: there is no event '{wrong}'; did you mean {first}?\n")
    assert robbed.reference.read(THEFT_REVIEWS).is_empty()


def test_a_reason_of_the_other_verdict_and_a_vehicle_without_cases_are_refused(
    robbed: Installation, fleet_here: FleetHere
) -> None:
    wrong = fleet_here("review", "reject", event_ids(robbed)[0], "--reason", "siphoned")
    assert wrong.code == 2
    assert "drained_for_service, moved_between_tanks, sensor, calibration, other" in wrong.err
    nobody = fleet_here("review", "list", "--vehicle", "lory-1")
    assert (nobody.code, nobody.err) == (
        2, "fleet: nothing happened to a tank of vehicle 'lory-1'; did you mean lorry-1?\n",
    )  # fmt: skip


@pytest.mark.usefixtures("installation")
def test_an_installation_without_tables_says_so(fleet_here: FleetHere) -> None:
    assert fleet_here("review", "list").out.startswith("Nothing is left to review; 0 cases reviewed")
    done = fleet_here("explain", "0123456789abcdef")
    assert done.code == 2
    assert "there are no fuel events yet: run `fleet build`" in done.err


def test_an_explanation_has_litres_probability_and_a_picture(
    robbed: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    first, second = event_ids(robbed)
    store_scores(robbed, [0.97, 0.2])
    output = tmp_path / "theft.png"
    done = fleet_here("explain", second, "--output", output)
    assert (done.code, done.err) == (0, "")
    assert "lorry-1: 39.2 l are missing, Thu 2026-03-05 10:04" in done.out
    assert "Like it in the 90 days before: 56.8 l Tue 2026-03-03 10:04." in done.out
    assert "probability of a theft 0.200" in done.out
    assert output.read_bytes().startswith(b"\x89PNG")
    gallons = fleet_here("explain", first, FLEET_UNITS="us")
    assert "lorry-1: 15.0 gal are missing" in gallons.out


def test_a_candidate_that_is_no_event_is_explained_and_drawn_too(
    robbed: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    first, _ = event_ids(robbed)
    events = robbed.lake.scan(FUEL_EVENTS).collect()
    for one in robbed.lake.days(FUEL_EVENTS):
        kept = events.filter(pl.col("closed_at").dt.date() == one, pl.col("event_id") != first)
        robbed.lake.write(FUEL_EVENTS, one, kept, "test")
    done = fleet_here("explain", first, "--output", tmp_path / "candidate.png")
    assert (done.code, done.err) == (0, "")
    assert "It is a candidate, a fall while it stood, and no fuel event." in done.out
    assert (tmp_path / "candidate.png").read_bytes().startswith(b"\x89PNG")

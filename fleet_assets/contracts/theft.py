"""Thefts: the falls of tanks that a model judges, with what is known of each.

Belongs here: declarations. Does not belong here: how a feature is computed (`core.theft.features`).
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.fuel import LOOK_BACK
from fleet_assets.contracts.schema import Column, Table

CANDIDATE_KINDS = ("fall", "slow", "unobserved", "returned", "weekly", "nights")
"""A fall while it stood; one in small steps over hours; one that nobody saw; one that was given back; the sum of a
week's or two weeks' stays; two to seven rests that lost together what none of them shows."""

SUMS = ("weekly", "nights")
"""Kinds that are sums over days: siphoning, or a leak, of which no single stay tells. They are told by their ratio, not
by the model."""

_SIZE = (
    Column("volume_l", "f64", "Litres that fell, besides what was burned; null where the tank is not known.", "l",
           low=0),
    Column("share_pct", "f64", "The fall in points of the tank.", "%", low=0),
    Column("size_over_noise", "f64", "The fall over its standard deviation.", low=0),
    Column("levels_sd_pct", "f64", "Part of the standard deviation that both levels have.", "%", low=0),
    Column("burned_sd_pct", "f64", "Part of it that burning in between has.", "%", low=0),
    Column("drift_sd_pct", "f64", "Part of it that heat has.", "%", low=0),
    Column("before_count", "i64", "Plateaus before the fall whose mean is compared.", low=0),
    Column("level_before_pct", "f64", "Level of the tank before the fall.", "%", low=0, high=100),
)  # fmt: skip

_COURSE = (
    Column("duration_s", "f64", "From the last level before the fall to the first after it.", "s", low=0),
    Column("gap_s", "f64", "Longest time without a believed level in it.", "s", low=0),
    Column("rate_pct_h", "f64", "The fall in points of the tank an hour of its duration.", "%/h", low=0),
    Column("rate_lph", "f64", "The same in litres.", "l/h", low=0),
    Column("remaining_share", "f64",
           "Part of the fall that was still there when it became final; 0: all was given back, or refuelled.", low=-2,
           high=2),
    Column("compared", "i64",
           "What was compared: 1 levels of one stay, 2 driving before and after it, 3 both sides of a silence; 0 "
           "stays of a week, or rests.", low=0, high=3),
    Column("is_moving_before", "bool", "The last level before it was taken while driving."),
    Column("is_moving_after", "bool", "The first level after it was taken while driving."),
    Column("driven_km", "f64", "Driven between both levels.", "km", low=0),
    Column("driven_before_km", "f64", "Driven in the two hours before it.", "km", low=0),
    Column("driven_after_km", "f64", "Driven after it, until it was final.", "km", low=0),
    Column("is_engine_on", "bool", "Engine running in the first level after it."),
    Column("idle_s", "f64", "Standing with the engine running between both levels.", "s", low=0),
    Column("has_counter", "bool", "What was burned is known by a counter."),
    Column("counter_less_expected_l", "f64",
           "Burned in between by the counter, less what the vehicle usually burns.", "l"),
)  # fmt: skip

_PLACE_AND_TIME = (
    Column("local_hour", "i64", "Hour of its start on the vehicle's clock.", "h", low=0, high=23),
    Column("local_weekday", "i64", "Day of the week there; 1 is Monday.", low=1, high=7),
    Column("is_at_depot", "bool", "In a zone of kind depot; null without a position."),
    Column("is_at_station", "bool", "In a zone of kind fuel_station; null without a position."),
    Column("is_at_known_place", "bool", "In any zone; null without a position."),
)

_HISTORY = (
    Column("noise_pct", "f64",
           "Root mean square of what burning did not explain between neighbouring levels, 14 days before; each counts "
           "up to three of its standard deviations.", "%", low=0),
    Column("noise_ratio", "f64", "The same in standard deviations; 1 where these say what they should.", low=0, high=3),
    Column("bias_share", "f64",
           "What burning did not explain over what was burned, 14 days before, without steps: a counter, or usual "
           "consumption, that reads low is negative."),
    Column("fault_count", "i64", "Spells of readings that were not believed, 14 days before.", low=0),
    Column("returned_per_stay", "f64", "Falls that were given back per stay of an hour and more, 14 days before.",
           low=0),
    Column("falls_per_stay", "f64", "Other falls as large as a candidate per stay, 14 days before.", low=0),
)  # fmt: skip

_FLEET = (
    Column("simultaneous_share", "f64",
           "Share of the source's other vehicles heard within 20 min of its end whose level fell then; null where none "
           "was heard.", low=0, high=1),
    Column("is_in_outage", "bool", "Its source was silent as a whole in it."),
    Column("is_of_source", "bool", "Most vehicles of the source stepped by its factor at that time."),
)  # fmt: skip

FEATURES: tuple[Column, ...] = (*_SIZE, *_COURSE, *_PLACE_AND_TIME, *_HISTORY, *_FLEET)
"""What a model may know of a candidate. None is from later than its `closed_at`, none depends on other candidates of a
batch."""

THEFT_CANDIDATES = Table(
    name="theft_candidates",
    row="One fall of a tank that may be a theft, under lower thresholds than events have, with its features.",
    key=("event_id",),
    sort=("vehicle_id", "started_at", "event_id"),
    partition_by="closed_at",
    look_back=LOOK_BACK,
    longest=LOOK_BACK + timedelta(days=1),
    final_within=timedelta(hours=25),
    is_local=True,
    columns=(
        Column("event_id", "str",
               "The id that fuel_events gives a theft of this vehicle and start, or a slow loss; sums that are no "
               "event have one of their own.",
               required=True),
        Column("vehicle_id", "str", "Vehicle of the tank.", required=True),
        Column("kind", "str", "How the tank fell.", required=True, values=CANDIDATE_KINDS),
        Column("started_at", "ts", "Last reading before the fall.", required=True),
        Column("ended_at", "ts", "First reading after it.", required=True),
        Column("closed_at", "ts", "When it became final.", required=True),
        Column("local_date", "date", "Day of started_at in the vehicle's time zone.", required=True),
        Column("zone_id", "str", "Zone the place lies in."),
        *FEATURES,
        Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
    ),
)  # fmt: skip

THEFT_SCORES = Table(
    name="theft_scores",
    row="One fall with the probability that it is a theft, by the promoted model, and what that rests on.",
    key=("event_id",),
    sort=("vehicle_id", "scored_at", "event_id"),
    partition_by="scored_at",
    columns=(
        Column("event_id", "str", "The candidate, and the fuel event of that id where there is one.", required=True),
        Column("vehicle_id", "str", "Vehicle of the tank.", required=True),
        Column("kind", "str", "How the tank fell.", required=True, values=CANDIDATE_KINDS),
        Column("started_at", "ts", "Last reading before the fall.", required=True),
        Column("ended_at", "ts", "First reading after it.", required=True),
        Column("scored_at", "ts", "When the candidate became final: nothing later counted.", required=True),
        Column("local_date", "date", "Day of started_at in the vehicle's time zone.", required=True),
        Column("probability", "f64", "Calibrated probability that it is a theft.", required=True, low=0, high=1),
        Column("model_version", "str", "The model that scored it.", required=True),
        Column("contributions", "str",
               "JSON: by feature what it adds to the log odds of the average candidate (`base`); they sum to those of "
               "the probability."),
        Column("rules_version", "str", "Rules and code of the candidate.", required=True),
    ),
)  # fmt: skip

TRAINING_ORIGINS = ("benchmark", "review")
"""Where a label is from: the truth of a simulated fleet, or a person's review of a fall of this fleet."""

THEFT_TRAINING_SET = Table(
    name="theft_training_set",
    row="One candidate of which it is known whether it was a theft, with its features then.",
    key=("fleet", "event_id"),
    columns=(
        Column("fleet", "str", "The simulated fleet (seed and size), or `own`.", required=True),
        Column("event_id", "str", "The candidate.", required=True),
        Column("origin", "str", "Where the label is from.", required=True, values=TRAINING_ORIGINS),
        Column("vehicle_id", "str", "Vehicle of the tank; with the fleet it says what is held out.",
               required=True),
        Column("started_at", "ts", "Last reading before the fall.", required=True),
        Column("kind", "str", "How the tank fell.", required=True, values=CANDIDATE_KINDS),
        Column("is_theft", "bool", "Whether it was a theft.", required=True),
        Column("is_held", "bool", "Held out: nothing is learnt from it, models are compared on it.", required=True),
        Column("weight", "f64", "How often it counts: thefts of a simulated fleet as rarely as they are in life.",
               required=True, low=0),
        *FEATURES,
        Column("rules_version", "str", "Rules and code of its features.", required=True),
    ),
)  # fmt: skip

MODEL_PARTS = ("base", "term", "threshold")
"""The log odds of the average candidate; what a stretch of a feature adds; log odds from which an alarm is raised."""

THEFT_MODEL = Table(
    name="theft_model",
    row="One number of the promoted model: the log odds of a theft are its base and one term for each feature.",
    key=("position",),
    columns=(
        Column("position", "i64", "Order of the rows.", required=True, low=0),
        Column("model_version", "str", "The promoted model.", required=True),
        Column("part", "str", "What the number is.", required=True, values=MODEL_PARTS),
        Column("feature", "str", "Feature of a term."),
        Column("low", "f64", "The feature lies above this; null: no bound. Of a threshold: the false alarms a vehicle "
               "and month that it allows."),
        Column("high", "f64", "The feature lies at or below this; null: no bound."),
        Column("is_unknown", "bool", "The term of a feature that is not known.", required=True),
        Column("log_odds", "f64", "Natural logarithm of odds.", required=True),
    ),
)  # fmt: skip

MODEL_ROLES = ("champion", "challenger", "estimator", "rule", "detector")
"""The promoted model; the newest other one; other ways to learn from the same rows; the rule of nights; rules in use
elsewhere, as recorded when the simulated fleets were made."""

THEFT_MODEL_METRICS = Table(
    name="theft_model_metrics",
    row="One figure of one model or detector on vehicles that no model has learnt from.",
    key=("role", "method", "by", "stratum", "measure"),
    columns=(
        Column("role", "str", "What is judged.", required=True, values=MODEL_ROLES),
        Column("method", "str", "Version of the model, or name of the method.", required=True),
        Column("by", "str", "What parts the thefts; `all`: nothing.", required=True),
        Column("stratum", "str", "The part.", required=True),
        Column("measure", "str", "What is told.", required=True),
        Column("value", "f64", "The figure; null where nothing tells it."),
        Column("low", "f64", "Lower bound of its interval of 95 %, where it has one."),
        Column("high", "f64", "Upper bound of it."),
        Column("count", "i64", "Thefts, or candidates, that it rests on.", low=0),
    ),
)  # fmt: skip

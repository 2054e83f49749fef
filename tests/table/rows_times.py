"""Rows 0 to 20: how long a session lasted, and what shows it."""

from __future__ import annotations

from table.expected import (
    Expected,
    approve,
    pend,
    refused,
    warn,
)
from table.more import alone
from table.row import NO_TIME, NOT_FINISHED, OTHER_DAY, SHORT, Rows
from table.world import (
    TIMEZONE,
    code,
    inner,
    insured,
    lasting,
    length,
    on,
    put,
    serviced,
    status,
    times,
    visit,
    without,
)

row = Rows()

row("0", "the base case", approve())

# --- 1 to 6: minutes

row("1", "29 minutes", SHORT, lasting(29))
row("2", "29 minutes 59 seconds", SHORT, lasting(29, 59))
row("2", "29 minutes 59.999 seconds", SHORT, times("2023-06-01T10:00:00-04:00", "2023-06-01T10:29:59.999-04:00"))
row("3", "exactly 30 minutes", approve(), lasting(30))
row("3", "30 minutes 1 second", approve(), lasting(30, 1))
row("4", "31 minutes", approve(), lasting(31))
row("5", "16 minutes", SHORT, lasting(16))
row("5", "15 minutes", SHORT, lasting(15))
row("5", "begins and ends at one instant", SHORT, lasting(0))
row("6", "0591T, 20 minutes", approve(), code("0591T"), lasting(20))
row("6", "0591T, 1 minute", approve(), code("0591T"), lasting(1))

# --- 7 to 11: times missing or wrong

row("7", "no end, finished", NO_TIME, times("2023-06-01T10:00:00-04:00", None))
row("7", "no end, encounter alone", NO_TIME, alone, without("Encounter", "period.end"))
row("7", "no start", NO_TIME, without("Encounter", "period.start"), without("Procedure", "performedPeriod.start"))
row(
    "7",
    "a single time, no end of the visit",
    NO_TIME,
    without("Encounter", "period.end"),
    without("Procedure", "performedPeriod"),
    put("Procedure", "performedDateTime", "2023-06-01T10:00:00-04:00"),
)
for state in ("in-progress", "planned", "arrived"):
    row(
        "8",
        f"no end, {state}",
        NOT_FINISHED,
        times("2023-06-01T10:00:00-04:00", None),
        status(state, "in-progress" if state != "planned" else "preparation"),
    )
    row(
        "8", f"no end, {state}, encounter alone", NOT_FINISHED, alone, without("Encounter", "period.end"), status(state)
    )
row("9", "dates without times", NO_TIME, times("2023-06-01", "2023-06-01"))
row("9", "a date as the end", NO_TIME, times("2023-06-01T10:00:00-04:00", "2023-06-01"))
row("9", "dates of the encounter alone", NO_TIME, times("2023-06-01", "2023-06-01"), alone)
row(
    "10",
    "encounter without offset",
    refused("value", "Encounter.period.start"),
    put("Encounter", "period.start", "2023-06-01T10:00:00"),
)
row(
    "10",
    "procedure without offset",
    refused("value", "Procedure.performedPeriod.end"),
    put("Procedure", "performedPeriod.end", "2023-06-01T10:40:00"),
)
row(
    "10",
    "claim created without offset",
    refused("value", "Claim.created"),
    put("Claim", "created", "2023-06-05T09:30:00"),
)
row(
    "10",
    "encounter and claim: both faults are listed",
    Expected(issues=(("value", "Claim.created"),)),
    put("Claim", "created", "2023-06-05T09:30:00"),
    put("Encounter", "period.start", "2023-06-01T10:00:00"),
)
row(
    "11",
    "encounter ends before it starts",
    refused("invariant", "Encounter.period"),
    put("Encounter", "period.end", "2023-06-01T09:59:00-04:00"),
)
row(
    "11",
    "procedure ends before it starts",
    refused("invariant", "Procedure.performed"),
    put("Procedure", "performedPeriod.end", "2023-06-01T10:00:00-03:00"),
)
row(
    "11", "coverage ends before it starts", refused("invariant", "Coverage.period"), insured("2023-12-31", "2023-01-01")
)

# --- 12 to 15: midnight, the clock, offsets

MIDNIGHT = times("2023-06-01T23:45:00-05:00", "2023-06-02T00:20:00-05:00")
row("12", "over midnight, billed on the day it began", approve(), MIDNIGHT)
row("12", "over midnight, billed on the day it ended", warn(), MIDNIGHT, serviced("2023-06-02"))
row("12", "over midnight, billed the day before", OTHER_DAY, MIDNIGHT, serviced("2023-05-31"))
row("12", "over midnight, billed the day after", OTHER_DAY, MIDNIGHT, serviced("2023-06-03"))
row("12", "29 minutes over midnight", SHORT, times("2023-06-01T23:45:00-05:00", "2023-06-02T00:14:00-05:00"))
row(
    "13",
    "clocks back: 35 minutes",
    approve(),
    on("2023-11-05"),
    times("2023-11-05T01:45:00-04:00", "2023-11-05T01:20:00-05:00"),
)
row(
    "13",
    "clocks back: 29 minutes",
    SHORT,
    on("2023-11-05"),
    times("2023-11-05T01:45:00-04:00", "2023-11-05T01:14:00-05:00"),
)
row(
    "14",
    "clocks forward: 25 minutes",
    SHORT,
    on("2024-03-10"),
    times("2024-03-10T01:45:00-05:00", "2024-03-10T03:10:00-04:00"),
)
row(
    "14",
    "clocks forward: 30 minutes",
    approve(),
    on("2024-03-10"),
    times("2024-03-10T01:45:00-05:00", "2024-03-10T03:15:00-04:00"),
)
row("15", "two offsets, 30 minutes", approve(), times("2023-06-01T22:30:00-04:00", "2023-06-01T22:00:00-05:00"))
row("15", "two offsets, 29 minutes", SHORT, times("2023-06-01T22:30:00-04:00", "2023-06-01T21:59:00-05:00"))
row(
    "15",
    "local date is of the start's own offset",
    approve(),
    times("2023-06-01T23:00:00-05:00", "2023-06-02T00:45:00-04:00"),
)
EVENING = times("2023-06-02T01:00:00Z", "2023-06-02T01:45:00Z")
NEW_YORK = "America/New_York"
row("15", "UTC, zone unknown, billed on the UTC date", warn(), EVENING, serviced("2023-06-02"))
row("15", "UTC, zone unknown, billed on the day before", warn(), EVENING)
row("15", "UTC, zone unknown, billed two days before", OTHER_DAY, EVENING, serviced("2023-05-31"))
row("15", "UTC, zone unknown, billed the day after", OTHER_DAY, EVENING, serviced("2023-06-03"))
row("15", "UTC written +00:00, zone unknown", warn(), times("2023-06-02T01:00:00+00:00", "2023-06-02T01:45:00+00:00"))
row("15", "UTC, site in New York, billed on the local date", approve(), EVENING, zone=NEW_YORK)
row("15", "UTC, site in New York, billed on the UTC date", OTHER_DAY, EVENING, serviced("2023-06-02"), zone=NEW_YORK)
LOCATED = put("Location", "extension", [{"url": TIMEZONE, "valueCode": NEW_YORK}])
row("15", "UTC, location in New York, billed on the local date", approve(), EVENING, LOCATED)
row("15", "UTC, location in New York, billed on the UTC date", OTHER_DAY, EVENING, LOCATED, serviced("2023-06-02"))
row("15", "a site's zone leaves a local offset alone", approve(), zone="Asia/Tokyo")
row(
    "15",
    "UTC over local midnight, site in New York, billed on the second day",
    warn(),
    times("2023-06-02T03:45:00Z", "2023-06-02T04:20:00Z"),
    serviced("2023-06-02"),
    zone=NEW_YORK,
)

# --- 16 to 20: length, procedure and encounter

row("16", "length 25 in a period of 40", SHORT, length(25), alone)
row("16", "length 29 in a period of 40", SHORT, length(29), alone)
row("16", "length 30 in a period of 40", approve(), length(30), alone)
row("16", "length half an hour", approve(), length(0.5, "h", "hour"), alone)
row("16", "length 1799 seconds", SHORT, length(1799, "s", "sec"), alone)
row("16", "length 1800 seconds", approve(), length(1800, "s", "sec"), alone)
row("17", "length 45 in a period of 30", pend("N206|N443"), lasting(30), length(45), alone)
row("17", "length 41 in a period of 40", pend("N206|N443"), length(41), alone)
row("17", "length as long as the period", approve(), length(40), alone)
row("18", "length in mins, no UCUM code", warn(), length(25, None, "mins"), alone)
row("18", "length in weeks", warn(), length(1, "wk", "week"), alone)
row("18", "length in an unknown unit, 29 minutes", SHORT, lasting(29), length(45, None, "mins"), alone)
row("19", "procedure of 20 in an encounter of 60", SHORT, visit(60), inner(20))
row("19", "procedure of 29 in an encounter of 60", SHORT, visit(60), inner(29))
row("19", "procedure of 30 in an encounter of 60", approve(), visit(60), inner(30))
row("20", "procedure begins before its encounter", OTHER_DAY, visit(60), inner(40, "09:30"))
row("20", "procedure begins a minute before", OTHER_DAY, visit(60), inner(40, "09:59"))
row("20", "procedure ends after its encounter", OTHER_DAY, visit(60), inner(40, "10:30"))
row("20", "procedure longer than its encounter", OTHER_DAY, visit(20), inner(40))
row("20", "procedure from the encounter's start to its end", approve(), visit(40), inner(40))

"""Every metric there is, and every word that a label may hold. Nothing is told that does not stand here.

A label's values are a closed vocabulary: those listed here, or, for the names of rules, reason codes and policies,
those that were loaded at the start. Whatever else comes up is told as ``other``. So no label can hold an identifier,
and the number of time series is known before the first claim (``words.Words``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; its unit is the end of its name."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in its unit."""


PREFIX = "coaching_adapter_"
OTHER = "other"

LABELS: dict[str, tuple[str, ...] | None] = {
    "decision": ("approve", "deny", "pend", "review", "reject"),
    "rule": None,  # the rules of coverage/rules
    "list": ("carc", "rarc"),
    "reason": None,  # the codes of mappings/codes/reason-codes.yaml
    "outcome": ("complete", "partial", "error"),
    "action": ("created", "updated", "unchanged", "failed"),
    "stage": ("reconcile", "look_up", "gather", "decide", "write"),
    "method": ("GET", "POST", "PUT", "DELETE"),
    "code": (
        *("200", "201", "202", "204", "301", "302", "304", "307", "308"),
        *("400", "401", "403", "404", "405", "406", "408", "409", "410", "412", "413", "415", "422", "429"),
        *("500", "501", "502", "503", "504", "1xx", "2xx", "3xx", "4xx", "5xx", "none"),
    ),
    "result": ("received", "refused", "throttled", "unknown_subscription", "not_stored", "failed"),
    "event": ("received", "duplicate", "gap", "recovered", "restart"),
    "state": ("waiting", "in_hand", "retrying"),
    "version": None,  # of this adapter
    "policy": None,  # the policies that are loaded, ...
    "policy_version": None,  # ... and their versions
}
"""The words of each label; None: known when mappings and policies are loaded."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_LAG = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)


def _counter(name: str, labels: tuple[str, ...], tells: str) -> Metric:
    return Metric(f"{PREFIX}{name}_total", Kind.COUNTER, labels, tells)


def _gauge(name: str, labels: tuple[str, ...], tells: str) -> Metric:
    return Metric(f"{PREFIX}{name}", Kind.GAUGE, labels, tells)


def _histogram(name: str, labels: tuple[str, ...], tells: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(f"{PREFIX}{name}_seconds", Kind.HISTOGRAM, labels, tells, buckets)


LINES = _counter("lines_decided", ("decision",), "Claim lines by decision, counted when the answer stands.")
RULES = _counter("rules_deciding", ("rule", "decision"), "Lines that a rule decided, unless they are approved.")
REASONS = _counter("reason_codes", ("list", "reason"), "Claim lines that carry a reason code in their answer.")
RESPONSES = _counter("claim_responses", ("outcome",), "ClaimResponses by outcome, also those that say nothing new.")
OUTCOMES = _counter("operation_outcomes", (), "Claims answered by an OperationOutcome, for they cannot be processed.")
UNANSWERED = _counter("claims_unanswered", (), "Claims that stayed without an answer, each time anew.")
ANSWERS = _counter("answers_written", ("action",), "What became of each answer on the server.")
CONFLICTS = _counter("write_conflicts", (), "Answers that somebody else changed meanwhile; they are decided again.")
LAG = _histogram(
    "answer_lag",
    (),
    "From the newest meta.lastUpdated among a claim and its evidence to its answer created or updated.",
    _LAG,
)
STAGES = _histogram(
    "stage", ("stage",), "Time a chunk of claims spends in each stage; reconcile is all of it.", _SECONDS
)
REQUESTS = _counter("server_requests", ("method", "code"), "Requests to the FHIR server by status; none: no answer.")
RETRIES = _counter("server_request_retries", ("method",), "Requests sent again after a passing fault.")
REQUEST_TIME = _histogram("server_request", ("method",), "Time from a request to its whole answer, or fault.", _SECONDS)
NOTIFICATIONS = _counter(
    "notifications", ("result",), "Notifications that came to this process, by what became of them."
)
EVENTS = _counter(
    "events", ("event",), "Numbered events of all Subscriptions, as the database counts them for all nodes."
)
EVENTS_OPEN = _gauge("events_open", (), "Numbered events that are overdue or may still come, of all nodes.")
QUEUE = _gauge("queue_depth", ("state",), "Rows in the inbox of all nodes that are not worked off, at most 10000.")
DEAD_LETTERS = _gauge("dead_letters", (), "Rows given up, which wait for a person (coaching-adapter failures list).")
DATABASE_UP = _gauge("database_up", (), "Whether the database of notifications, or of runs, could be asked: 1 or 0.")
RUN_ITEMS = _gauge("run_items", ("state",), "Items of all runs that are not worked off, at most 10000.")
BUILD = _gauge("build_info", ("version",), "Always 1; the version of the adapter.")
POLICY = _gauge("policy_info", ("policy", "policy_version"), "Always 1; each policy that is loaded, with its version.")

OF_ALL = (
    *(LINES, RULES, REASONS, RESPONSES, OUTCOMES, UNANSWERED, ANSWERS, CONFLICTS, LAG, STAGES),
    *(REQUESTS, RETRIES, REQUEST_TIME, BUILD, POLICY),
)
"""What every process tells."""
OF_SERVE = (NOTIFICATIONS, EVENTS, EVENTS_OPEN, QUEUE, DEAD_LETTERS, DATABASE_UP)
"""What only ``serve`` tells; but for the first they are read from the database when somebody asks."""
OF_WORKERS = (RUN_ITEMS,)
"""What ``worker`` and ``sync --workers`` tell beside ``DATABASE_UP``, from the database of runs."""
TABLE = (*OF_ALL, *OF_SERVE, *OF_WORKERS)
OF_THE_PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
"""What prometheus-client tells of a process on Linux, without labels."""

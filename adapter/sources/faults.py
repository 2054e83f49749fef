"""What a refusal or a fault of the wire says, by codes alone: a server's words like to quote the record."""

from __future__ import annotations

import re
import ssl

import httpx
import orjson

from adapter.evidence.references import objects

DEEPEST_CAUSE = 20
"""Causes of an error that are looked into."""
_BEARER_ERROR = re.compile(r'\berror="(invalid_request|invalid_token|insufficient_scope)"')
# fmt: off
_ISSUE_CODES = frozenset({
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired",
    "forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found",
    "deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict",
    "limited-filter", "transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
    "informational", "success",
})
# fmt: on
"""https://hl7.org/fhir/R5/valueset-issue-type.html; what is none of them may be a name, and is not repeated."""


def bearer_error(response: httpx.Response) -> str:
    """One of the three codes of https://www.rfc-editor.org/rfc/rfc6750#section-3.1, for a message."""
    found = _BEARER_ERROR.search(response.headers.get("WWW-Authenticate", ""))
    return f" ({found[1]})" if found else ""


def issue_codes(outcome: object) -> str:
    """The issue codes of an OperationOutcome; never its diagnostics, which quote what was sent."""
    codes = (issue.get("code") for issue in objects(outcome.get("issue") if isinstance(outcome, dict) else None))
    fitting = (code for code in codes if isinstance(code, str) and code in _ISSUE_CODES)
    return ", ".join(dict.fromkeys(fitting))


def codes_of(response: httpx.Response) -> str:
    """The issue codes of the OperationOutcome that an answer holds, if it does."""
    return issue_codes(_lenient_json(response))


def _lenient_json(response: httpx.Response) -> object:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    """The fault of TLS that an error comes from."""
    for _ in range(DEEPEST_CAUSE):  # causes can go round in a circle
        if isinstance(error, ssl.SSLError):
            return error
        error = error and (error.__cause__ or error.__context__)
    return None


def refuses_certificate(fault: ssl.SSLError) -> bool:
    """Whether the server raised the alarm, and not we: it wants a certificate of us, or another one."""
    return "ALERT" in str(getattr(fault, "reason", ""))  # it is set by OpenSSL alone

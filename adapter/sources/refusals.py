"""What it means that a server refused a request, or left it without an answer, as an error to raise.

Each is one line, and no line holds a query, a token or a server's free text: queries carry member numbers, and
diagnostics like to quote the record.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from adapter.errors import AccessRefused, SourceError, Step
from adapter.sources.faults import bearer_error, codes_of, refuses_certificate, tls_fault
from adapter.sources.origin import allowed_from

_OUR_CERTIFICATE = "if it wants a client certificate, see that the right one is in ADAPTER_CLIENT_CERTIFICATE_FILE"


@dataclass
class Refused(SourceError):
    """The server answered, and said no; what that means for the run, the caller knows. Never a 401 or 403."""

    status: int = 0
    codes: str = ""
    """Issue codes of its OperationOutcome, for a message."""


@dataclass(eq=False)
class Unserved(SourceError):
    """The server is there, but did not serve this request: too busy for it, too slow, or with a damaged answer."""


@dataclass(eq=False)
class Overloaded(SourceError):
    """The server has served no request of a kind for so long that no single claim is to blame."""


class Refusals:
    """The refusals of one server, and of the keeper of its files. ``timeout`` is how long an answer was waited for."""

    def __init__(self, base: str, timeout: float) -> None:
        self.shown = shown(base)
        """The server's address for a message."""
        self._home = allowed_from(base)
        self._timeout = timeout

    def named(self, request: httpx.Request) -> str:
        """Whom a request went to: the server, or the keeper of its files."""
        return self.shown if self._home.is_home(request.url) else shown(str(request.url), path=False)

    def of(self, response: httpx.Response, what: str) -> SourceError:
        """What an answer that is no success means."""
        status, server = response.status_code, self.named(response.request)
        if status in (401, 403):
            hint = "check the token or password" if status == 401 else "check the token's scopes, or our rights there"
            if server != self.shown:
                hint = f"our credentials go to {self.shown} only, so have that keep its files itself"
            problem = f"{server} refused us: it answered {status}{bearer_error(response)} to {what}"
            return AccessRefused(problem, hint, step=_step(response.request))
        if response.is_redirect:
            hint = "use the address it leads to as the FHIR base URL"
            return SourceError(f"{server} answered {status}, a redirect{_leading(response)}, to {what}", hint)
        codes = codes_of(response)
        hint = "is this the FHIR base URL?" if status == 404 else ""
        problem = f"{server} answered {status}{f' ({codes})' if codes else ''} to {what}"
        return Refused(problem, hint, status=status, codes=codes)

    def no_answer(self, error: httpx.RequestError, what: str, request: httpx.Request) -> SourceError:
        """What it means that none came."""
        server = self.named(request)
        if (fault := tls_fault(error)) is not None and refuses_certificate(fault):
            return AccessRefused(f"{server} refused us by TLS at {what}", _OUR_CERTIFICATE, step=_step(request))
        if fault is not None:
            return SourceError(
                f"no trusted TLS connection to {server}", f"check its certificate and the port; {_OUR_CERTIFICATE}"
            )
        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            return SourceError(f"cannot connect to {server}", "is the server running, and the address right?")
        if isinstance(error, httpx.TimeoutException):
            return Unserved(f"{server} did not answer {what} within {self._timeout:g} s")
        hint = _OUR_CERTIFICATE if server.startswith("https:") else ""  # many servers say no by hanging up
        return Unserved(f"{server} broke off {what} ({type(error).__name__})", hint)


def _step(request: httpx.Request) -> Step:
    """A search may go by POST too, and reads."""
    reads = request.method == "GET" or request.url.path.endswith("/_search")
    return Step.READ if reads else Step.WRITE


def _leading(response: httpx.Response) -> str:
    """Where a redirect leads when that is another server, for a message."""
    try:
        target = response.request.url.join(response.headers.get("Location", ""))
        elsewhere = target not in allowed_from(str(response.request.url))
    except (httpx.InvalidURL, ValueError):
        return ""
    return f" to another server, {shown(str(target), path=False)}" if elsewhere else ""


def shown(url: str, *, path: bool = True) -> str:
    """The address for a message: without user, query and fragment."""
    parts = httpx.URL(url)
    host = parts.netloc.decode("ascii")  # xn--..., for letters of other scripts look like ours
    return f"{parts.scheme}://{host}{parts.path.rstrip('/') if path else ''}"

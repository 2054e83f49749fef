"""TLS: the certificate that we show, and the authorities that we believe."""

from __future__ import annotations

import ssl

from adapter.auth.secret_files import read_small
from adapter.auth.settings import AccessSettings, file_of
from adapter.errors import UsageError
from adapter.sources.gate import Elsewhere, keeping_keys, public_authorities
from adapter.sources.origin import written_origins


def elsewhere(settings: AccessSettings) -> Elsewhere:
    """The further origins, and the TLS to speak with them.

    Raises:
        UsageError: as below.
    """
    origins = written_origins(settings.allowed_origins or "")
    return Elsewhere(origins, _trusting(settings)) if origins else Elsewhere()


def tls(settings: AccessSettings) -> ssl.SSLContext:
    """How TLS is spoken with the server.

    Raises:
        UsageError: a file that cannot be read, or is not what it should be.
    """
    context = _trusting(settings)
    if settings.client_certificate_file is not None:
        _show_certificate(context, settings)
    return context


def _trusting(settings: AccessSettings) -> ssl.SSLContext:
    if settings.ca_bundle is None:
        return public_authorities()
    authorities = read_small(settings.ca_bundle, file_of("ca_bundle")).decode("ascii", "ignore")
    try:
        context = ssl.create_default_context(cadata=authorities or "-")  # for an empty one Python takes the system's
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{file_of('ca_bundle')} holds no certificates in PEM") from error
    return keeping_keys(context)


def _show_certificate(context: ssl.SSLContext, settings: AccessSettings) -> None:
    certificate, key = settings.client_certificate_file, settings.client_key_file
    for path, name in ((certificate, "client_certificate_file"), (key, "client_key_file")):
        if path is not None:
            read_small(path, file_of(name))
    password = settings.client_key_password
    secret = password.get_secret_value() if password else ""
    try:
        # A password is given always: OpenSSL would ask for one at the terminal.
        context.load_cert_chain(
            str(certificate and certificate.expanduser()), key and str(key.expanduser()), lambda: secret
        )
    except (ssl.SSLError, ValueError, OSError) as error:
        problem = "is no PEM certificate with its private key, or ADAPTER_CLIENT_KEY_PASSWORD does not open that"
        raise UsageError(f"{file_of('client_certificate_file')} {problem}") from error

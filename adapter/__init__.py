"""Coverage decisions for health coaching claims, from FHIR evidence to FHIR answer."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("fhir-coaching-adapter")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0.1.0"

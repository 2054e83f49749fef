"""The FHIR server that the tests of this folder talk to."""

from hapi_fixtures import hapi_url, java

__all__ = ["hapi_url", "java"]

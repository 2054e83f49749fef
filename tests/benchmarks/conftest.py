"""What a benchmark on a real FHIR server needs; it starts a server of its own."""

from hapi_fixtures import java

__all__ = ["java"]

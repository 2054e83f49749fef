"""The FHIR server of the tests in a process of its own. It has one Subscription and none of the claims."""

from __future__ import annotations

import sys

import uvicorn
from receiver.fhir_server import FhirServer

SUBSCRIPTION = "benchmark"


def server(name: str) -> FhirServer:
    server = FhirServer()
    channel = {"type": "rest-hook", "endpoint": f"http://127.0.0.1/subscriptions/{name}"}
    server.put({"resourceType": "Subscription", "id": SUBSCRIPTION, "status": "active", "channel": channel})
    return server


if __name__ == "__main__":
    uvicorn.run(server(sys.argv[1]).app(), port=int(sys.argv[2]), log_level="error", access_log=False)

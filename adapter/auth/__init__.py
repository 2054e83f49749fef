"""How a FHIR server is shown that we may use it: ``README.md`` is the page for those who register the adapter."""

"""What FHIR servers send when something changed, in every dialect, read into one form; no I/O."""

"""Bulk export: what a server holds, or what changed, as files; https://hl7.org/fhir/uv/bulkdata/export.html."""

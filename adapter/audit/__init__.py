"""Who did what, when, by which policy: AuditEvents in the shape of IHE BALP, to a chained file or to the server."""

"""What may be said on stderr while the adapter works: events of listed keys, and nothing that a record could hold."""

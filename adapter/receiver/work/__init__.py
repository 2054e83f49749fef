"""What was notified is stored, and worked off from the store: together, once, again after a failure or a crash."""

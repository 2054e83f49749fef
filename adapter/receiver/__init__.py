"""The door for notifications: they are checked, stored before the answer goes out, and worked off from the store."""

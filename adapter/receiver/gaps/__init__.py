"""Notifications that never came: event numbers are kept, holes are asked for, and a sweep finds the rest."""

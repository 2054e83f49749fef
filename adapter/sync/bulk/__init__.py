"""Synchronisation by bulk export: everything as files, or only to learn what changed.

A whole export is decided by the file path. One of changes alone is no basis for a decision, since what did not change
is not in it: it names the patients concerned, and their claims are read from the server as ever.
"""

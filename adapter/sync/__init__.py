"""Synchronisation: claims in, answers out; from files to a folder, or from a server to itself or to a folder."""

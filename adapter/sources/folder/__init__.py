"""Folders of any size: one pass finds where everything stands, then the evidence of some claims at a time is read.

``scan`` walks the files once and enters each resource in the ``index`` (an SQLite file of its own, so that memory does
not grow with the folder), ``tokens`` and ``relevance`` say what of a resource is entered, and ``portions`` reads all
that can speak about some patients' claims into a store. What is decided from a portion is what would be decided from
the whole folder.
"""

"""A sync cut into pieces that any number of processes on any number of machines work off, each piece once."""

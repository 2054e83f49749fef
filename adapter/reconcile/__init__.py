"""From claims and a store of evidence to answers: the one path that every caller takes."""

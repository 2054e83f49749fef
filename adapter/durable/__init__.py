"""Work that no crash loses: DBOS workflows as rows of a database, the processes that do them, and who takes over."""

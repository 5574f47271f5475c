"""Schema of the database, revision by revision."""

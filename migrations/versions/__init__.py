"""The schema changes, in order. May not live here: code that other modules import."""

"""Bytes by name: the catalogue of data sets, the tiers that serve them, rows and documents, cleaned."""

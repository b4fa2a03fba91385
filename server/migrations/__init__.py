"""Alembic migrations of the system of record, applied at start."""

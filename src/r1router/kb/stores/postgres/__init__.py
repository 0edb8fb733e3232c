"""Keeps knowledge bases in PostgreSQL with pgvector, so that several machines read and write the same ones."""

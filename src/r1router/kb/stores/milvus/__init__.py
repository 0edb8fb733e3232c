"""Keeps knowledge bases in Milvus."""

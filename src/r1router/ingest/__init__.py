"""Files on disk to entries in knowledge bases: read, cut, embed, store."""

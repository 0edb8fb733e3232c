"""Takes files on disk into knowledge bases: reads, cuts, embeds, stores."""

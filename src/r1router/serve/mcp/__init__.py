"""The server for clients of the Model Context Protocol."""

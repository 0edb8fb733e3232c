"""Keeps the work behind the routes: questions, jobs, uploads, pictures and knowledge bases."""

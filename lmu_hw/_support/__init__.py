"""Plumbing: files, subprocesses, templates, progress; nothing here knows what an LMU is."""

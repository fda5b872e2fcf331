"""General support code, independent of LMUs: files, subprocesses, templates, progress."""

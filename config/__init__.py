"""Settings, exception tables and defaults. Imports nothing else of this project."""

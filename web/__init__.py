"""The web UI and its API."""

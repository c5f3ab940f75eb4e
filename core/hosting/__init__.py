"""Camera kinds that strangers wrote, each plugin in a process of its own: what it breaks, it breaks for itself."""

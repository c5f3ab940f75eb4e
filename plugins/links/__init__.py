"""Links that Siaga brings."""

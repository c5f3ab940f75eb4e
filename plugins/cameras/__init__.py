"""Camera kinds that ship with Siaga."""

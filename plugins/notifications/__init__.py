"""Notifiers that ship with Siaga."""

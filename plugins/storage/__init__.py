"""Stores that ship with Siaga."""

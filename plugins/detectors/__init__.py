"""Detectors that ship with Siaga."""

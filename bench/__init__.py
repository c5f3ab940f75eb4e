"""Measurements of Siaga on this machine: `make bench`."""

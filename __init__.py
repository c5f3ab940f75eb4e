"""Siaga: a CCTV automation hub for one kelurahan."""

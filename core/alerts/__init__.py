"""The alert desk: who is told of an incident, when, how often, and who answered."""

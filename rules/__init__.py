"""The rule engine: what it reads, decides, does and remembers."""

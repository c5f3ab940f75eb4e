"""The services that tests of plugins stand on; new tests take them from ``siaga.testing``."""

from siaga.testing import OwnServices

__all__ = ["OwnServices"]

"""Every error that Siaga raises on purpose, and what its catcher should do about it."""

from __future__ import annotations

from typing import Literal

from .types import Struct


class SiagaError(Exception):
    """Stand at the root: the message says what, where and what to do, never a secret."""


class Problem(Struct):
    """Point at one mistake in a file that an operator wrote. ``path`` as ``cameras.kali.zones``.

    ``column`` counts from 1; 0 where it would not help.
    """

    file: str
    line: int
    path: str
    what: str
    column: int = 0

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        where = f"{where}:{self.column}" if self.line and self.column else where
        return f"{where}: {self.path}: {self.what}" if self.path else f"{where}: {self.what}"


class ConfigError(SiagaError):
    """Hold every mistake of a configuration at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class PluginError(SiagaError):
    """Say that a plugin broke a rule of the house; it is switched off, the others run."""


class CameraError(SiagaError):
    """Stand above what can go wrong with a camera."""


class CameraLost(CameraError):
    """Say that a camera does not answer, stalled or ended its stream: try again later."""


class AuthFailed(CameraError):
    """Say that a camera refused the user name or password: trying faster does not help.

    ``wait_s``: it said for how long it refuses everybody, 0 where it did not.
    """

    wait_s = 0.0


class NotSupported(CameraError):
    """Say that this camera cannot do what was asked (no PTZ, no such preset)."""


class SendFailed(SiagaError):
    """Say that a notice was not delivered.

    ``verdict``: ``retry`` try again after ``wait_s`` (or the usual back-off); ``give_up`` it will
    never work for this notice; ``ask_operator`` nothing works until somebody changes the settings
    (it is retried slowly); ``unsure`` the far side may have accepted it, its answer was lost.
    """

    def __init__(
        self,
        message: str,
        *,
        verdict: Literal["retry", "give_up", "ask_operator", "unsure"],
        wait_s: float | None = None,
    ) -> None:
        self.verdict = verdict
        self.wait_s = wait_s
        super().__init__(message)


class StoreFailed(SiagaError):
    """Say that a file or a row could not be kept: disk full, folder gone, database broken."""


class MediaError(SiagaError):
    """Say that a recorder or an eye could not do what the hub asked."""


class ActionFailed(SiagaError):
    """Say that a rule's action could not be done."""


class TemplateFailed(SiagaError):
    """Say that a template is wrong, asks for something that is not there, or ran too long."""


class LinkLost(SiagaError):
    """Say that a link to another program is not there: it is tried again with back-off."""


class LinkClosed(SiagaError):
    """Say that the other process at the end of a message link is gone."""

"""What an operator may write under a WhatsApp notifier, and the same as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import voluptuous as vol

from ....core import validators

# Meta's answer to a message usually takes under 2 s. Picture and message together must end within the 60 s
# that a send may take: 20 s for the picture, and twice this (a closed 24-hour window costs a second request).
MAX_TIMEOUT_S = 18.0


def _url(value: object) -> str:
    text = str(value).rstrip("/")
    if not text.startswith(("https://", "http://")):
        raise vol.Invalid("https://...")
    return text


_TEXT = vol.All(str, vol.Length(min=1, max=600))
_TEMPLATE = vol.All(str, vol.Match(r"^[a-z0-9_]{1,512}$"))


def _has_second_template(options: dict[str, Any]) -> dict[str, Any]:
    # Meta refuses a template with a picture in its header when there is none (132012): an event without a picture,
    # or a failed upload, would be refused for as long as it is of use.
    if options["template_header"] == "image" and not options.get("template_without_image"):
        wrong = validators.Wrong("whatsapp.check.second_template")
        wrong.prepend(["template_header"])
        raise wrong
    return options


_OPTIONS = {
    vol.Required("phone_number_id", description="whatsapp.option.phone_number_id"): vol.All(
        vol.Any(str, int), vol.Coerce(str), vol.Match(r"^\d{5,25}$")
    ),
    vol.Required("token", description="whatsapp.option.token"): _TEXT,
    vol.Optional("template", description="whatsapp.option.template"): vol.All(str, vol.Match(r"^[a-z0-9_]{1,512}$")),
    vol.Optional("template_language", default="id", description="whatsapp.option.template_language"): vol.All(
        str, vol.Match(r"^[a-z]{2,3}(_[A-Z]{2,3})?$")
    ),
    vol.Optional("template_header", default="none", description="whatsapp.option.template_header"): vol.In(
        ("none", "image")
    ),
    vol.Optional("template_without_image", description="whatsapp.option.template_without_image"): _TEMPLATE,
    vol.Optional("template_button", default=False, description="whatsapp.option.template_button"): bool,
    vol.Optional("parameter_names", default=[], description="whatsapp.option.parameter_names"): [
        vol.All(str, vol.Match(r"^[a-z][a-z0-9_]*$"))
    ],
    vol.Optional("parameter_count", description="whatsapp.option.parameter_count"): vol.All(int, vol.Range(0, 20)),
    vol.Optional("country_code", default="62", description="whatsapp.option.country_code"): vol.All(
        vol.Any(str, int), vol.Coerce(str), vol.Match(r"^[1-9]\d{0,2}$")
    ),
    vol.Optional("app_secret", description="whatsapp.option.app_secret"): _TEXT,
    vol.Optional("verify_token", description="whatsapp.option.verify_token"): _TEXT,
    vol.Optional("on_unsure", default="resend", description="whatsapp.option.on_unsure"): vol.In(("resend", "hold")),
    vol.Optional("api_version", default="v23.0", description="whatsapp.option.api_version"): vol.All(
        str, vol.Match(r"^v\d{1,3}\.\d$")
    ),
    vol.Optional("base_url", default="https://graph.facebook.com", description="whatsapp.option.base_url"): _url,
    vol.Optional("timeout", default=15.0, description="whatsapp.option.timeout"): vol.All(
        vol.Coerce(float), vol.Range(0.2, MAX_TIMEOUT_S)
    ),
}
SCHEMA = vol.Schema(vol.All(_OPTIONS, _has_second_template))


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the checked options of one notifier; its repr shows no secret."""

    phone_number_id: str
    token: str
    template: str = ""
    template_language: str = "id"
    template_header: Literal["none", "image"] = "none"
    template_without_image: str = ""
    template_button: bool = False
    parameter_names: tuple[str, ...] = ()
    parameter_count: int | None = None
    country_code: str = "62"
    app_secret: str = ""
    verify_token: str = ""
    on_unsure: Literal["resend", "hold"] = "resend"
    api_version: str = "v23.0"
    base_url: str = "https://graph.facebook.com"
    timeout: float = 15.0

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Options:
        """Return checked options as frozen data."""
        return msgspec.convert(dict(options), cls)

    def endpoint(self, edge: str) -> str:
        """Return the address of ``messages`` or ``media`` of this business phone number."""
        return f"{self.base_url}/{self.api_version}/{self.phone_number_id}/{edge}"

    def scrub(self, text: str) -> str:
        """Return text without our secrets: Meta repeats a malformed token in its error message."""
        for secret in (self.token, self.app_secret, self.verify_token):
            if secret:
                text = text.replace(secret, "***")
        return text

    def __repr__(self) -> str:
        return f"Options({self.phone_number_id})"

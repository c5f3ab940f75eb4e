"""Meta's own OpenAPI of the Cloud API as a judge of requests, with its five contradictions mended.

The document (``../shared/specs``, 1.1 MB) is not part of the project: where it is not there,
``judge()`` says so loudly and returns None, and the stand-in's own checks of the documented shape
are all that judges.

What is mended, because as it stands no request at all could fit:
1. ``allOf: [base, {additionalProperties: false}]`` refuses the base's own properties. What is meant,
   and what OpenAPI 3.1 has a word for, is ``unevaluatedProperties: false`` beside the ``allOf``.
2. ``biz_opaque_callback_data`` is documented for messages (512 characters) but stands only at calls.
3. Template components and parameters are told apart by a discriminator whose base schema checks
   nothing of the branch: a list of them becomes a list of ``oneOf`` its branches, so that an image
   parameter without an image is refused.
4. ``type: string, format: binary`` is OpenAPI 3.0's word for bytes; in 3.1 bytes have no type.
5. A template button's ``index`` is documented as 0 to 9, with 0 as the example, and refused by its own pattern
   ``^[2-6, 11-14]$`` (footnotes that were taken for a range).
"""

import functools
import re
import sys
from pathlib import Path
from typing import Any

import yaml

SPEC = Path(__file__).resolve().parents[2] / "shared" / "specs" / "whatsapp-business-messaging-api_v23.0.yaml"
_PATHS = ("/{Version}/{Phone-Number-ID}/messages", "/{Version}/{Phone-Number-ID}/media")


class Judge:
    """Say what in a request does not fit Meta's document."""

    def __init__(self, spec: dict[str, Any]) -> None:
        from openapi_core import Config, OpenAPI

        self._openapi = OpenAPI.from_dict(spec, config=Config(spec_validator_cls=None))

    def faults(self, path: str, headers: dict[str, str], body: bytes) -> list[str]:
        """Return one line for each misfit of a POST, none when it fits."""
        from openapi_core.exceptions import OpenAPIError
        from openapi_core.testing import MockRequest

        request = MockRequest(
            "https://graph.facebook.com",
            "post",
            path,
            headers=headers,
            data=body,
            content_type=headers.get("Content-Type", ""),
        )
        try:
            self._openapi.validate_request(request)
        except OpenAPIError as err:
            return [re.sub(r"Value .* not valid", "Body not valid", line) for line in _reasons(err)]
        return []


@functools.cache
def judge() -> Judge | None:
    """Return the judge, built once in a process (about half a second), or None with a loud note."""
    if not SPEC.exists():
        note = "NOT judged by Meta's OpenAPI: ../shared/specs is not there; the stand-in's own checks remain"
        print(f"\n*** {note} ***\n", file=sys.stderr)
        return None
    return Judge(_mended(_cut_out(yaml.load(SPEC.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))))


def _reasons(err: BaseException) -> list[str]:
    reasons: list[str] = []
    cause: BaseException | None = err
    while cause is not None:
        for error in getattr(cause, "schema_errors", None) or ():
            reasons.append(f"{'.'.join(map(str, error.absolute_path))}: {error.message}"[:300])
        cause = cause.__cause__
    return reasons or [str(err)[:300]]


def _cut_out(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the document of the two paths alone, with what they refer to."""
    paths = {path: spec["paths"][path] for path in _PATHS}
    components: dict[str, Any] = {"securitySchemes": spec["components"]["securitySchemes"]}
    todo, seen = list(_references(paths)), set()
    while todo:
        reference = todo.pop()
        if reference in seen:
            continue
        seen.add(reference)
        _, _, kind, name = reference.split("/")
        part = spec["components"].get(kind, {}).get(name)
        if part is not None:
            components.setdefault(kind, {})[name] = part
            todo += _references(part)
    return {
        **{k: spec[k] for k in ("openapi", "info")},
        "servers": spec["servers"][:1],
        "paths": paths,
        "components": components,
    }


def _references(node: Any):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            elif key == "mapping":
                yield from value.values()
            elif key != "examples":
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _mended(spec: dict[str, Any]) -> dict[str, Any]:
    schemas = spec["components"]["schemas"]
    schemas["BaseMessageProperties"]["properties"]["biz_opaque_callback_data"] = {"type": "string", "maxLength": 512}
    branches = {
        f"#/components/schemas/{name}": [{"$ref": target} for target in schema["discriminator"]["mapping"].values()]
        for name, schema in schemas.items()
        if schema.get("discriminator", {}).get("mapping") and "oneOf" not in schema
    }
    for index in (
        schemas["TemplateComponent"]["properties"]["index"],
        schemas["ButtonComponent"]["allOf"][1]["properties"]["index"],
    ):
        index["pattern"] = "^[0-9]$"
    _mend(schemas, branches)
    _mend(spec["paths"], branches)
    return spec


def _mend(node: Any, branches: dict[str, Any]) -> None:
    if isinstance(node, dict):
        parts = node.get("allOf")
        if isinstance(parts, list):
            closed = [part for part in parts if isinstance(part, dict) and part.get("additionalProperties") is False]
            for part in closed:
                del part["additionalProperties"]
            if closed:
                node["unevaluatedProperties"] = False
        if node.get("format") == "binary":
            node.pop("type", None)
        items = node.get("items")
        if isinstance(items, dict) and items.get("$ref") in branches:
            node["items"] = {"oneOf": branches[items["$ref"]]}
        for value in node.values():
            _mend(value, branches)
    elif isinstance(node, list):
        for value in node:
            _mend(value, branches)

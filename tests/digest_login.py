"""The server's side of HTTP Digest (RFC 7616, MD5, qop auth) for devices that tests play."""

import hashlib
import re
import secrets

from aiohttp import web


class DigestLogin:
    """Let in who knows the password; ``is_refusing`` refuses everybody."""

    def __init__(self, username="admin", password="s3cret-word", realm="device") -> None:
        self.username, self.password, self.realm = username, password, realm
        self.is_refusing = False
        self._nonces = set()

    def refusal(self, request, body=""):
        """Return None for who may come in, else the answer 401."""
        said = request.headers.get("Authorization", "")
        if said.startswith("Digest ") and not self.is_refusing and self._is_right(request, said[7:]):
            return None
        nonce = secrets.token_hex(8)
        self._nonces.add(nonce)
        challenge = f'Digest qop="auth", realm="{self.realm}", nonce="{nonce}", stale="false"'
        return web.Response(status=401, text=body, headers={"WWW-Authenticate": challenge})

    def _is_right(self, request, said):
        parts = {key: quoted or plain for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', said)}
        if parts.get("nonce") not in self._nonces or parts.get("username") != self.username:
            return False
        if parts.get("uri") != request.raw_path:
            return False
        one = _md5(f"{self.username}:{self.realm}:{self.password}")
        two = _md5(f"{request.method}:{parts['uri']}")
        wanted = _md5(f"{one}:{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:{parts['qop']}:{two}")
        return secrets.compare_digest(wanted, parts.get("response", ""))


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()

"""Kaspi Smart POS, local API v2: one GET for each act, an envelope round each answer.

The terminal listens on the local network. Its tokens are kept in a file of their own, mode 0600;
neither they nor an IIN stands in an exception or a log.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Final

import httpx

from fines.field.journal import JournalFull
from fines.field.line import LineLost, LineSilent

ANSWER_BYTES_MAX: Final = 64 * 1024
CODE_OK: Final = 0
CODE_UNKNOWN_PROCESS: Final = 101
CODE_BUSY: Final = 107
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_UNAUTHORISED: Final = (401, 403)
_MODE: Final = 0o600


class KaspiRefused(Exception):
    """The terminal answered with an error code of its own, or admits us no more: 401.

    Nothing was begun.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"the terminal refused with {code}")
        self.code = code


class DurableFile:
    """A small JSON file, replaced whole and on the disk when ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """Return what was written last, nothing where nothing was.

        Raises:
            LineLost: the file cannot be read: what it knew of a sale must not be guessed.
        """
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise LineLost(f"{self._path.name} cannot be read") from error
        if not isinstance(kept, dict):
            raise LineLost(f"{self._path.name} cannot be read")
        return kept

    def write(self, kept: dict[str, Any]) -> None:
        """Put ``kept`` on the disk.

        Raises:
            JournalFull: it is not there; do not take the step that it announces.
        """
        try:
            self._write(kept)
        except OSError as error:
            raise JournalFull(f"{self._path.name} takes no line: {error.strerror}") from error

    def _write(self, kept: dict[str, Any]) -> None:
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            os.write(file, json.dumps(kept).encode())
            os.fsync(file)
        finally:
            os.close(file)
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class KaspiApi:
    """Calls one terminal. Tokens are asked for once, on its screen, and renewed when they end.

    Raises:
        LineLost: the address has no TLS and is not this machine.
    """

    def __init__(
        self, *, url: str, client_name: str, tokens: Path, ca_file: str | None, seconds: float
    ) -> None:
        address = httpx.URL(url)
        if address.scheme != "https" and address.host not in _LOOPBACK:
            raise LineLost("the terminal's address must begin with https://")
        self._client = httpx.Client(
            base_url=address,
            verify=ca_file or True,
            timeout=seconds,
            trust_env=False,
            follow_redirects=False,
        )
        self._name = client_name
        self._file = DurableFile(tokens)
        try:
            self._tokens = self._file.read()
        except LineLost:
            self._tokens = {}  # admitted anew, on the terminal's screen

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def register(self) -> None:
        """Have this cash register admitted on the terminal's screen, unless it was."""
        if not self._tokens.get("accessToken"):
            self._keep(self._data(self._get("register", {"name": self._name}, {})))

    def device(self) -> dict[str, Any]:
        """Return what the terminal says of itself."""
        return self.call("deviceinfo")

    def call(
        self, act: str, *, headers: dict[str, str] | None = None, **query: str | int
    ) -> dict[str, Any]:
        """Return the data of an act; tokens that have ended are renewed once.

        Raises:
            LineSilent: no answer, or none that can be read: what it did is unknown.
            KaspiRefused: an error code, or we are admitted no more; nothing was begun.
        """
        response = self._get(act, query, headers or {})
        if response.status_code in _UNAUTHORISED:
            self._renew()
            response = self._get(act, query, headers or {})
        if response.status_code in _UNAUTHORISED:
            self._keep({})  # the next login asks to be admitted anew
            raise KaspiRefused(response.status_code)
        return self._data(response)

    def _renew(self) -> None:
        """Renew the tokens; whatever comes of it, the act itself was turned away at the door."""
        told = {"name": self._name, "refreshToken": self._tokens.get("refreshToken", "")}
        try:
            response = self._get("revoke", told, {})
            if response.status_code not in _UNAUTHORISED:
                self._keep(self._data(response))
        except KaspiRefused:
            self._keep({})
            raise
        except LineSilent as error:
            raise KaspiRefused(_UNAUTHORISED[0]) from error

    def _keep(self, data: dict[str, Any]) -> None:
        self._tokens = {name: data.get(name, "") for name in ("accessToken", "refreshToken")}
        self._file.write(self._tokens)

    def _get(self, act: str, query: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        own = {"accesstoken": str(self._tokens.get("accessToken", ""))}
        try:
            return self._client.get(f"/v2/{act}", params=query, headers=own | headers)
        except httpx.HTTPError as error:
            # The library's own text may hold the address with its query; ours does not.
            raise LineSilent(f"{act}: {type(error).__name__}") from None

    @staticmethod
    def _data(response: httpx.Response) -> dict[str, Any]:
        if not response.is_success or len(response.content) > ANSWER_BYTES_MAX:
            raise LineSilent(f"the terminal answered {response.status_code}")
        try:
            envelope = json.loads(response.content)
            code, data = int(envelope["statusCode"]), envelope.get("data") or {}
        except (ValueError, KeyError, TypeError) as error:
            raise LineSilent("the terminal's answer cannot be read") from error
        if code != CODE_OK:
            raise KaspiRefused(code)
        if not isinstance(data, dict):
            raise LineSilent("the terminal's answer cannot be read")
        return data

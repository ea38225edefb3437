"""A member of staff or an officer at the server's API, as his tablet or desk program calls it.

officer = ApiClient("http://127.0.0.1:8700", credential=tablet_credential)
officer.sign_in(authority, OFFICER)
answer = officer.post("/api/checks", {"identity": {"iin": DRIVER.iin}, ...})
"""

import base64
from types import TracebackType
from typing import Any, Self

import httpx

from sim.authority import Authority
from sim.district import Staff


class Refused(Exception):
    """The server refused: its stable code, its words and the whole problem."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        code = str(problem.get("code", f"http.{status}"))
        super().__init__(f"{status} {code}: {problem.get('title', '')} {problem.get('errors', '')}")
        self.status = status
        self.code = code
        self.problem = problem


class ApiClient:
    """One caller: a session, a device credential, or both."""

    def __init__(self, base_url: str, *, credential: str | None = None) -> None:
        headers = {"Device-Credential": credential} if credential else {}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=60)
        self.token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def sign_in(self, authority: Authority, staff: Staff) -> dict[str, Any]:
        """Sign the server's challenge with the person's key and keep the session."""
        asked = self.post("/api/sign-in/challenge", {})
        key = authority.certificate_for(staff).auth
        cms = authority.sign_cms_detached(key, base64.b64decode(asked["challenge"]))
        proof = {
            "challenge_id": asked["challenge_id"],
            "cms": base64.b64encode(cms).decode(),
        }
        answer = self.post("/api/sign-in", proof)
        self.token = answer["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        return answer

    def get(self, path: str) -> dict[str, Any]:
        """GET a JSON answer.

        Raises:
            Refused: with the server's problem.
        """
        return _answer(self.http.get(path))

    def post(
        self, path: str, body: dict[str, Any], *, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """POST a JSON body; the answer is JSON too.

        Raises:
            Refused: with the server's problem.
        """
        return _answer(self.http.post(path, json=body, headers=headers))

    def post_bytes(self, path: str, content: bytes, *, content_type: str) -> dict[str, Any]:
        """POST bytes, such as a photograph."""
        return _answer(
            self.http.post(path, content=content, headers={"Content-Type": content_type})
        )

    def fetch(self, path: str) -> bytes:
        """GET the bytes of a document."""
        answer = self.http.get(path)
        if answer.is_error:
            raise Refused(answer.status_code, _problem(answer))
        return answer.content


def _answer(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise Refused(answer.status_code, _problem(answer))
    return dict(answer.json()) if answer.content else {}


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        return dict(answer.json())
    except ValueError:
        return {"title": answer.text[:200]}

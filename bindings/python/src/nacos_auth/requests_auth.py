"""requests: `session.auth = NacosAuth(client)`."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urljoin

from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from ._adapter import MAY_REFUSE, Bearer, Sent
from ._client import Client


class NacosAuth(AuthBase):
    """Puts the client's token on requests to its servers, and repeats one that was refused for its token.

    A body that cannot be read twice (a generator) is not repeated. Raises `NacosError` where there is no token.
    Closes nothing.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bearer = Bearer(client)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if request.url is not None and self._bearer.is_for(request.url):
            sent = Sent(request.method or "", None)
            self._put_token(request, sent)
            request.register_hook(  # type: ignore[no-untyped-call]
                "response", lambda answer, **how: self._judge(answer, sent, how)
            )
        return request

    def _put_token(self, request: PreparedRequest, sent: Sent) -> None:
        name, value = self._bearer.header(sent.use(self._client.token_info()))
        request.headers[name] = value

    def _judge(self, answer: Response, sent: Sent, how: dict[str, Any]) -> Response:
        request, (name, value) = answer.request, self._bearer.header(sent.token)
        if request.headers.get(name) != value or not self._bearer.is_for(answer.url):
            return answer  # after a redirect to somebody else, or the answer to the repetition
        if answer.is_redirect and not self._bearer.is_for(urljoin(answer.url, answer.headers["location"])):
            del request.headers[name]  # requests itself would take away no other header than Authorization
            return answer
        sent.timeout = _longest(how.get("timeout"))
        wait = self._wait(answer, sent)
        while wait is not None:
            again = request.copy()
            try:
                if again.body is not None and not isinstance(again.body, (str, bytes)):
                    rewind_body(again)
            except UnrewindableBodyError:
                break
            answer.close()
            time.sleep(wait)
            self._put_token(again, sent)
            repeated: Response = answer.connection.send(again, **how)
            repeated.history = [*answer.history, answer]
            repeated.request = again
            answer, wait = repeated, self._wait(repeated, sent)
        return answer

    def _wait(self, answer: Response, sent: Sent) -> float | None:
        body = answer.content if answer.status_code in MAY_REFUSE else b""
        retry_after = answer.headers.get("Retry-After")
        return self._bearer.judge(sent, answer.url, answer.status_code, body, retry_after)


def _longest(timeout: Any) -> float | None:
    """How long a time-out of requests lets one wait for an answer; None: without end."""
    if isinstance(timeout, tuple):
        timeout = timeout[1]
    return timeout if isinstance(timeout, (int, float)) else None

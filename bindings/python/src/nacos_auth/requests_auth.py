"""requests: `session.auth = NacosAuth(client)`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from ._adapter import MAY_REFUSE, MOST_REPEATS, Bearer
from ._client import Client
from ._state import Advice, Token


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
            token = self._put_token(request)
            request.register_hook(  # type: ignore[no-untyped-call]
                "response", lambda answer, **how: self._judge(answer, token, how)
            )
        return request

    def _put_token(self, request: PreparedRequest) -> Token:
        token = self._client.token_info()
        name, value = self._bearer.header(token)
        request.headers[name] = value
        return token

    def _judge(self, answer: Response, token: Token, how: dict[str, Any]) -> Response:
        request, (name, value) = answer.request, self._bearer.header(token)
        if request.headers.get(name) != value or not self._bearer.is_for(answer.url):
            return answer  # after a redirect to somebody else, or the answer to the repetition
        if answer.is_redirect and not self._bearer.is_for(urljoin(answer.url, answer.headers["location"])):
            del request.headers[name]  # requests itself would take away no other header than Authorization
            return answer
        advice = self._advice(answer, token)
        for _ in range(MOST_REPEATS):
            if advice is not Advice.REPLAY:
                break
            again = request.copy()
            try:
                if again.body is not None and not isinstance(again.body, (str, bytes)):
                    rewind_body(again)
            except UnrewindableBodyError:
                break
            answer.close()
            token = self._put_token(again)
            repeated: Response = answer.connection.send(again, **how)
            repeated.history = [*answer.history, answer]
            repeated.request = again
            answer, advice = repeated, self._advice(repeated, token)
        return answer

    def _advice(self, answer: Response, token: Token) -> Advice:
        body = answer.content if answer.status_code in MAY_REFUSE else b""
        return self._bearer.advice(token, answer.request.method or "", answer.status_code, body)

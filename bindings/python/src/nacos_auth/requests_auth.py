"""requests: `session.auth = NacosAuth(client)`."""

from __future__ import annotations

import copy
import time
from collections.abc import ItemsView, Iterator, Mapping
from io import BytesIO
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.structures import CaseInsensitiveDict
from requests.utils import rewind_body
from urllib3 import HTTPConnectionPool, HTTPResponse, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util.retry import RequestHistory

from ._adapter import LOOK_BYTES, MAY_REFUSE, Attempt, Bearer, Look, argument, shortest
from ._client import Client
from ._errors import NacosError
from ._http_client import is_due
from ._state import Token

__all__ = ["NacosAuth"]

_READ_AGAIN = (str, bytes, bytearray, memoryview)  # bodies that have no position


class NacosAuth(AuthBase):
    """Puts the client's token on requests to its servers, and repeats one that was refused for its token.

    A body that cannot be read twice (a generator) is not repeated. A login ends with the request's `timeout`, of which
    what waits for an answer counts. Raises `NacosError` where there is no token. Closes nothing.
    """

    def __init__(self, client: Client) -> None:
        self._bearer = Bearer(client, "NacosAuth for requests", Client)
        self._client = client

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if request.url is not None and self._bearer.is_for(request.url):
            start = time.monotonic()
            timeout = _seconds(argument(Session, "request", "timeout"))
            attempt = Attempt(self._bearer, request.method or "", request.url, timeout)
            headers = _Headers(request.headers, self)
            headers.put(attempt.first_token(self._client))
            headers.login_took = time.monotonic() - start
            request.headers = headers
            hooks = request.hooks["response"]
            if self._answered not in hooks:
                request.hooks["response"] = _Hooks([*hooks, self._answered])
        return request

    def __deepcopy__(self, memo: object) -> NacosAuth:
        """Requests have it, and may be copied; the client is a connection."""
        return self

    def _answered(self, answer: Response, **how: Any) -> Response:
        """Called with each answer, also with those to what a redirect led to, which gets a copy of the request."""
        request = answer.request
        headers, url = request.headers, request.url
        if not isinstance(headers, _Headers) or url is None or not self._bearer.is_for(url):
            return answer
        spent, headers.login_took = answer.elapsed.total_seconds() + headers.login_took, 0
        attempt = Attempt(self._bearer, request.method or "", url, _seconds(how.get("timeout")), spent)
        if headers.token is not None and self._bearer.name in headers:
            attempt.carry(headers.token)
        while True:
            try:
                look, token = self._judge(answer, attempt)
            except BaseException:
                answer.close()
                raise
            if token is None:
                break
            answer = self._send_again(answer, attempt, token, look, how)
        # What is sent next is a copy of the request, or the request itself once more.
        headers.leaves_out = answer.is_redirect and self._bearer.leaves(url, answer.headers["location"])
        newest = self._newest(attempt.token)
        if newest is not None and newest is not headers.token:
            headers.put(newest)
        return answer

    def _judge(self, answer: Response, attempt: Attempt) -> tuple[Look, Token | None]:
        """With the token to send the request again with, if it is to be sent again; waits for both."""
        look = _look(answer) if answer.status_code in MAY_REFUSE else Look()
        body = _decoded(look.body, answer.headers.get("Content-Encoding"))
        wait = attempt.judge(answer.status_code, body, answer.headers.get("Retry-After"))
        if wait is None or not _rewind(answer.request):
            return look, None
        time.sleep(wait)
        return look, attempt.next_token(self._client)

    def _newest(self, sent: Token | None) -> Token | None:
        """The token for the next time, as far as it is at hand."""
        if sent is None or sent.generation == self._client.generation:
            return sent
        try:
            return self._client.token_info(wait=False)
        except NacosError:
            return sent

    def _send_again(
        self, refused: Response, attempt: Attempt, token: Token, look: Look, how: dict[str, Any]
    ) -> Response:
        if look.is_whole:
            _ = refused.content  # for who looks at the history
        refused.close()
        again = refused.request.copy()
        headers = again.headers = _Headers(again.headers, self)
        headers.put(token)
        attempt.carry(token)
        answer: Response = refused.connection.send(again, **how)
        attempt.carry(headers.token or token)  # urllib3 may have had to send it again itself
        answer.history = [*refused.history, refused]
        answer.request = again
        return answer


class _Headers(CaseInsensitiveDict[Any]):
    """A request's headers, with the token that is in them."""

    def __init__(self, headers: Mapping[str, Any], auth: NacosAuth, origin: _Headers | None = None) -> None:
        super().__init__(headers)
        self._auth = auth
        self._origin = origin  # of which this is a copy
        self.leaves_out = False
        """Whether copies are without the token. For a redirect requests copies the headers, some more than once, and
        takes no other than Authorization away."""
        self._known: RequestHistory | None = None if origin is None else origin._known
        self.token: Token | None = None if origin is None else origin.token
        self.login_took: float = 0

    def put(self, token: Token) -> None:
        self.token = token
        self[self._auth._bearer.name] = self._auth._bearer.value(token)

    def copy(self) -> _Headers:
        made = _Headers(self, self._auth, self)
        if self.leaves_out and argument(HTTPConnectionPool, "urlopen", "self") is None:  # which copies what it sends
            made.pop(self._auth._bearer.name, None)
        return made

    def __copy__(self) -> _Headers:
        made = _Headers(self, self._auth, self._origin)
        made.leaves_out, made._known = self.leaves_out, self._known
        made.token, made.login_took = self.token, self.login_took
        return made

    def __deepcopy__(self, memo: object) -> _Headers:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle, which wants them of each answer: as they were sent, without the client."""
        return CaseInsensitiveDict, (dict(super().items()),)

    def items(self) -> ItemsView[str, Any]:
        """urllib3 asks for them whenever it sends, also when its `Retry` repeats by itself what was refused."""
        pool = argument(HTTPConnectionPool, "urlopen", "self")
        past = getattr(argument(HTTPConnectionPool, "urlopen", "retries"), "history", ())
        if pool is not None and past and past[-1] is not self._known and self._auth._bearer.name in self:
            url = f"{pool.scheme}://{pool.host}:{pool.port}"
            timeout = _seconds(argument(HTTPConnectionPool, "urlopen", "timeout"))
            self._renew(past[-1], Attempt(self._auth._bearer, past[-1].method or "", url, timeout))
        return super().items()

    def _renew(self, refusal: RequestHistory, attempt: Attempt) -> None:
        """After one of which nothing but the status is known."""
        token = None
        if refusal.status in MAY_REFUSE and self.token is not None:
            attempt.carry(self.token)
            try:
                if attempt.judge(refusal.status, b"", None) is not None:
                    token = attempt.next_token(self._auth._client)
            except NacosError:
                pass  # urllib3 would take some for errors of the connection
        headers: _Headers | None = self
        while headers is not None:
            headers._known = refusal
            if token is not None:
                headers.put(token)
            headers = headers._origin


class _Hooks(list[Any]):
    """What a request has called with its answer. For pickle without that of an adapter, to which a client belongs."""

    def __copy__(self) -> _Hooks:
        return _Hooks(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Hooks:
        return _Hooks(copy.deepcopy(list(self), memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return list, ([hook for hook in self if not isinstance(getattr(hook, "__self__", None), NacosAuth)],)


class _File:
    """A body as urllib3 reads it from a connection: what has been looked at, and the rest."""

    def __init__(self, look: Look, raw: HTTPResponse) -> None:
        self._beginning = look.body
        self._error = look.error
        self._raw = raw
        self.closed = False

    def read(self, amount: int | None = None) -> bytes:
        beginning = self._beginning
        if amount is not None and beginning:
            self._beginning = beginning[amount:]
            return beginning[:amount]
        self._beginning = b""
        if self._error is not None:
            raise self._error
        rest = b"" if amount == 0 else self._raw.read(amount, decode_content=False)
        return beginning + (rest or b"")

    def read1(self, amount: int | None = None) -> bytes:
        if self._beginning or self._error is not None:
            return self.read(LOOK_BYTES if amount is None else amount)
        return next(_pieces(self._raw, LOOK_BYTES if amount is None else amount), b"")

    def close(self) -> None:
        self.closed = True
        self._raw.close()


class _Raw(HTTPResponse):
    """An answer whose body has been looked at."""

    def __init__(self, look: Look, raw: HTTPResponse) -> None:
        super().__init__(
            body=_File(look, raw),  # type: ignore[arg-type]
            headers=raw.headers,
            status=raw.status,
            version=raw.version,
            reason=raw.reason,
            preload_content=False,
            decode_content=raw.decode_content,
            retries=raw.retries,
            request_url=raw.geturl(),
            original_response=getattr(raw, "_original_response", None),  # where requests looks for cookies
        )
        self._looked_at = raw

    def release_conn(self) -> None:
        self._looked_at.release_conn()


def _look(answer: Response) -> Look:
    """At the body, which `answer` still has afterwards."""
    look, raw = Look(), answer.raw
    if not isinstance(raw, HTTPResponse):  # of some other transport
        look.add(answer.content)
        look.add(None)
        return look
    pieces = _pieces(raw, LOOK_BYTES)
    try:
        while look.wants_more and is_due(_connection(raw), look.seconds_left):
            look.add(next(pieces, None))
    except Exception as error:
        look.error = error
    if look.pieces or look.error:
        answer.raw = _Raw(look, raw)
    return look


def _connection(raw: HTTPResponse) -> Any:
    return getattr(getattr(raw, "_original_response", None), "fp", None)


def _decoded(beginning: bytes, encoding: str | None) -> bytes:
    if not encoding or not beginning:
        return beginning
    body = HTTPResponse(BytesIO(beginning[:LOOK_BYTES]), {"Content-Encoding": encoding}, preload_content=False)
    try:
        return body.read(LOOK_BYTES, decode_content=True)
    except HTTPError:
        return b""


def _pieces(raw: HTTPResponse, amount: int) -> Iterator[bytes]:
    """As they come, not decoded."""
    read = getattr(raw, "read1", None)
    while piece := (raw.read(1, decode_content=False) if read is None else read(amount, decode_content=False)):
        yield piece


def _rewind(request: PreparedRequest) -> bool:
    """Whether the body is there to be sent again, from where it began."""
    if request.body is None or isinstance(request.body, _READ_AGAIN):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True


def _seconds(timeout: Any) -> float | None:
    """How long a time-out of requests lets one wait for an answer; None: without end."""
    if isinstance(timeout, tuple):
        return shortest(*timeout[1:])
    if isinstance(timeout, Timeout):
        return shortest(timeout.total, timeout._read)
    return shortest(timeout)


def __dir__() -> list[str]:
    return __all__

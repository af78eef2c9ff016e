"""What is wanted of each measure: the rows of the table on docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

# How what is measured is held against `bound`: by itself, or as a ratio to the rival of the same rounds.
Test = Literal["<=", ">=", "ratio >=", "ratio <=", "times faster"]


@dataclass(frozen=True)
class Target:
    """That `name` in `case` of `part` passes."""

    label: str
    part: str
    case: str
    name: str
    measure: str
    test: Test
    bound: float
    rival: str = ""
    rival_case: str = ""  # where it is another than `case`


def _targets() -> list[Target]:
    wanted: list[Target] = []

    def want(*row: Any) -> None:
        wanted.append(Target(*row))

    cached = "cached get"
    want(cached, "cached", "1 thread", "nacos_get_token", "ns", "<=", 32, "call and memcpy")
    want(cached, "cached", "C, 1000000 gets", "nacos_get_token", "allocations", "<=", 0)
    want(cached, "cached", "C, 100000 gets", "nacos_get_token", "system calls", "<=", 0)
    want(cached, "cached", "Go", "nacosauth, Client.Token", "ns", "<=", 2, "nacos-sdk-go, GetSecurityInfo")
    want(cached, "cached", "Go", "nacosauth, Client.Token", "allocations", "<=", 0, "nacos-sdk-go, GetSecurityInfo")
    ours, sdk = "nacos_auth, Client.token", "nacos-sdk-python, get_access_token"
    want(cached, "cached", "Python", ours, "ns", "<=", 100, sdk)
    want(cached, "cached", "Python", ours, "ns", "times faster", 8, sdk)
    for part, bounds in {"http": (1.1, 1.2, 1.2), "https": (1, 1, 1)}.items():
        label = f"nacos_request, {part}"
        for case, bound in zip(("1 thread", "8 threads", "64 threads"), bounds):
            want(label, part, case, "nacos_request", "requests/s", "ratio >=", bound, "libcurl")
            want(label, part, case, "nacos_request", "CPU µs", "ratio <=", 0.8, "libcurl")
    for way in ("queue", "callback"):
        label, name = f"asynchronous from C, {way}", f"nacos_request_start, {way}"
        want(label, "async", "1000 in flight", name, "requests/s", "ratio >=", 1.2, "libcurl multi")
    for case in ("1 thread", "16 threads"):
        for rival, bound in {"pycurl": 1, "requests": 8, "httpx": 8, "nacos-sdk-python": 12}.items():
            want("Python, blocking", "python", case, "nacos_auth.Client", "requests/s", "ratio >=", bound, rival)
    ours = "nacos_auth.AsyncClient"
    for rival, bound in {"aiohttp": 1.5, "httpx.AsyncClient": 5}.items():
        want("Python, asyncio", "asyncio", "100 in flight", ours, "requests/s", "ratio >=", bound, rival)
    for name, bound in {"net/http with the RoundTripper": 0.95, "Client.Do": 0.9}.items():
        for case in ("1 goroutine", "8 goroutines", "64 goroutines"):
            want(f"Go, {name}", "go", case, name, "requests/s", "ratio >=", bound, "net/http")
    for case, held in {"download": 68, "upload": 4}.items():
        want("body of 64 MiB", "bodies", case, "nacos_request", "MiB/s", "ratio >=", 0.9, "libcurl")
        want("body of 64 MiB", "bodies", case, "nacos_request", "MiB held", "<=", held, "libcurl")
    first = "from process start to the first token"
    token = "ms to the first token"
    want(first, "start", "C", "nacos_get_token", token, "<=", 20, "nacos-sdk-python", "Python")
    want("import", "start", "Python", "nacos_auth", "ms of import", "<=", 30, "nacos-sdk-python")
    for language, ours in {"Python": "nacos_auth.AsyncClient", "C": "nacos_request_start, queue"}.items():
        polls = f"long polls out, {language}"
        want(polls, "polls", "10000 polls", ours, "polls out", ">=", 10000, "aiohttp")
        want(polls, "polls", "10000 polls", ours, "descriptors beyond connections", "<=", 8, "aiohttp")
        want(polls, "polls", "10000 polls", ours, "KiB each", "<=", 20, "aiohttp")
        want(polls, "polls", "10000 polls", ours, "threads more", "<=", 1, "aiohttp")
    for count in (1000, 10000):
        of = f"{count} of as many identities"
        for case, bound in {f"{count} of one identity": 4, of: 16}.items():
            want("handles", "handles", case, "nacos_auth_init", "KiB each", "<=", bound, "nacos-sdk-go", of)
            want("handles", "handles", case, "nacos_auth_init", "threads", "<=", 1)
            want("handles", "handles", case, "nacos_auth_init", "wake-ups a minute", "<=", 1, "nacos-sdk-go", of)
    for measure, bound in {"KiB more": 64, "descriptors more": 0, "threads more": 0}.items():
        want("init, request, free", "churn", "100000 times", "init, request, free", measure, "<=", bound)
    want("size", "size", "shared library", "libnacos_auth.so", "MiB", "<=", 4, "nacos-sdk-rust-binding-py")
    return wanted


TARGETS = _targets()

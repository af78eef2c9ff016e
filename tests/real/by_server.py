"""How pytest-xdist shares out tests on real servers: what uses the same server stays in one process."""

from __future__ import annotations

import re
from typing import final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


@final
class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of one file with one version belong together."""

    def _split_scope(self, nodeid: str) -> str:
        version = re.search(r"\[(\d+\.\d+\.\d+)", nodeid)
        return nodeid.split("::")[0] + (version[1] if version else "")

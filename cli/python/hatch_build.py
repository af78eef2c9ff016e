"""Build hook: a wheel of one program, NACOS_AUTH_BUILD_COMMAND, with the platform tag NACOS_AUTH_BUILD_PLATFORM."""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommandHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['NACOS_AUTH_BUILD_PLATFORM']}"
        build_data["shared_scripts"][os.environ["NACOS_AUTH_BUILD_COMMAND"]] = "nacos-auth"

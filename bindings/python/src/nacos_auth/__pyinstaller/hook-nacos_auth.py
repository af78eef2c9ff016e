"""The native library, and the modules that are imported by name."""

from PyInstaller.utils.hooks import collect_dynamic_libs  # type: ignore  # not there but when it runs this

binaries = collect_dynamic_libs("nacos_auth")
hiddenimports = ["nacos_auth._async_client", "nacos_auth._diagnose"]

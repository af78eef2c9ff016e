"""Refuses import in a subinterpreter: signals, and calls from threads of the library, reach the main one alone."""

from ctypes import PyDLL, c_void_p

_python = PyDLL(None)
_python.PyInterpreterState_Get.restype = c_void_p
_python.PyInterpreterState_Main.restype = c_void_p

if _python.PyInterpreterState_Get() != _python.PyInterpreterState_Main():
    raise ImportError(
        "nacos_auth works in the main interpreter of a process only, not in a subinterpreter "
        "(mod_wsgi: WSGIApplicationGroup %{GLOBAL})"
    )

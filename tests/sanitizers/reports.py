"""reports.py LOG...: prints each fault that AddressSanitizer reports, and each leak of what the library has allocated.

Fails if there are none. Leaks of others are left out, since CPython keeps much to its end: the first frame that is
neither the sanitizer's nor an allocator's says whose they are. What hangs on something else that leaks is told with
that.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ALLOCATORS = re.compile(
    r" in (malloc|calloc|realloc|posix_memalign|aligned_alloc|_*rust\w*|alloc::|<alloc::|std::|<std::|core::)"
)


def is_ours(leak: str) -> bool:
    frames = [line for line in leak.splitlines() if re.match(r"\s+#\d+ ", line) and not ALLOCATORS.search(line)]
    return bool(frames) and "nacos_auth" in frames[0]


def main() -> int:
    found = []
    for name in sys.argv[1:]:
        path = Path(name)
        text = path.read_text(errors="replace") if path.exists() else ""
        found += re.findall(r"(?:ERROR: AddressSanitizer|AddressSanitizer: CHECK failed): .*", text)
        leaks = re.findall(r"^Direct leak of .*?(?=^\s*$)", text, re.MULTILINE | re.DOTALL)
        found += [f"leak: {leak}" for leak in leaks if is_ours(leak)]
    print("\n".join(found))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())

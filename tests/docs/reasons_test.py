#!/usr/bin/python3
"""Fails if the server has a reason of an error that docs/troubleshooting.md does not explain."""

import pathlib
import re
import sys

_ROOT = pathlib.Path(__file__).resolve().parents[2]
# What is written like a reason and is none.
_OTHERS = re.compile(r"(NMQ|GRPC|DURABILITY|NOTIFY)_")


def main():
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("base", "server")
        for suffix in ("cc", "h")
        for path in sorted((_ROOT / folder).rglob(f"*.{suffix}"))
    )
    reasons = set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', text))
    reasons |= set(re.findall(r'\bkReason\w+\[\] = "(\w+)"', text))
    # The first argument of a builder of base/errors.h.
    reasons |= set(re.findall(r'\b[A-Z][A-Za-z]+\(\s*"([A-Z][A-Z0-9]+)",', text))
    reasons = {reason for reason in reasons if not _OTHERS.match(reason)}
    page = (_ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    missing = sorted(reason for reason in reasons if f"`{reason}`" not in page)
    print(f"{len(reasons)} reasons")
    for reason in missing:
        print(f"docs/troubleshooting.md does not explain {reason}")
    return 1 if missing or len(reasons) < 30 else 0


sys.exit(main())

"""The certificates that the tests here use, made anew for each run, so that none is ever out of date by accident."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
ELSEWHERE = "subjectAltName=DNS:elsewhere.example"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"openssl {' '.join(arguments)}: {done.stderr}")


def self_signed(folder: Path, name: str, subject: str, *more: str, key: list[str] | None = None) -> None:
    """In the way everybody does it."""
    openssl(
        folder,
        *("req", "-x509", *(key or KEY), "-days", "30", "-subj", f"/CN={subject}"),
        *("-keyout", f"{name}.key", "-out", f"{name}.pem", *more),
    )


def issued(folder: Path, name: str, issuer: str, subject: str, extensions: str) -> None:
    openssl(folder, "req", "-new", *KEY, "-subj", f"/CN={subject}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(extensions + "\n", encoding="utf-8")
    openssl(
        folder,
        *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"),
        *("-CAcreateserial", "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
    )


def expired(folder: Path, name: str) -> None:
    """Signed by itself, and over since 2021: only `openssl ca` takes such dates everywhere."""
    openssl(folder, "req", "-new", *KEY, "-subj", "/CN=localhost", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.index").touch()
    (folder / f"{name}.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={name}.index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n"
        f"x509_extensions=x\n[p]\ncommonName=supplied\n[x]\n{NAMES}\nbasicConstraints=CA:TRUE\n",
        encoding="utf-8",
    )
    openssl(
        folder,
        *("ca", "-batch", "-config", f"{name}.cnf", "-selfsign", "-keyfile", f"{name}.key", "-in", f"{name}.csr"),
        *("-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-notext", "-out", f"{name}.pem"),
    )


def make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("ca", "other-ca"):
        self_signed(folder, name, f"Authority {name}")
    issued(folder, "server", "ca", "localhost", NAMES)
    issued(folder, "other-server", "other-ca", "localhost", NAMES)
    issued(folder, "wrong-name", "ca", "elsewhere.example", ELSEWHERE)
    for name in ("client-one", "client-two"):
        issued(folder, name, "ca", name, "extendedKeyUsage=clientAuth")
    issued(folder, "stranger", "other-ca", "stranger", "extendedKeyUsage=clientAuth")
    # As it comes, with CA:TRUE, of the default kind of key; and the one that says CA:FALSE.
    self_signed(folder, "self-ca", "localhost", "-addext", NAMES, key=["-newkey", "rsa:2048", "-nodes"])
    self_signed(folder, "self-leaf", "localhost", "-addext", NAMES, "-addext", "basicConstraints=critical,CA:FALSE")
    self_signed(folder, "self-elsewhere", "elsewhere.example", "-addext", ELSEWHERE)
    self_signed(folder, "self-other", "localhost", "-addext", NAMES)
    expired(folder, "self-expired")

"""The jars of three pinned Nacos releases, resolved once through Maven and checked against known SHA-256 sums."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "build" / "nacos"
RESOLVE_LIMIT = 600.0  # seconds; a cold resolve downloads up to 130 MB


class NacosError(RuntimeError):
    """The server, or its jars, did not do what was asked."""


class Unavailable(NacosError):
    """This machine cannot run a real Nacos; the text names what to install."""


@dataclass(frozen=True)
class Release:
    """One published build: the Spring Boot it was made with pins what its poms leave open."""

    spring_boot: str
    sha256: dict[str, str]


# The jars that decide about tokens and requests; their sums pin the build.
RELEASES = {
    "2.0.4": Release(
        "2.1.17.RELEASE",
        {
            "nacos-console-2.0.4.jar": "fa3ef7741fa1c3fdc8befd03ca8ebaf88700bc285141912988e4055f3455906e",
            "nacos-core-2.0.4.jar": "04774a09cdee1905b978e54971c5d10620e704fd3d437d6158f98e1b6c8a33d9",
            "nacos-auth-2.0.4.jar": "54f769fdbb086908ec2995f08cf780058b77270beb5c4ee87d30576bac9bc1e3",
        },
    ),
    "2.2.3": Release(
        "2.6.14",
        {
            "nacos-console-2.2.3.jar": "beba194ffdfd01a23398c82fd1ba42683628af5302b3e5b26b0bb807f1f1d4d5",
            "nacos-core-2.2.3.jar": "53f6518de22dbde95e31eac38999b3f261695304f761bf65d75fa0cf53558880",
            "nacos-auth-2.2.3.jar": "c59ec05c83a9f202aeeb9bc41a027a6439b94a5691a6655c6a286c0789430e2e",
            "nacos-plugin-default-impl-2.2.3.jar": "774646f7f843eabeab895e0c5956a84b5cd779b858e116283cc7cbe9d98ca37d",
        },
    ),
    "2.3.2": Release(
        "2.7.18",
        {
            "nacos-console-2.3.2.jar": "21c12bd39424dec0a8ec02cc727e7bcf5b4fde7cab7523ae63d165152633f339",
            "nacos-core-2.3.2.jar": "6a27b0b2c5dafbe4ac440d3167e9a2d157c99e41e66e14816637400505f70512",
            "nacos-auth-2.3.2.jar": "720addcc39abbdf8a2970676c22ac86ead38bae9a003fa89b167473f7e3aaae3",
            "default-auth-plugin-2.3.2.jar": "0b337706c8d1defef6aac6b8b3cf692f4d9d8b2c95b52be7648850a8628fb778",
        },
    ),
}

POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId><artifactId>nacos-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencyManagement><dependencies><dependency>
    <groupId>org.springframework.boot</groupId><artifactId>spring-boot-dependencies</artifactId>
    <version>{spring_boot}</version><type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
  <dependencies><dependency>
    <groupId>org.jeecgframework.nacos</groupId><artifactId>nacos-console</artifactId><version>{version}</version>
    <exclusions>
      <exclusion><groupId>org.jeecgframework.nacos</groupId><artifactId>nacos-istio</artifactId></exclusion>
      <exclusion><groupId>org.jeecgframework.nacos</groupId><artifactId>nacos-prometheus</artifactId></exclusion>
    </exclusions>
  </dependency></dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
  </plugin></plugins></build>
</project>
"""


def progress(text: str) -> None:
    """One line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def java() -> str:
    """The Java program to run servers with."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    hint = "install a Java runtime, version 17 (Debian: apt-get install openjdk-17-jre-headless)"
    if not found:
        raise Unavailable(f"no Java: {hint}")
    text = subprocess.run([found, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    number = re.search(r'version "(\d+)', text)
    if not number or int(number.group(1)) < 9:  # 1.8 calls itself "1.8" and lacks --add-opens
        raise Unavailable(f"{found} is too old: {hint}")
    return found


def class_path(version: str, cache: Path = CACHE) -> str:
    """The class path of that release, in Maven's order (hessian must precede sofa's copy of it)."""
    if version not in RELEASES:
        raise NacosError(f"Nacos {version} is not one of {', '.join(RELEASES)}")
    folder = cache / version
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _checked(version, folder) or _resolve(version, folder)


def _checked(version: str, folder: Path) -> str | None:
    """The class path resolved earlier, None if there is none or the jars are gone."""
    try:
        path = (folder / "cp.txt").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    jars = {os.path.basename(jar): jar for jar in path.split(os.pathsep)}
    if not all(os.path.exists(jar) for jar in jars.values()):
        return None
    for name, expected in RELEASES[version].sha256.items():
        if name not in jars:
            raise NacosError(f"Nacos {version}: the class path lacks {name}; remove {folder} and try again")
        if hashlib.sha256(Path(jars[name]).read_bytes()).hexdigest() != expected:
            raise NacosError(f"Nacos {version}: {jars[name]} is not the pinned file (SHA-256); do not run it")
    return path


def _resolve(version: str, folder: Path) -> str:
    maven = shutil.which("mvn")
    if not maven:
        raise Unavailable("no Maven: install it (Debian: apt-get install maven), it fetches the Nacos jars once")
    pom = POM.format(version=version, spring_boot=RELEASES[version].spring_boot)
    (folder / "pom.xml").write_text(pom, encoding="utf-8")
    goals = ["dependency:build-classpath", "-DincludeScope=runtime", "-Dmdep.outputFile=cp.txt"]
    progress(f"nacos {version}: resolving through Maven, once (about 130 MB, usually under a minute) ...")
    began = time.monotonic()
    log = folder / "maven.log"
    with open(log, "wb") as out:
        maven_run = subprocess.Popen([maven, "-B", "-ntp", *goals], cwd=folder, stdout=out, stderr=out)
        try:
            while maven_run.poll() is None:
                if time.monotonic() - began > RESOLVE_LIMIT:
                    raise Unavailable(f"Maven did not resolve Nacos {version} in {RESOLVE_LIMIT:.0f} s: see {log}")
                try:
                    maven_run.wait(10)
                except subprocess.TimeoutExpired:
                    progress(f"nacos {version}: still resolving, {time.monotonic() - began:.0f} s")
        finally:
            if maven_run.poll() is None:
                maven_run.kill()
                maven_run.wait()
    if maven_run.returncode:
        raise Unavailable(f"Maven could not resolve Nacos {version}; it needs its central repository: see {log}")
    path = _checked(version, folder)
    if path is None:
        raise NacosError(f"Nacos {version}: Maven wrote no usable class path: see {log}")
    progress(f"nacos {version}: resolved in {time.monotonic() - began:.0f} s")
    return path

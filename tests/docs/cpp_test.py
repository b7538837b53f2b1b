#!/usr/bin/python3
"""Builds the program of docs/cpp.md in an empty folder in each way that the page shows, by its own commands, and runs
it: with the package libnmq-dev installed in a copy of this system that is thrown away, and with Bazel from another
workspace. Ends with 77 and a line "SKIPPED: why" where that cannot be.

    tests/docs/cpp_test.py    what Bazel built; NMQ_BIN names another folder than bazel-bin
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import pages

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_BIN = pathlib.Path(os.environ.get("NMQ_BIN", _ROOT / "bazel-bin")).resolve()
_SKIPPED = 77
_SECONDS = 600
_WITH_PACKAGE = ["CMake", "pkg-config"]
_WITH_BAZEL = ["Bazel"]

# An overlay of this system, in the folder of $0, where the rest of the words is run.
_THROWN_AWAY = """
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
for folder in /proc /dev; do mount --rbind "$folder" "$0/root$folder"; done
exec chroot "$0/root" "$@"
"""
# Ends nmqd, too, whatever happens.
_RUN = """
ip link set lo up
nmqd >/dev/null 2>&1 &
trap 'kill $!' EXIT
set -ex
cd "$0"
"""


def _sections(markdown):
    """What stands under each heading; under "" what is before the second one."""
    found = {"": ""}
    heading = ""
    for line in markdown.splitlines():
        if line.startswith("## "):
            heading = line[3:]
            found[heading] = ""
        found[heading] += line + "\n"
    return found


def _write_files(markdown, folder):
    for block in pages.blocks(markdown):
        if block.file and block.language != "console":
            (folder / block.file).write_text(block.text, encoding="utf-8")


def _try(way, text, folder, environment, before):
    """Runs the commands of a section in the folder; whether they print what the page says."""
    commands = [command for block in pages.blocks(text) if block.language == "console" for command in pages.commands(block)]
    script = _RUN + "\n".join(command.text for command in commands)
    ran = subprocess.run(
        [*before, "unshare", "--net", "bash", "-c", script, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    lost, _ = pages.match([line for command in commands for line in command.expected], ran.stdout.splitlines())
    if ran.returncode == 0 and lost is None:
        print(f"ok {way}: {len(commands)} commands")
        return True
    print(f"{ran.stdout}\nfailed {way}: ended with {ran.returncode}" + (f", did not print: {lost}" if lost else ""))
    return False


def _environment(work):
    (work / "bin").mkdir()
    (work / "bin/nmqd").symlink_to(_BIN / "server/nmqd")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NMQ")}
    return {**kept, "PATH": f"{work}/bin:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "DEBIAN_FRONTEND": "noninteractive"}


def _try_with_package(way, sections, work, environment):
    folder = work / way / "empty"
    folder.mkdir(parents=True)
    _write_files(sections[""] + sections[way], folder)
    for package in work.glob("libnmq-dev_*.deb"):
        (folder / package.name).symlink_to(package)
    # What is thrown away must not be the folder that it is made in.
    with tempfile.TemporaryDirectory(prefix="nmq-overlay") as overlay:
        before = ["unshare", "--mount", "bash", "-ec", _THROWN_AWAY, overlay]
        return _try(way, sections[way], folder, environment, before)


def _try_with_bazel(way, sections, work, environment):
    folder = work / way / "empty"
    folder.mkdir(parents=True)
    _write_files(sections[""] + sections[way], folder)
    (work / way / "nmq").symlink_to(_ROOT)
    home = work / "home"
    home.mkdir()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "nmq-outside"
    # What a later run has not to compile again.
    (home / ".bazelrc").write_text(f"build --disk_cache={cache} --nosandbox_debug\n", encoding="utf-8")
    before = ["env", f"HOME={home}", "--unset=XDG_CACHE_HOME", f"USER={environment.get('USER', 'root')}"]
    try:
        return _try(way, sections[way], folder, environment, before)
    finally:
        subprocess.run([*before, "bazel", "shutdown"], cwd=folder, env=environment, capture_output=True, check=False)
        subprocess.run(["chmod", "--recursive", "u+w", str(home)], check=False)


def _why_not():
    """Why this machine cannot try it; empty if it can."""
    with tempfile.TemporaryDirectory(prefix="nmq-overlay") as overlay:
        probe = ["unshare", "--mount", "--net", "bash", "-ec", _THROWN_AWAY, overlay, "true"]
        return subprocess.run(probe, capture_output=True, text=True, check=False).stderr.strip().replace("\n", "; ")


def main():
    why_not = _why_not()
    if why_not:
        print(f"SKIPPED: no copy of this system to install a package in: {why_not}")
        return _SKIPPED
    sections = _sections((_ROOT / "docs/cpp.md").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="nmq-cpp") as temporary:
        work = pathlib.Path(temporary)
        environment = _environment(work)
        package = [str(_ROOT / "deploy/package.sh"), f"--bin={_BIN}", f"--out={work}"]
        made = subprocess.run(package, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            print(f"failed: {shlex.join(package)}: {made.stderr}")
            return 1
        tried = [_try_with_package(way, sections, work, environment) for way in _WITH_PACKAGE]
        tried += [_try_with_bazel(way, sections, work, environment) for way in _WITH_BAZEL]
    return 0 if all(tried) else 1


sys.exit(main())

#!/usr/bin/python3
"""Runs what the pages show, those in docs/ and some READMEs: each page in a folder and with a network of its own, so
that nmqd has its usual port. Ends with 77 and a line "SKIPPED: why" where that cannot be.

    tests/docs/docs_test.py [PAGE...]    nmqd and nmq as bazel built them; NMQ_BIN names another folder than bazel-bin
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pages

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SKIPPED = 77
_SECONDS = 120
# It has no commands.
_FROM_CODE = "api.md"
_READMES = [".", "deploy", "client", "client/cli", "client/cpp", "client/examples", "client/node", "client/python"]
# What pages use of the repository.
_PARTS = ["client", "proto", "third_party", "tools/deps.sh"]


class _Shell:
    """One bash for the commands of a page."""

    def __init__(self, folder, environment):
        self._folder = folder
        self._process = subprocess.Popen(
            [*_own_network(), "bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines = []
        # Up to here they were expected. What a command in the background printed since may still be.
        self._taken = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self._send("ip link set lo up")

    def run(self, command):
        """Why it failed, and what was printed; None if it did not."""
        mark = f"done {command.line}:"
        self._send(f"{command.text}\nprintf '\\n{mark}%s\\n' $?")
        end = time.monotonic() + _SECONDS
        with self._changed:
            while True:
                printed = self._lines[self._taken :]
                done = next((line for line in printed if line.startswith(mark)), None)
                lost, taken = pages.match(command.expected, printed)
                if done is not None and (done == mark + "0") == command.fails:
                    return f"ended with {done[len(mark):]}", printed
                # What a command in the background prints may come a little later.
                if done is not None and lost is None:
                    self._taken += taken
                    return None
                if time.monotonic() > end:
                    return "did not end" if done is None else f"did not print: {lost}", printed
                self._changed.wait(0.2)

    def run_aside(self, command, terminal):
        """The same for another terminal, where the command goes on."""
        output = self._folder / f"{terminal}.out"
        if command.text:
            self._send(f"{{ {command.text}\n}} >'{output}' 2>&1 &")
        end = time.monotonic() + _SECONDS
        while True:
            printed = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
            lost, _ = pages.match(command.expected, printed)
            if lost is None:
                return None
            if time.monotonic() > end:
                return f"did not print: {lost}", printed
            time.sleep(0.1)

    def close(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _send(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()


def _own_network():
    return ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--net"]


def _make_folder(folder):
    """A copy of what pages use, for some of them make files beside it."""
    for part in _PARTS:
        source, target = _ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("node_modules"))
        else:
            shutil.copy(source, target)
    modules = _ROOT / "client/node/node_modules"
    if modules.exists():
        (folder / "client/node/node_modules").symlink_to(modules)


def _environment(folder):
    (folder / "bin").mkdir()
    for name, path in [("nmqd", "server/nmqd"), ("nmq", "client/cli/nmq"), ("first", "tests/docs/first")]:
        binary = pathlib.Path(os.environ.get("NMQ_BIN", _ROOT / "bazel-bin")) / path
        if binary.exists():
            (folder / "bin" / name).symlink_to(binary)
    path = f"{folder}/bin:/usr/bin:{os.environ['PATH']}:{_ROOT}/tools/node_modules/.bin"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NMQ")}
    # What a page keeps, such as contexts of nmq, is its own.
    home = {"XDG_CONFIG_HOME": f"{folder}/.config"}
    return {**kept, **home, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "GLOG_minloglevel": "1"}


def _try_block(block, shell):
    """Runs its commands, and how many; None, and says so, if one fails."""
    count = 0
    for command in pages.commands(block):
        failed = shell.run_aside(command, block.file) if block.file else shell.run(command)
        if failed is not None:
            why, printed = failed
            print(f"line {command.line}: {command.text}\n{why}\n  " + "\n  ".join(printed))
            return None
        count += 1
    return count


def _is_as_in_repository(block):
    """Of a file that the repository has, too, where pages use it."""
    file = _ROOT / block.file
    shared = any(block.file.startswith(f"{part}/") for part in _PARTS)
    return not shared or not file.exists() or file.read_text(encoding="utf-8") == block.text


def _try(page):
    """Prints what fails; whether nothing did."""
    text = page.read_text(encoding="utf-8")
    name = page.resolve().relative_to(_ROOT)
    untried = [] if page.name == _FROM_CODE else pages.untried(text)
    if untried:
        print(f"failed {name}: nobody tries lines {untried}: show commands in a block of console, or say why not")
        return False
    with tempfile.TemporaryDirectory(prefix="nmq-docs") as temporary:
        folder = pathlib.Path(temporary)
        _make_folder(folder)
        shell = _Shell(folder, _environment(folder))
        counts = []
        try:
            for block in pages.blocks(text):
                if block.language == "console" and not block.not_run:
                    counts.append(_try_block(block, shell))
                    if counts[-1] is None:
                        print(f"failed {name}")
                        return False
                elif block.file and block.language != "console":
                    if not _is_as_in_repository(block):
                        print(f"failed {name}: {block.file} is another here than in the repository")
                        return False
                    (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
                    (folder / block.file).write_text(block.text, encoding="utf-8")
        finally:
            shell.close()
    excused = sum(bool(block.not_run) for block in pages.blocks(text))
    print(f"ok {name}: {sum(counts)} commands, {excused} blocks not run")
    return True


def main():
    able = subprocess.run([*_own_network(), "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    if able.returncode != 0:
        print(f"SKIPPED: no network of its own for the pages: {able.stderr.strip()}")
        return _SKIPPED
    chosen = [pathlib.Path(name) for name in sys.argv[1:]]
    chosen = chosen or sorted((_ROOT / "docs").glob("*.md")) + [_ROOT / folder / "README.md" for folder in _READMES]
    return 0 if all([_try(page) for page in chosen]) else 1


sys.exit(main())

#!/usr/bin/python3
"""Makes the manual pages of nmqd and nmq, and what bash, zsh and fish complete, from what the programs say themselves.

    pages.py --tree=FILE --nmqd=FILE --version=VERSION OUT

--tree is what command_tree prints, --nmqd the server. OUT gets nmqd.8, nmq.1, and for each shell a folder with a file
for each program.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

import completion
import manual


# Before the flags in what nmqd --help says.
_FLAGS = r"^Flags, .*:$"


def _option(found):
    """An option as command_tree prints it, for a person and for a shell."""
    kind = found.get("type", "")
    return {
        "names": found.get("names", []),
        "positional": found.get("positional", ""),
        "type": kind if found.get("value") else "",
        "choices": kind.split("|") if "|" in kind else [],
        "file": "file" in (kind + " " + found.get("help", "")).lower().split(),
        "help": found.get("help", ""),
        "default": found.get("default", ""),
        "environment": found.get("environment", ""),
        "required": found.get("required", False),
    }


def _command(found, path):
    options = list(found.get("options", []))
    for group in found.get("groups", []):
        options += group.get("options", [])
    described = [_option(option) for option in options]
    return {
        "path": path,
        "help": found.get("help", ""),
        "footer": found.get("footer", ""),
        "options": [option for option in described if option["names"]],
        "positionals": [option for option in described if option["positional"]],
        "commands": [_command(part, path + [part["name"]]) for part in found.get("commands", [])],
    }


def _flags(text):
    """Those that nmqd --help lists."""
    listed = re.split(_FLAGS, text, flags=re.MULTILINE)[1]
    flags = []
    for part in re.split(r"^  (?=--)", listed, flags=re.MULTILINE)[1:]:
        if part.startswith(("--help", "--version")):
            continue
        found = re.match(r"(--\w+)(?: \((.*)\))?\n((?:      .*\n)+)", part)
        if not found:
            sys.exit(f"pages.py: nmqd --help lists what is no flag: {part}")
        value, text = found[2] or "", " ".join(found[3].split())
        flags.append({
            "names": [found[1]],
            "type": "" if value in ("true", "false") else "VALUE",
            "choices": [],
            "file": text.startswith(("PEM file", "file", "directory")),
            "help": text,
            "default": "" if value in ("true", "false") else value,
            "environment": "",
            "required": False,
        })
    if not flags:
        sys.exit("pages.py: nmqd --help lists no flags")
    return flags


def _server(nmqd):
    told = subprocess.run([nmqd, "--help"], capture_output=True, text=True, check=False)
    text = told.stdout or told.stderr
    reference = subprocess.run([nmqd, "--print_reference"], capture_output=True, text=True, check=True).stdout
    rows = [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in reference.splitlines()]
    environment = {row[0]: row[1] for row in rows if len(row) == 4 and row[0].startswith("--")}
    flags = _flags(text)
    for flag in flags:
        flag["environment"] = environment.get(flag["names"][0], "")
    return {
        "usage": re.split(_FLAGS, text, flags=re.MULTILINE)[0].split("nmqd, ", 1)[-1],
        "limits": [row for row in rows if len(row) == 4 and re.fullmatch(r"[a-z_]+", row[0]) and row[0] != "limit"],
        "path": ["nmqd"],
        "help": "",
        "options": flags,
        "positionals": [],
        "commands": [],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tree", required=True)
    parser.add_argument("--nmqd", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("out", type=pathlib.Path)
    given = parser.parse_args()
    client = _command(json.loads(pathlib.Path(given.tree).read_text(encoding="utf-8")), ["nmq"])
    server = _server(given.nmqd)
    files = {"nmqd.8": manual.of_server(server, given.version), "nmq.1": manual.of_client(client, given.version)}
    for program in (server, client):
        name = program["path"][0]
        files[f"bash/{name}"] = completion.bash(program)
        files[f"zsh/_{name}"] = completion.zsh(program)
        files[f"fish/{name}.fish"] = completion.fish(program)
    for name, text in files.items():
        path = given.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


main()

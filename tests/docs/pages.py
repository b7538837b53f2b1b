"""What of a page can be tried: the files that it shows, and the commands with what they print.

A fenced block whose info string names a file ("```python first.py") is that file. In a block of ```console, a line that
begins with "$ " is a command ("> " goes on with it), and the others are what it prints.
"""

import dataclasses
import re


@dataclasses.dataclass
class Block:
    line: int
    language: str
    file: str
    text: str


@dataclasses.dataclass
class Command:
    line: int
    text: str
    expected: list


def blocks(markdown):
    found, block = [], None
    for number, line in enumerate(markdown.splitlines(), 1):
        if block is None and line.startswith("```"):
            language, _, file = line[3:].strip().partition(" ")
            block = Block(number, language, file, "")
        elif block is not None and line == "```":
            found.append(block)
            block = None
        elif block is not None:
            block.text += line + "\n"
    return found


def commands(block):
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:], []))
        elif line.startswith("> "):
            found[-1].text += "\n" + line[2:]
        else:
            found[-1].expected.append(line)
    return found


def _pattern(expected):
    """Ids and numbers differ from run to run, and with them the width of columns; "..." stands for anything."""
    line = re.sub(r"\s+", " ", expected.strip())
    line = re.sub(r"\b[a-z]-[a-z2-7]{13}\b|\b[a-z2-7]{10}-[a-z0-9]+\b", "\0", line)
    line = re.sub(r"\d[\d,.:]*", "\1", line)
    line = re.escape(line).replace("\0", r"[a-z0-9-]+").replace("\1", r"\d[\d,.:]*").replace(r"\.\.\.", ".*")
    return re.compile(line)


def match(expected, printed):
    """The first expected line that is not there, None if all are, and how many of the printed lines they took. The lines
    must be in order, others may be between them."""
    taken = 0
    for line in expected:
        pattern = _pattern(line)
        found = next(
            (i for i in range(taken, len(printed)) if pattern.fullmatch(re.sub(r"\s+", " ", printed[i].strip()))), None
        )
        if found is None:
            return line, taken
        taken = found + 1
    return None, taken

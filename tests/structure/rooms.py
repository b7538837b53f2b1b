#!/usr/bin/python3
"""The rooms of the server, as the sources have them: which uses which.

    rooms.py            fails where a room's README, server/ARCHITECTURE.md or a BUILD file says anything else
    rooms.py --write    puts what the sources say into the READMEs and the page
"""

import ast
import pathlib
import re
import sys

_KINDS = ("cc_library", "cc_binary", "cc_program", "cc_test")
_INCLUDE = re.compile(r'^#include "((?:base|server|client)/[^"]+)"', re.M)
_PAGE = "server/ARCHITECTURE.md"
_BEGIN, _END = "<!-- rooms -->\n", "<!-- /rooms -->\n"


class Target:
    def __init__(self, package, name, files, headers, deps):
        self.label = f"//{package}:{name}"
        self.package = package
        self.files = files
        self.headers = headers
        self.deps = deps


def _full(package, label):
    """A label with its package and its name."""
    if label.startswith(":"):
        return f"//{package}{label}"
    return label if ":" in label else f"{label}:{label.rsplit('/', 1)[-1]}"


def _strings(node):
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def targets_of(root, folders=("base", "server", "client")):
    """The C++ targets of these folders."""
    found = []
    for folder in folders:
        for build in sorted((root / folder).rglob("BUILD")):
            package = str(build.parent.relative_to(root))
            for node in ast.walk(ast.parse(build.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in _KINDS:
                    continue
                said = {keyword.arg: keyword.value for keyword in node.keywords}
                lists = {key: _strings(said[key]) if key in said else [] for key in ("srcs", "hdrs", "deps")}
                files = [f"{package}/{name}" for name in lists["srcs"] + lists["hdrs"]]
                headers = [f"{package}/{name}" for name in lists["hdrs"]]
                deps = {_full(package, label) for label in lists["deps"] if label[0] in ":/"}
                found.append(Target(package, said["name"].value, files, headers, deps))
    return found


def room_of(path):
    """base, or a folder of server; None for what stands above all rooms."""
    parts = path.split("/")
    if parts[0] == "base":
        return "base"
    return parts[1] if parts[0] == "server" and len(parts) > 2 else None


def check_targets(root, targets):
    """Yields where a file includes what its target does not name, and files that are in no target or in several."""
    headers = {header: target for target in targets for header in target.headers}
    owners = {}
    for target in targets:
        for file in target.files:
            if file in owners:
                yield f"{file}: in {owners[file].label} and in {target.label}"
            owners[file] = target
    for folder in ("base", "server"):
        for path in sorted((root / folder).rglob("*")):
            file = str(path.relative_to(root))
            if path.suffix in (".cc", ".h") and file not in owners:
                yield f"{file}: in no target"
    for file, target in sorted(owners.items()):
        if not (root / file).is_file():
            continue
        for included in _INCLUDE.findall((root / file).read_text(encoding="utf-8")):
            owner = headers.get(included)
            if owner is None and included not in target.files:
                yield f"{file}: includes {included}, which is no header of a target"
            elif owner is not None and owner is not target and owner.label not in target.deps:
                yield f"{file}: includes {included}; {target.label} does not name {owner.label} in its deps"


def arrows_of(root, targets):
    """Of each room the rooms that its sources include."""
    arrows = {}
    for target in targets:
        for file in target.files:
            room = room_of(file)
            if room is None:
                continue
            uses = arrows.setdefault(room, set())
            for included in _INCLUDE.findall((root / file).read_text(encoding="utf-8")):
                if room_of(included) not in (None, room):
                    uses.add(room_of(included))
    return arrows


def order_of(arrows):
    """The rooms, each after all that it uses; raises ValueError with the names of a circle."""
    order = []
    left = {room: set(uses) for room, uses in arrows.items()}
    while left:
        free = sorted(room for room, uses in left.items() if not uses & left.keys())
        if not free:
            circle = [min(left)]
            while circle.count(circle[-1]) < 2:
                circle.append(min(left[circle[-1]] & left.keys()))
            raise ValueError(" -> ".join(circle[circle.index(circle[-1]) :]))
        order.append(free)
        for room in free:
            del left[room]
    return order


def readme_lines(room, arrows):
    uses = sorted(arrows[room])
    users = sorted(other for other, used in arrows.items() if room in used)
    return f"Uses: {', '.join(uses) or 'nothing'}.\nUsed by: {', '.join(users) or 'main.cc'}.\n"


def picture(arrows):
    """The rooms in floors: what stands on a floor uses only what is below it."""
    floors = reversed(list(enumerate(order_of(arrows))))
    lines = "".join(f"    {number}  {', '.join(floor)}\n" for number, floor in floors)
    return f"\n{lines}\n"


def readme_of(root, room):
    return root / ("base" if room == "base" else f"server/{room}") / "README.md"


def check(root, write):
    targets = targets_of(root)
    faults = list(check_targets(root, targets))
    arrows = arrows_of(root, targets)
    try:
        drawn = picture(arrows)
    except ValueError as circle:
        return faults + [f"the rooms go round in a circle: {circle}"]
    for room in arrows:
        path = readme_of(root, room)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        wanted = readme_lines(room, arrows)
        if wanted in text:
            continue
        faults.append(f"{path.relative_to(root)}: the sources say\n{wanted}")
        if write:
            text, said = re.subn(r"^Uses: .*\nUsed by: .*\n", wanted, text, flags=re.M)
            path.write_text(text if said else f"{text}\n{wanted}", encoding="utf-8")
    page = root / _PAGE
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    said, end, after = rest.partition(_END)
    if not begin or not end or said != drawn:
        faults.append(f"{_PAGE}: the sources say\n{drawn}")
        if write and end:
            page.write_text(before + begin + drawn + end + after, encoding="utf-8")
    return faults


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    write = sys.argv[1:] == ["--write"]
    faults = check(root, write)
    for fault in faults:
        print(fault)
    if faults and not write:
        print("run tests/structure/rooms.py --write, or take the arrow away")
    return 1 if faults and not write else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Prints docs/api.md, made from the comments of the .proto files. Run from anywhere.

    tools/api_docs.py > docs/api.md
"""

import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_FILES = ["message_queue", "message", "registry", "admin", "limits"]
_CONFIG = "nmq/config/v1/config.proto"
# Field numbers of descriptor.proto, of which the paths to comments are made.
_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD = _ENUM_VALUE = _SERVICE_METHOD = 2

_HEAD = """# API

Package `nmq.v1`, made from the comments in [proto/nmq/v1](../proto/nmq/v1) by `tools/api_docs.py`. A field of a `oneof` is
marked with the `oneof`'s name. At the end: what a configuration file holds.
"""


def _describe(paths):
    with tempfile.NamedTemporaryFile() as out:
        roots = [f"-I{_ROOT}/proto", f"-I{_ROOT}/third_party/googleapis", "-I/usr/include"]
        subprocess.run(
            ["protoc", *roots, "--include_source_info", f"--descriptor_set_out={out.name}", *paths], check=True
        )
        described = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    return {file.name: file for file in described.file}


class _Page:
    def __init__(self, file, level):
        self._file = file
        self._level = level
        self._comments = {
            tuple(location.path): location.leading_comments
            for location in file.source_code_info.location
            if location.leading_comments
        }

    def _paragraphs(self, *path):
        """The comment; code, which is indented, stays as it is."""
        lines = [line[1:] if line.startswith(" ") else line for line in self._comments.get(path, "").splitlines()]
        return "\n".join(lines).strip("\n")

    def _line(self, *path):
        return " ".join(self._paragraphs(*path).split()).replace("|", "\\|").replace("<", "&lt;")

    def _heading(self, depth, text):
        return f"\n{'#' * (self._level + depth)} {text}\n"

    def services(self):
        for index, service in enumerate(self._file.service):
            yield self._heading(0, f"Service {service.name}")
            yield self._paragraphs(_FILE_SERVICE, index)
            yield ""
            for number, method in enumerate(service.method):
                request, response = (
                    ("stream " if streams else "") + _linked(type_name)
                    for streams, type_name in [
                        (method.client_streaming, method.input_type),
                        (method.server_streaming, method.output_type),
                    ]
                )
                comment = self._line(_FILE_SERVICE, index, _SERVICE_METHOD, number)
                yield f"- **{method.name}** ({request}) returns {response}. {comment}"

    def types(self):
        for index, message in enumerate(self._file.message_type):
            yield from self._message(message, (_FILE_MESSAGE, index))
        for index, enum in enumerate(self._file.enum_type):
            yield self._heading(1, enum.name)
            yield self._paragraphs(_FILE_ENUM, index)
            yield "\n| value | meaning |\n|---|---|"
            for number, value in enumerate(enum.value):
                yield f"| `{value.name}` | {self._line(_FILE_ENUM, index, _ENUM_VALUE, number)} |"

    def _message(self, message, path):
        maps = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
        yield self._heading(1, message.name)
        yield self._paragraphs(*path)
        if not message.field:
            return
        yield "\n| field | type | meaning |\n|---|---|---|"
        for number, field in enumerate(message.field):
            comment = self._line(*path, _MESSAGE_FIELD, number)
            if field.HasField("oneof_index") and not field.proto3_optional:
                comment = f"({message.oneof_decl[field.oneof_index].name}) {comment}"
            yield f"| `{field.name}` | {_type_of(field, maps)} | {comment} |"


def _linked(type_name):
    name = type_name.rsplit(".", 1)[1]
    return f"[{name}](#{name.lower()})" if type_name.startswith(".nmq.") else type_name[1:]


def _type_of(field, maps):
    kind = descriptor_pb2.FieldDescriptorProto
    if field.type in (kind.TYPE_MESSAGE, kind.TYPE_ENUM):
        entry = maps.get(field.type_name.rsplit(".", 1)[1])
        if entry is not None:
            return f"map of {' to '.join(_type_of(part, {}) for part in entry.field)}"
        name = _linked(field.type_name)
    else:
        name = kind.Type.Name(field.type)[len("TYPE_") :].lower()
    if field.label == kind.LABEL_REPEATED:
        return f"repeated {name}"
    return f"optional {name}" if field.proto3_optional else name


def main():
    names = [f"nmq/v1/{name}.proto" for name in _FILES]
    files = _describe([*names, _CONFIG])
    lines = [_HEAD.rstrip("\n")]
    for name in names:
        lines += _Page(files[name], 2).services()
    lines.append("\n## Messages")
    for name in names:
        lines += _Page(files[name], 2).types()
    lines.append("\n## Configuration file")
    lines += _Page(files[_CONFIG], 2).types()
    print("\n".join(lines))


main()

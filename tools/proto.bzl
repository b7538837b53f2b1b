"""nmq_proto_library: C++ from .proto files, with the distribution's protoc and gRPC plugin."""

load("@rules_cc//cc:defs.bzl", "cc_library")

_PROTOC = "/usr/bin/protoc"
_GRPC_PLUGIN = "/usr/bin/grpc_cpp_plugin"

# The folders that imports start from; google/protobuf/*.proto come from the last one.
_ROOTS = [
    "proto",
    "third_party/googleapis",
    "third_party/grpc",
]
_SYSTEM_ROOT = "/usr/include"

_ProtoFilesInfo = provider(
    doc = "The .proto files of a library and of all that it depends on.",
    fields = {"files": "depset of File"},
)

def _root_of(path):
    """The root of a path within this repository."""
    for root in _ROOTS:
        if path == root or path.startswith(root + "/"):
            return root
    fail("nmq_proto_library belongs below one of %s, not in %s" % (", ".join(_ROOTS), path))

def _under(workspace_root, path):
    """Where it is for a command: below external/nmq when another workspace has this repository."""
    return workspace_root + "/" + path if workspace_root else path

def _include_flag(file):
    workspace_root = file.owner.workspace_root
    path = file.path[len(workspace_root) + 1:] if workspace_root else file.path
    return "-I" + _under(workspace_root, _root_of(path))

def _proto_sources_impl(ctx):
    files = depset(ctx.files.srcs, transitive = [dep[_ProtoFilesInfo].files for dep in ctx.attr.deps])
    root = _root_of(ctx.label.package)
    out_dir = ctx.bin_dir.path + "/" + _under(ctx.label.workspace_root, root)

    suffixes = [".pb.h", ".pb.cc"]
    if ctx.attr.grpc:
        suffixes += [".grpc.pb.h", ".grpc.pb.cc"]
    outputs = []
    for src in ctx.files.srcs:
        stem = src.path[len(_under(ctx.label.workspace_root, ctx.label.package)) + 1:-len(".proto")]
        outputs += [ctx.actions.declare_file(stem + suffix) for suffix in suffixes]

    args = ctx.actions.args()
    args.add_all(files, map_each = _include_flag, uniquify = True)
    args.add("-I", _SYSTEM_ROOT)
    args.add("--cpp_out=" + out_dir)
    if ctx.attr.grpc:
        args.add("--plugin=protoc-gen-grpc=" + _GRPC_PLUGIN)
        args.add("--grpc_out=" + out_dir)
    args.add_all(ctx.files.srcs)

    ctx.actions.run(
        executable = _PROTOC,
        arguments = [args],
        inputs = files,
        outputs = outputs,
        mnemonic = "NmqProto",
        progress_message = "Generating C++ from the .proto files of %s" % ctx.label,
    )
    headers = [f for f in outputs if f.extension == "h"]
    return [
        DefaultInfo(files = depset(outputs)),
        # As system headers, so that our warnings leave generated code alone.
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset(headers),
            system_includes = depset([out_dir]),
        )),
        _ProtoFilesInfo(files = files),
    ]

_proto_sources = rule(
    implementation = _proto_sources_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True),
        "deps": attr.label_list(providers = [_ProtoFilesInfo]),
        "grpc": attr.bool(default = False),
    },
)

def _sources_of(label):
    name = label if ":" in label else label + ":" + label.split("/")[-1]
    return name + "_sources"

def nmq_proto_library(name, srcs, deps = [], grpc = False, visibility = None):
    """Generates C++ from .proto files and makes a cc_library of it.

    Code says `#include "nmq/v1/message.pb.h"`, and `"nmq/v1/message_queue.grpc.pb.h"` with grpc = True;
    .proto files say `import "nmq/v1/message.proto";`.

    Args:
      name: the cc_library.
      srcs: .proto files of this package.
      deps: other nmq_proto_library targets whose files these import.
      grpc: generates the stubs and services of all srcs, too.
      visibility: as everywhere.
    """
    _proto_sources(
        name = name + "_sources",
        srcs = srcs,
        deps = [_sources_of(dep) for dep in deps],
        grpc = grpc,
        visibility = visibility,
    )
    cc_library(
        name = name,
        srcs = [":" + name + "_sources"],
        copts = ["-w"],
        visibility = visibility,
        deps = deps + [
            ":" + name + "_sources",
            "//third_party/system:grpcpp" if grpc else "//third_party/system:protobuf",
        ],
    )

"""cc_program: a cc_binary that compiles the sources of each folder together, as one."""

load("//tools:cc.bzl", "cc_binary")

_SourcesInfo = provider(
    doc = "The sources of this tree that a cc_library and all that it depends on are made of.",
    fields = {
        "files": "depset of File",
        "owners": "depset of Label: whose they are",
    },
)

def _sources_impl(_target, ctx):
    deps = [dep[_SourcesInfo] for dep in getattr(ctx.rule.attr, "deps", []) if _SourcesInfo in dep]
    files = []
    if ctx.rule.kind == "cc_library":
        # Generated sources stay apart: those of protoc use the same names in each file.
        files = [file for file in ctx.rule.files.srcs if file.extension == "cc" and file.is_source]
    return [_SourcesInfo(
        files = depset(files, transitive = [dep.files for dep in deps]),
        owners = depset([ctx.label] if files else [], transitive = [dep.owners for dep in deps]),
    )]

_sources = aspect(
    implementation = _sources_impl,
    attr_aspects = ["deps"],
)

def _linker_input(linker_input, flags_only):
    if not flags_only:
        return linker_input
    return cc_common.create_linker_input(
        owner = linker_input.owner,
        user_link_flags = depset(linker_input.user_link_flags),
    )

def _folders_impl(ctx):
    infos = [dep[_SourcesInfo] for dep in ctx.attr.deps]
    files = depset(ctx.files.srcs, transitive = [info.files for info in infos])
    owners = {owner: True for owner in depset(transitive = [info.owners for info in infos]).to_list()}

    paths = {}
    for file in files.to_list():
        paths.setdefault(file.dirname, []).append(file.path)
    folders = []
    for dirname in sorted(paths):
        folder = ctx.actions.declare_file("%s/%s.cc" % (ctx.label.name, dirname.replace("/", "_")))
        ctx.actions.write(folder, "".join(["#include \"%s\"\n" % path for path in sorted(paths[dirname])]))
        folders.append(folder)

    # All headers of deps; but no objects of the libraries whose sources are in the folders.
    used = cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.attr.deps])
    linked = [_linker_input(i, i.owner in owners) for i in used.linking_context.linker_inputs.to_list()]
    return [
        DefaultInfo(files = depset(folders)),
        cc_common.merge_cc_infos(direct_cc_infos = [
            CcInfo(compilation_context = used.compilation_context),
            CcInfo(
                compilation_context = cc_common.create_compilation_context(headers = files),
                linking_context = cc_common.create_linking_context(linker_inputs = depset(linked, order = "topological")),
            ),
        ]),
    ]

_folders = rule(
    implementation = _folders_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cc"]),
        "deps": attr.label_list(aspects = [_sources], providers = [CcInfo]),
    },
)

def cc_program(name, srcs, deps, **kwargs):
    """A cc_binary, several times faster to compile from nothing than with an object for each source.

    Most of what a source costs is for the headers that it includes, and these are the same ones. So all sources of a
    folder, of whatever libraries, are included in one that is compiled. What a source has in an anonymous namespace, the
    next ones in its folder see: names there differ.

    Args:
      name: the cc_binary.
      srcs: as those of cc_binary; only .cc files.
      deps: as those of cc_binary. Their own sources become the program's; their linkopts and what is no source of this
        tree are linked as always.
      **kwargs: as those of cc_binary.
    """
    folders = name + "_folders"
    _folders(
        name = folders,
        srcs = srcs,
        deps = deps,
    )
    cc_binary(
        name = name,
        srcs = [":" + folders],
        deps = [":" + folders],
        **kwargs
    )

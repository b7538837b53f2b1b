"""static_library: one archive of all that a cc_library and what it depends on in this tree are made of."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _static_library_impl(ctx):
    linker_inputs = ctx.attr.dep[CcInfo].linking_context.linker_inputs.to_list()
    libraries = [library for linker_input in linker_inputs for library in linker_input.libraries]

    # Programs of every kind can have it in them, and libraries that are shared.
    parts = [library.pic_static_library or library.static_library for library in libraries]
    archive = ctx.actions.declare_file("lib%s.a" % ctx.label.name)
    script = ctx.actions.declare_file(ctx.label.name + ".mri")
    lines = ["create " + archive.path] + ["addlib " + part.path for part in parts] + ["save", "end", ""]
    ctx.actions.write(script, "\n".join(lines))
    toolchain = find_cpp_toolchain(ctx)
    ctx.actions.run_shell(
        command = "%s -M <%s" % (toolchain.ar_executable, script.path),
        inputs = depset(parts + [script], transitive = [toolchain.all_files]),
        outputs = [archive],
        mnemonic = "StaticLibrary",
        progress_message = "Gathering %s" % archive.short_path,
    )
    return [DefaultInfo(files = depset([archive]))]

static_library = rule(
    implementation = _static_library_impl,
    attrs = {
        "dep": attr.label(providers = [CcInfo], mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

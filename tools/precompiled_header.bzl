"""precompiled_header: parses a header once for all that Clang compiles. `//tools:cc.bzl` gives it to them."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# A sandbox has another path each time: paths below it are recorded as relative ones, and whoever uses the header gives
# `-isysroot .` to say to what. Files that come from a cache have other times.
_FLAGS = [
    "-xc++-header",
    "-fpch-instantiate-templates",
    "-working-directory=/proc/self/cwd",
    "-isysroot",
    "/proc/self/cwd",
    "-relocatable-pch",
    "-Xclang",
    "-fno-pch-timestamp",
]

def _precompiled_header_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    used = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    headers = depset([ctx.file.hdr] + ctx.files.also, transitive = [context.headers for context in used])
    compiled = ctx.actions.declare_file(ctx.label.name + ".pch")
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        source_file = ctx.file.hdr.path,
        output_file = compiled.path,
        quote_include_directories = depset([".", ctx.bin_dir.path]),
        system_include_directories = depset(transitive = [context.system_includes for context in used]),
        use_pic = True,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + _FLAGS,
    )
    ctx.actions.run(
        executable = cc_common.get_tool_for_action(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
        ),
        arguments = cc_common.get_memory_inefficient_command_line(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
            variables = variables,
        ),
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
            variables = variables,
        ),
        inputs = depset(transitive = [headers, toolchain.all_files]),
        outputs = [compiled],
        mnemonic = "CppPrecompile",
        progress_message = "Precompiling %s" % ctx.file.hdr.short_path,
    )

    # Without the folders that deps add to the search: who includes their headers must depend on them.
    return [
        DefaultInfo(files = depset([compiled])),
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset([compiled], transitive = [headers]),
        )),
    ]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "hdr": attr.label(allow_single_file = [".h"], mandatory = True),
        "also": attr.label_list(allow_files = [".h"], doc = "Headers of this tree that hdr includes."),
        "deps": attr.label_list(providers = [CcInfo], doc = "Whose headers hdr includes."),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

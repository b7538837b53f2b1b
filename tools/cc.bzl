"""cc_library, cc_binary and cc_test as those of rules_cc: hardened with -c opt; where .bazelrc asks for it, with a
precompiled header."""

load(
    "@rules_cc//cc:defs.bzl",
    _cc_binary = "cc_binary",
    _cc_library = "cc_library",
    _cc_test = "cc_test",
)

# Beyond what Bazel's toolchain has: a position-independent executable, read-only relocations.
_HARDENED = [
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=3",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
]

def _precompiled(rule, header, deps = [], copts = [], **kwargs):
    rule(
        deps = deps + select({
            "//tools/pch:used": ["//tools/pch:" + header],
            "//conditions:default": [],
        }),
        copts = copts + select({
            "//tools/pch:used": [
                "-include-pch",
                "$(BINDIR)/tools/pch/%s.pch" % header,
                # Where the relative paths in it start, and that the object depends on it.
                "-isysroot",
                ".",
                "-Xclang",
                "-module-file-deps",
            ],
            "//conditions:default": [],
        }) + select({
            "//tools:optimized": _HARDENED,
            "//conditions:default": [],
        }) + select({
            "//tools:optimized_for_x86_64": ["-fcf-protection=full"],
            "//conditions:default": [],
        }),
        **kwargs
    )

def cc_library(testonly = None, **kwargs):
    _precompiled(_cc_library, "test" if testonly else "common", testonly = testonly, **kwargs)

def cc_binary(testonly = None, **kwargs):
    _precompiled(_cc_binary, "test" if testonly else "common", testonly = testonly, **kwargs)

def cc_test(**kwargs):
    _precompiled(_cc_test, "test", **kwargs)

"""fuzz_target: what libFuzzer feeds, and the test that feeds it the corpus."""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//tools:cc.bzl", "cc_library", "cc_test")

def fuzz_target(name, deps):
    """What NAME_fuzz.cc has, which defines LLVMFuzzerTestOneInput.

    NAME_fuzz is built with --config=fuzz only, by run.sh. NAME_corpus_test gives it each file of corpus/NAME.

    Args:
      name: the target's.
      deps: what it feeds.
    """
    cc_library(
        name = name + "_input",
        testonly = True,
        srcs = [name + "_fuzz.cc"],
        deps = deps,
        alwayslink = True,
    )
    cc_binary(
        name = name + "_fuzz",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzz",
            "manual",
        ],
        deps = [":%s_input" % name],
    )
    cc_test(
        name = name + "_corpus_test",
        size = "small",
        srcs = ["corpus_test.cc"],
        args = ["tests/fuzz/corpus/" + name],
        data = native.glob(["corpus/%s/**" % name]),
        deps = [
            ":%s_input" % name,
            "//tests/testing:sanitizer_options",
            "//third_party/system:gtest",
        ],
    )

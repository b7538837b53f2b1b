"""What a workspace needs that has this repository as @nmq."""

def _folder_impl(repository_ctx):
    folder = repository_ctx.path(Label("//:WORKSPACE")).dirname
    for part in repository_ctx.attr.path.split("/"):
        folder = folder.get_child(part)
    for child in folder.readdir():
        repository_ctx.symlink(child, child.basename)

# A folder of this repository that is a repository of its own.
_folder = repository_rule(
    implementation = _folder_impl,
    attrs = {"path": attr.string(mandatory = True)},
)

# buildifier: disable=unnamed-macro
def nmq_repositories():
    """Defines the repositories that this one needs, those left out that are there already.

    Everything comes from the distribution's packages or from this repository: building needs no network.
    """
    there = native.existing_rules()

    # A stand-in; the real rules_cc can take its place.
    if "rules_cc" not in there:
        _folder(
            name = "rules_cc",
            path = "third_party/rules_cc",
        )

    # Debian's bazel-rules-java.
    if "rules_java" not in there:
        native.local_repository(
            name = "rules_java",
            path = "/usr/share/bazel/rules/java",
        )

    # Every cc_test asks for this one.
    if "remote_coverage_tools" not in there:
        _folder(
            name = "remote_coverage_tools",
            path = "third_party/remote_coverage_tools",
        )

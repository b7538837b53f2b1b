// The commands that keep contexts.
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/token.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/contexts.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/table.h"

namespace nmq {
namespace cli {
namespace {

std::string Absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

Context ContextOf(const Arguments& arguments) {
  return {.server = arguments.server,
          .namespace_name = arguments.namespace_name,
          .token = arguments.token,
          .token_file = Absolute(arguments.token_file),
          .tls_ca = Absolute(arguments.tls_ca),
          .tls_certificate = Absolute(arguments.tls_certificate),
          .tls_key = Absolute(arguments.tls_key)};
}

std::string ContextJson(const std::string& name, const Context& context, bool used) {
  JsonWriter json;
  json.BeginObject().Key("name").String(name).Key("server").String(context.server);
  json.Key("namespace").String(context.namespace_name).Key("token_file").String(context.token_file);
  json.Key("tls_ca").String(context.tls_ca);
  json.Key("tls_certificate").String(context.tls_certificate).Key("tls_key").String(context.tls_key);
  return json.Key("used").Bool(used).EndObject().json();
}

std::string TlsText(const Context& context) {
  if (!context.tls_certificate.empty()) return "yes, with a certificate";
  return context.tls_ca.empty() ? "no" : "yes";
}

absl::Status NoContext(const std::string& name) {
  return absl::NotFoundError(
      absl::StrCat("there is no context ", Quoted(name), "; nmq context list shows those there are"));
}

// One command, on contexts that are loaded already.
class ContextKeeper {
 public:
  ContextKeeper(const Arguments& arguments, Contexts contexts, Output* out, Output* err)
      : arguments_(arguments), contexts_(std::move(contexts)), out_(out), err_(err) {}

  int Add() {
    const bool first = contexts_.by_name.empty();
    const bool changed = contexts_.by_name.count(arguments_.name) > 0;
    const Context& added = contexts_.by_name[arguments_.name] = ContextOf(arguments_);
    if (first) contexts_.used = arguments_.name;
    TellOfEnvironment();
    return Keep(absl::StrCat("context ", OneLine(arguments_.name), changed ? " is changed" : " is kept", ": ",
                             added.server, first ? "; it is used from now on" : ""));
  }
  int Use() {
    if (!arguments_.name.empty() && contexts_.by_name.count(arguments_.name) == 0) {
      return Fail(NoContext(arguments_.name), arguments_, err_);
    }
    contexts_.used = arguments_.name;
    return Keep(arguments_.name.empty() ? "no context is used from now on"
                                        : absl::StrCat("context ", OneLine(arguments_.name), " is used from now on"));
  }
  int Remove() {
    if (contexts_.by_name.erase(arguments_.name) == 0) return Fail(NoContext(arguments_.name), arguments_, err_);
    if (contexts_.used == arguments_.name) contexts_.used.clear();
    return Keep(absl::StrCat("context ", OneLine(arguments_.name), " is forgotten"));
  }
  int List() {
    Table table({{"CONTEXT"}, {"SERVER"}, {"NAMESPACE"}, {"TLS"}});
    for (const auto& [name, context] : contexts_.by_name) {
      const bool used = name == contexts_.used;
      if (arguments_.json) out_->WriteLine(ContextJson(name, context, used));
      table.Add({OneLine(name) + (used ? " *" : ""), OneLine(context.server), OneLine(context.namespace_name),
                 TlsText(context)});
    }
    if (!arguments_.json) out_->Write(table.Render(out_->columns()));
    return Done(*out_, err_);
  }
  int Show() {
    const std::string& name = arguments_.name.empty() ? contexts_.used : arguments_.name;
    if (name.empty()) {
      return Fail(absl::NotFoundError("no context is used; nmq context use NAME chooses one"), arguments_, err_);
    }
    const auto found = contexts_.by_name.find(name);
    if (found == contexts_.by_name.end()) return Fail(NoContext(name), arguments_, err_);
    if (arguments_.json) {
      out_->WriteLine(ContextJson(name, found->second, name == contexts_.used));
      return Done(*out_, err_);
    }
    Table table({{"context"}, {OneLine(name)}});
    const Context& context = found->second;
    table.Add({"server", OneLine(context.server)});
    table.Add({"namespace", OneLine(context.namespace_name)});
    table.Add({"token", context.token.empty() ? "" : absl::StrCat("nmq_", IdOfToken(context.token), "_...")});
    table.Add({"token file", OneLine(context.token_file)});
    table.Add({"TLS CA", OneLine(context.tls_ca)});
    table.Add({"TLS certificate", OneLine(context.tls_certificate)});
    table.Add({"TLS key", OneLine(context.tls_key)});
    table.Add({"used", name == contexts_.used ? "yes" : "no"});
    table.Add({"kept in", ContextsPath()});
    out_->Write(table.Render());
    return Done(*out_, err_);
  }

 private:
  // What nobody typed may not be meant to be kept.
  void TellOfEnvironment() const {
    std::vector<std::string> from;
    for (const std::string& option : arguments_.from_environment) {
      const std::string name = absl::AsciiStrToUpper(absl::StrReplaceAll(option.substr(2), {{"-", "_"}}));
      from.push_back(absl::StrCat(option.substr(2), " of NMQ_", name));
    }
    if (!from.empty()) {
      err_->Tell(absl::StrCat("the context keeps, from the environment, the ", absl::StrJoin(from, ", the "),
                              "; unset what it is not to have, and add it again"));
    }
  }
  int Keep(const std::string& what) {
    const absl::Status status = SaveContexts(contexts_, ContextsPath());
    if (!status.ok()) return Fail(status, arguments_, err_);
    if (arguments_.json) {
      JsonWriter json;
      out_->WriteLine(json.BeginObject()
                          .Key("context")
                          .String(arguments_.name)
                          .Key("used")
                          .String(contexts_.used)
                          .EndObject()
                          .json());
    } else {
      out_->WriteLine(what);
    }
    return Done(*out_, err_);
  }

  const Arguments& arguments_;
  Contexts contexts_;
  Output* const out_;
  Output* const err_;
};

}  // namespace

int RunContext(const Arguments& arguments, Output* out, Output* err) {
  const bool changes = arguments.command != Command::kContextList && arguments.command != Command::kContextShow;
  const ContextsLock lock(changes ? ContextsPath() : "");
  absl::StatusOr<Contexts> contexts = LoadContexts(ContextsPath());
  if (!contexts.ok()) return Fail(contexts.status(), arguments, err);
  ContextKeeper keeper(arguments, *std::move(contexts), out, err);
  switch (arguments.command) {
    case Command::kContextAdd:
      return keeper.Add();
    case Command::kContextUse:
      return keeper.Use();
    case Command::kContextList:
      return keeper.List();
    case Command::kContextShow:
      return keeper.Show();
    case Command::kContextRemove:
      return keeper.Remove();
    default:
      return kExitUsage;
  }
}

}  // namespace cli
}  // namespace nmq

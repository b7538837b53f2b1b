// Prints what nmq's command line is made of, as JSON: the source of its manual page and of the completion of shells.
#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "client/cli/arguments.h"
#include "client/cli/command_line.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;

void Set(const std::string& name, const std::string& value, Struct* object) {
  if (!value.empty()) (*object->mutable_fields())[name].set_string_value(value);
}

void SetTrue(const std::string& name, bool value, Struct* object) {
  if (value) (*object->mutable_fields())[name].set_bool_value(true);
}

ListValue* List(const std::string& name, Struct* object) {
  return (*object->mutable_fields())[name].mutable_list_value();
}

void Describe(const CLI::Option& option, Struct* object) {
  Set("positional", option.get_positional() ? option.get_name(/*positional=*/true) : "", object);
  ListValue* const names = List("names", object);
  for (const std::string& name : option.get_snames()) names->add_values()->set_string_value("-" + name);
  for (const std::string& name : option.get_lnames()) names->add_values()->set_string_value("--" + name);
  Set("type", option.get_type_name(), object);
  Set("help", option.get_description(), object);
  Set("default", option.get_default_str(), object);
  Set("environment", option.get_envname(), object);
  SetTrue("value", option.get_items_expected_max() > 0, object);
  SetTrue("required", option.get_required(), object);
}

void Describe(const CLI::App& app, Struct* object) {
  Set("name", app.get_name(), object);
  Set("help", app.get_description(), object);
  Set("footer", app.get_footer(), object);
  for (const CLI::Option* option : app.get_options()) {
    // Those without a group are not shown by --help either.
    if (option->get_group().empty()) continue;
    Describe(*option, List("options", object)->add_values()->mutable_struct_value());
  }
  for (const CLI::App* part : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (part->get_group().empty()) continue;
    // A group of options is a part without a name.
    const char* const kind = part->get_name().empty() ? "groups" : "commands";
    Describe(*part, List(kind, object)->add_values()->mutable_struct_value());
  }
}

}  // namespace

int main() {
  nmq::cli::Arguments arguments;
  nmq::cli::Typed typed;
  CLI::App app("", "nmq");
  nmq::cli::AddCommands(&app, {.arguments = &arguments, .typed = &typed});
  Struct tree;
  Describe(app, &tree);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(tree, &json).ok()) return 1;
  std::cout << json << std::endl;
}

// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

namespace symphony::app {
namespace {

using manifests::Argument;
using manifests::Command;
using manifests::Flag;

Command command(std::string name, std::string summary, std::string help, std::vector<std::string> examples) {
    Command made;
    made.name = std::move(name);
    made.summary = std::move(summary);
    made.help = std::move(help);
    made.examples = std::move(examples);
    return made;
}

Argument argument(std::string name, std::string help, bool required, std::string complete, bool repeat = false) {
    Argument made;
    made.name = std::move(name);
    made.help = std::move(help);
    made.required = required;
    made.complete = std::move(complete);
    made.repeat = repeat;
    return made;
}

Flag flag(std::string name, std::string value, std::string help) {
    Flag made;
    made.name = std::move(name);
    made.value = std::move(value);
    made.help = std::move(help);
    return made;
}

std::vector<Command> make() {
    std::vector<Command> all;
    all.push_back(command("list", "List the plugins",
                          "Lists every plugin in the search folders with its state, from the manifests alone: no plugin is "
                          "loaded.\n\nusable: may be loaded. refused: something is wrong, --why says what. disabled: switched "
                          "off by its configuration. quarantined: it crashed or misbehaved too often. superseded: another "
                          "version of it is used.",
                          {"symphony list", "symphony list --why", "symphony list --json"}));
    all.back().flags.push_back(flag("why", "", "say for each where it was found and why it is refused"));
    all.push_back(command("show", "Show all about one plugin",
                          "Shows the manifest in plain words, the check of the library's digest and identity note, the "
                          "permissions it asks for and its settings with where each value comes from. Reads files only; none "
                          "of the plugin's code is mapped or run.",
                          {"symphony show text", "symphony show org.symphony.text --json"}));
    all.back().arguments.push_back(argument("plugin", "a plugin's id or short name", true, "plugin"));
    all.push_back(command("check", "Check a plugin folder, a manifest or a workflow",
                          "Finds everything that is wrong with a plugin's folder or manifest (unknown keys are errors here), or "
                          "with a workflow, and says where. Nothing is loaded for a plugin; a workflow is checked by the plugin "
                          "that runs workflows.",
                          {"symphony check plugins/text", "symphony check my-plugin/manifest.toml", "symphony check survey"}));
    all.back().arguments.push_back(argument("path", "a plugin's folder, a manifest.toml, a workflow file or its name", true, "file"));
    all.push_back(command("doctor", "Say what this machine can do and what is missing",
                          "Checks the machine, the folders, the cache, and the plugins; each finding comes with the command that "
                          "mends it. Status 1 when something is broken.",
                          {"symphony doctor", "symphony doctor --release word-count"}));
    all.back().flags.push_back(flag("release", "PLUGIN", "take a plugin out of quarantine"));
    all.push_back(command("version", "Print the version of the host and its ABI", {}, {"symphony version", "symphony version --json"}));
    all.push_back(command("completion", "Print a completion script for bash or zsh",
                          "For bash: eval \"$(symphony completion bash)\" in ~/.bashrc. For zsh: eval \"$(symphony completion "
                          "zsh)\" in ~/.zshrc, behind compinit.",
                          {"symphony completion bash"}));
    all.back().arguments.push_back(argument("shell", "bash or zsh", true, "shell"));
    all.push_back(command("help", "Explain a command", {}, {"symphony help", "symphony help run"}));
    all.back().arguments.push_back(argument("command", "a command", false, "command", true));
    return all;
}

} // namespace

const std::vector<Command>& host_commands() {
    static const std::vector<Command> all = make();
    return all;
}

} // namespace symphony::app

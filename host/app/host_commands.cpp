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

void add_permission_commands(std::vector<Command>& all) {
    constexpr auto* right_help = "a right such as read:workspace, network:api.example.com:443 or model:gpt-4, or as the manifest writes it";
    all.push_back(command("permission list", "List what plugins ask for and what is granted",
                          "A plugin may do what its manifest asks for, what a person or a rule granted, and what no policy denies. ANSWER "
                          "is what would happen now: allowed, asks first (a person on a terminal is asked, everybody else is denied), or "
                          "denied.\n\nThe rights of one plugin come from its newest version, also while that waits for consent.",
                          {"symphony permission list", "symphony permission list word-count --json"}));
    all.back().arguments.push_back(argument("plugin", "only this one: an id or a short name", false, "plugin"));
    all.push_back(command("permission grant", "Grant a right to a plugin",
                          "Only what the manifest asks for can be granted, or a part of it. A grant is for the plugin and its publisher: it "
                          "outlives updates that ask for the same or less, and gives nothing to one that asks for more. An update that asks "
                          "for more than was agreed to is held back, and the old version runs, until its rights are granted or --all agrees "
                          "to them.",
                          {"symphony permission grant word-count read:workspace", "symphony permission grant fetch 'network:*.example.com:443' --for 1h",
                           "symphony permission grant fetch --all"}));
    all.back().arguments.push_back(argument("plugin", "a plugin's id or short name", true, "plugin"));
    all.back().arguments.push_back(argument("right", right_help, false, "right"));
    all.back().flags.push_back(flag("for", "TIME", "once (the next use), run (the next run), always, a duration such as 1h, or \"until 2026-12-31\"; default: always"));
    all.back().flags.push_back(flag("until", "DATE", "to the end of a day such as 2026-12-31, or to a time such as \"2026-12-31 18:00\""));
    all.back().flags.push_back(flag("all", "", "everything that its newest manifest asks for, and agree to it"));
    all.push_back(command("permission revoke", "Take a grant back",
                          "Takes back what was granted, and whatever is part of it, at once: open connections that it allowed are closed. "
                          "Files that a plugin holds open stay open until it ends. --all forgets what was agreed to and earlier answers, too. "
                          "The id of a plugin that is no longer installed works as well.",
                          {"symphony permission revoke word-count read:workspace", "symphony permission revoke word-count --all"}));
    all.back().arguments.push_back(argument("plugin", "a plugin's id or short name", true, "plugin"));
    all.back().arguments.push_back(argument("right", right_help, false, "right"));
    all.back().flags.push_back(flag("all", "", "everything of this plugin"));
    all.push_back(command("permission explain", "Say why a plugin may or may not do something",
                          "Says which line of the manifest asks for the right, what the policy says, which grant covers it, what comes of that, "
                          "and the command that changes it. The right may be one object, such as read:workspace/notes.txt.",
                          {"symphony permission explain word-count read:workspace/notes.txt", "symphony permission explain fetch network:api.example.com:443"}));
    all.back().arguments.push_back(argument("plugin", "a plugin's id or short name", true, "plugin"));
    all.back().arguments.push_back(argument("right", right_help, true, "right"));
    all.push_back(command("permission audit", "Show, export or verify the log of decisions",
                          "Every decision, grant, refusal and violation is in a log whose rows are chained by their hashes. Without flags the last "
                          "50 rows are shown. COUNT is how many such happenings a row stands for: what is allowed again and again is counted "
                          "exactly and written now and then.\n\nStatus 1 when --verify finds damage: it names the first row that is wrong.",
                          {"symphony permission audit --kind violation --since 1d", "symphony permission audit --export > audit.jsonl", "symphony permission audit --verify"}));
    all.back().flags.push_back(flag("plugin", "PLUGIN", "only of this plugin: an id or a short name"));
    all.back().flags.back().complete = "plugin";
    all.back().flags.push_back(flag("kind", "KIND", "only decision, grant, revoke, consent, violation, refused or lost"));
    all.back().flags.push_back(flag("since", "TIME", "only since a time such as 2026-12-31, or so long ago, such as 1h or 7d"));
    all.back().flags.push_back(flag("last", "COUNT", "only the newest so many; 0: all"));
    all.back().flags.push_back(flag("export", "", "print JSON lines with the hashes, for other programs"));
    all.back().flags.push_back(flag("verify", "", "check the whole chain"));
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
                          "of the plugin's code is mapped or run. Plugins that know more, such as where it was installed from, add "
                          "it, also about a plugin that is not here and can be had.",
                          {"symphony show text", "symphony show org.symphony.text --json"}));
    all.back().arguments.push_back(argument("plugin", "a plugin's id or short name", true, "plugin"));
    all.push_back(command("check", "Check a plugin folder, a manifest or a workflow",
                          "Finds everything that is wrong with a plugin's folder or manifest (unknown keys are errors here), or "
                          "with a workflow, and says where; a workflow is checked by the plugin that runs workflows.\n\n"
                          "Of a plugin, the manifest and the library's bytes are looked at first, and nothing is loaded. When they "
                          "are well and the library is trusted, or with --run, --level, --only or --seed, the plugin is held to the "
                          "contract: its code then runs with your rights, outside the sandbox.",
                          {"symphony check plugins/text", "symphony check build/plugins/mine --run", "symphony check my-plugin/manifest.toml", "symphony check survey", "symphony check flow.toml --include part.toml"}));
    all.back().arguments.push_back(argument("path", "a plugin's folder, a manifest.toml, a workflow file or its name", true, "file"));
    all.back().flags.push_back(flag("run", "", "run the plugin's code, also when nobody vouches for it"));
    all.back().flags.push_back(flag("static", "", "run none of the plugin's code, also when it is trusted"));
    all.back().flags.push_back(flag("level", "N", "rules of the contract up to this level, 1 to 10; default: 5, which registries ask for"));
    all.back().flags.push_back(flag("only", "RULE", "this rule alone, and what it builds on; symphony conformance --rules lists them"));
    all.back().flags.back().repeat = true;
    all.back().flags.push_back(flag("seed", "N", "the random numbers of a former run"));
    all.back().flags.push_back(flag("include", "FILE", "a file that the workflow names as a sub-workflow, which is then checked, too"));
    all.back().flags.back().repeat = true;
    all.back().flags.back().complete = "file";
    all.push_back(command("doctor", "Say what this machine can do and what is missing",
                          "Checks the machine, the folders, the cache, and the plugins, and asks plugins that know more, such as "
                          "about what was installed; each finding comes with the command that mends it. Status 1 when something is broken.",
                          {"symphony doctor", "symphony doctor --release word-count"}));
    all.back().flags.push_back(flag("release", "PLUGIN", "take a plugin out of quarantine"));
    add_permission_commands(all);
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

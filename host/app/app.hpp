// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config.hpp"
#include "console.hpp"
#include "generation_hold.hpp"
#include "isolation.hpp"
#include "log.hpp"
#include "paths.hpp"
#include "plugin_source.hpp"
#include "resolver.hpp"
#include "words.hpp"

#include <symphony/permissions/permissions.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::app {

enum Exit : int { done = 0, failed = 1, wrong_usage = 2, plugin_refused = 3 };

/// The exit status that an error means.
int status_of(const Error& error) noexcept;

/// A plugin as `list`, `show` and completion speak of it.
struct PluginView {
    host::Catalog::Ref ref;
    std::string state; // usable, refused, disabled, quarantined, superseded
    std::optional<Error> error;
};

/// Everything one run of the program works with, made when it is first needed.
class App {
public:
    App(Console& console, HostOptions options, host::Environment environment, host::Paths paths);

    Console& console;
    HostOptions options;
    const host::Environment environment;
    const host::Paths paths;

    /// Opens the log and checks the host's own options. First, and once.
    Status prepare();
    host::Log& log() { return *log_; }
    host::Catalog& catalog() { return *catalog_; }
    const host::Config& config();
    const host::Resolution& resolution();
    const host::Plugins& plugins();
    /// The workspace, absolute; empty when there is none.
    const std::filesystem::path& workspace() const noexcept { return workspace_; }
    /// Whom a --set without a plugin means.
    void set_default_plugin(std::string id);

    /// Every plugin folder with what became of it, by name. The disk is compared first.
    std::vector<PluginView> views();
    PluginView view(host::Catalog::Ref ref);
    /// The plugin that a person means: the usable one of that id or name, else a refused one.
    Result<host::Catalog::Ref> find_plugin(const std::string& id_or_name);
    /// The command of that name and whose it is; the folder's manifest is read now.
    struct PluginCommand {
        host::Catalog::Ref ref;
        manifests::Command command;
        std::string plugin; // id
    };
    Result<PluginCommand> find_command(const std::string& name);
    /// Commands of usable plugins that say something when one of the host's does.
    std::vector<PluginCommand> commands_that_add_to(manifests::AddsTo what);
    /// Names and summaries of all usable plugins' commands, sorted.
    std::vector<std::pair<std::string, std::string>> plugin_commands();

    /// Options of a runtime over plugins(): folders, grants of the workspace, placement, configuration, log.
    host::RuntimeOptions runtime_options();
    /// What the sandbox of isolated plugins is made with.
    host::Isolation::Options isolation_options(std::function<void(const host::Violation&)> on_violation);
    /// Grants, policy and audit log of this user. @param prompt  Outlives it; null: nobody is asked.
    std::unique_ptr<permissions::Permissions> make_permissions(permissions::Prompt* prompt);
    const permissions::Policy& policy();
    /// What this user and this distribution trust, and what the flags say of placement.
    const host::PlacementPolicy& placement_policy();
    /// Where a plugin would run, and why; nothing for one that is not in use.
    std::optional<host::Placement> placement(host::Catalog::Ref ref);
    /// While plugins begin by themselves, refusals are warnings.
    void set_starting(bool starting) noexcept { starting_ = starting; }
    /// Looks for plugins that were installed, changed or removed since the last time, and lets the running `runtime` over plugins() use
    /// what there is now. What is at work is asked again later. Nobody else uses the App meanwhile.
    void follow(host::Runtime& runtime);
    /// Versions that plugins() does not use because nobody agreed to their rights yet, and why.
    const std::vector<std::pair<permissions::Subject, Error>>& held_back_versions() const noexcept { return held_back_; }

private:
    host::Runtime* judge();
    Result<std::vector<host::Root>> plugin_roots();
    std::optional<Error> barred_extension(const host::Catalog& from, host::Catalog::Ref ref, const host::Entry& entry);
    std::string extension_publishers();
    std::optional<Error> held_back(const std::string& folder, const host::Entry& entry);
    host::Resolution resolve(host::Catalog& from);
    void report(const host::Plugins::Change& change, const Status& done);
    void follow_catalog(); // forgets what was concluded from an older state of it

    std::string default_plugin_;
    std::uint64_t generation_ = 0;
    std::atomic<bool> starting_ = false;
    std::filesystem::path workspace_;
    std::optional<host::Log> log_;
    std::optional<host::Catalog> catalog_;
    std::optional<host::Config> config_;
    std::optional<host::Resolution> resolution_;
    std::optional<host::Plugins> plugins_;
    std::optional<permissions::Policy> policy_;
    std::optional<host::PlacementPolicy> placement_policy_;
    std::optional<std::set<std::string>> agreed_;         // ids of plugins that somebody agreed to
    std::unique_ptr<permissions::Permissions> consents_;  // made when one of them is found; watches nothing
    std::vector<std::pair<permissions::Subject, Error>> held_back_;
    /// A later state of the folders than catalog_, which the runtime's plugins know by now.
    struct Later {
        host::Catalog catalog;
        host::Resolution resolution;
    };
    std::unique_ptr<Later> later_;
    struct Waiting {
        host::Plugins::Change change;
        std::chrono::steady_clock::time_point next_try;
        std::chrono::seconds pause;
    };
    std::vector<Waiting> waiting_; // changed plugins that were at work
    host::GenerationHold generations_;
    std::optional<host::Runtime> judge_; // asked for quarantine records only; starts nothing
};

// The host's own commands.
const std::vector<manifests::Command>& host_commands();
Result<int> list(App& app, const Typed& typed);
Result<int> show(App& app, const Typed& typed);
Result<int> check(App& app, const Typed& typed);
Result<int> doctor(App& app, const Typed& typed);
Result<int> version(App& app, const Typed& typed);
Result<int> completion(App& app, const Typed& typed);
Result<int> permission_list(App& app, const Typed& typed);
Result<int> permission_grant(App& app, const Typed& typed);
Result<int> permission_revoke(App& app, const Typed& typed);
Result<int> permission_audit(App& app, const Typed& typed);
Result<int> permission_explain(App& app, const Typed& typed);
/// Candidates for the last of the words, one a line.
int complete(App& app, const std::vector<std::string>& words);

/// Help for a command, or for the program when there is none.
std::string help_text(const manifests::Command& command, bool long_form, bool color);
std::string overview(App& app, bool long_form);
/// The commands that begin with `word`, such as those of "permission".
std::string group_text(const std::string& word, const std::vector<std::pair<std::string, std::string>>& members, bool color);

/// Loads a command's plugin and runs it to its end.
/// @param output  Receives what it writes to stdout, when given.
Result<int> call_plugin(App& app, const App::PluginCommand& command, const Typed& typed, std::string* output = nullptr);
/// What plugins add to one of the host's own commands: as text, or with --json by their names. Nobody is asked for a right, and nobody begins
/// by himself. An answer to --json that is none is an error with the reason `not-json`; one that takes two minutes is ended.
struct Addition {
    std::string name;   ///< "packages", of the command "packages doctor"
    std::string output;
    int status = 0;     ///< done, or failed: something is broken
    std::optional<Error> error;
};
std::vector<Addition> additions_to(App& app, manifests::AddsTo what, const Typed& typed);
/// The JSON of one of the host's commands with that of the additions, each under its name.
std::string json_with(const manifests::Data& data, const std::vector<Addition>& additions);
/// Lets the workflow plugin check a file. Prints what it finds.
/// @param included  Files that it may name as sub-workflows, as typed.
Result<int> check_workflow(App& app, const std::filesystem::path& file, const std::vector<std::string>& included);

/// Prints diagnostics, or that there is none; `facts` join the JSON, `summary` the last line. @return Exit status.
int report_findings(App& app, const std::string& what, const std::vector<manifests::Diagnostic>& found,
                    const manifests::Data::Map& facts = {}, const std::string& summary = {});

manifests::Data error_data(const Error& error);

} // namespace symphony::app

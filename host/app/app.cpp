// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include "seal.hpp"

#include <symphony/abi/services/log.h>
#include <symphony/brokers/secrets.hpp>

#include <algorithm>
#include <set>

namespace symphony::app {
namespace fs = std::filesystem;
using host::Catalog;
using manifests::Data;

namespace {

// The first diagnostics of a configuration as one error, so that all of them are told at once.
Error config_error(const manifests::Manifest& manifest, const std::vector<manifests::Diagnostic>& diagnostics) {
    std::string text = "plugin \"" + manifest.name() + "\": configuration:";
    std::string hint;
    for (const auto& item : diagnostics) {
        if (item.severity != manifests::Severity::error) continue;
        text += (text.ends_with(':') ? " " : "; ") + item.message + " (" + item.file;
        if (item.line != 0) text += ":" + std::to_string(item.line);
        text += ")";
        if (hint.empty()) hint = item.hint;
    }
    if (hint.empty()) hint = "symphony show " + manifest.name() + " lists the keys and where their values come from";
    return Error(Code::refused, "bad-config", text, hint);
}

Result<host::EffectiveConfig> runtime_config(const host::Config& config, const manifests::Manifest& manifest) {
    const auto effective = config.effective(manifest);
    if (!effective.ok()) return config_error(manifest, effective.diagnostics);
    host::EffectiveConfig result;
    result.secrets = std::make_shared<const brokers::Secrets>(manifest.name(), effective);
    result.values = host::encode_for_plugin(effective);
    const auto value = [&effective](std::string_view key) -> const Data& {
        static const Data nothing;
        const auto* setting = effective.find(key);
        return setting != nullptr ? setting->value : nothing;
    };
    if (const auto* enabled = value("enabled").as<bool>()) result.enabled = *enabled;
    if (const auto* on = value("metrics_enabled").as<bool>()) result.metrics_enabled = *on;
    if (const auto* ms = value("timeout").as<std::int64_t>()) result.timeout = std::chrono::milliseconds(*ms);
    // A plugin that has such a setting has something to bring to its end when it is cancelled.
    constexpr std::int64_t cancel_grace_ms_max = 600'000;
    if (const auto* ms = value("cancel_grace").as<std::int64_t>()) result.cancel_grace = std::chrono::milliseconds(std::clamp<std::int64_t>(*ms, 0, cancel_grace_ms_max));
    if (const auto* retry = value("retry").as<std::int64_t>()) result.retry = static_cast<std::uint32_t>(std::clamp<std::int64_t>(*retry, 0, 1000));
    return result;
}

} // namespace

int status_of(const Error& error) noexcept {
    if (error.code() == Code::refused || error.code() == Code::abi_mismatch) return plugin_refused;
    return error.reason() == "usage" ? wrong_usage : failed;
}

Data error_data(const Error& error) {
    const auto clean = [](std::string_view text) { return Data(host::printable(text)); };
    return Data(Data::Map{{"code", clean(name_of(error.code()))}, {"reason", clean(error.reason())},
                          {"message", clean(error.message())}, {"hint", clean(error.hint())}});
}

App::App(Console& screen, HostOptions typed, host::Environment variables, host::Paths folders)
    : console(screen), options(std::move(typed)), environment(std::move(variables)), paths(std::move(folders)) {}

Status App::prepare() {
    log_.emplace(SYMPHONY_TRY(host::Log::create(options.log_level, options.log_file, [this](std::string_view line) { console.err(line); })));
    for (const auto& warning : paths.warnings) log().warn(warning);
    std::error_code error;
    workspace_ = options.workspace.empty() ? fs::current_path(error) : fs::canonical(options.workspace, error);
    if (!options.workspace.empty() && !fs::is_directory(workspace_, error)) {
        return usage_error("--workspace " + options.workspace + ": there is no such folder", "name a folder");
    }
    SYMPHONY_TRY(host::check_seal(paths.prefix, paths.cache));
    auto roots = SYMPHONY_TRY(plugin_roots());
    catalog_ = Catalog::open(std::move(roots), paths.cache.string());
    for (const auto& warning : catalog_->warnings()) log().warn(warning);
    return {};
}

Result<std::vector<host::Root>> App::plugin_roots() {
    const bool closed = policy().extensions().which == permissions::Extensions::none;
    if (closed && !options.plugins.empty() && !options.safe_mode) SYMPHONY_TRY(policy().extensions().check(options.plugins.front(), {}));
    return host::plugin_roots(paths, options.plugins, environment, options.safe_mode || closed);
}

const host::Config& App::config() {
    if (config_) return *config_;
    host::Config::Sources sources;
    sources.flags = options.set;
    sources.flag_plugin = default_plugin_;
    sources.environment = environment;
    sources.distribution_dir = paths.distribution();
    if (!options.safe_mode) {
        sources.workspace = workspace_;
        sources.user_dir = paths.config;
    }
    config_ = host::Config::load(sources);
    return *config_;
}

void App::set_default_plugin(std::string id) {
    default_plugin_ = std::move(id);
    config_.reset(); // what was read before the command was known
}

void App::follow_catalog() {
    if (generation_ == catalog().generation()) return;
    generation_ = catalog().generation();
    judge_.reset();
    plugins_.reset();
    resolution_.reset();
    held_back_.clear();
}

host::Resolution App::resolve(Catalog& from) {
    host::ResolveOptions resolve_options;
    resolve_options.disabled = [this](const host::Entry& entry) { return config().disabled(entry.id, entry.name); };
    resolve_options.held_back = [this, &from](Catalog::Ref ref, const host::Entry& entry) {
        auto barred = barred_extension(from, ref, entry);
        return barred ? barred : held_back(from.folder(ref), entry);
    };
    return host::resolve(from, resolve_options);
}

const host::Resolution& App::resolution() {
    follow_catalog();
    if (!resolution_) resolution_ = resolve(catalog());
    return *resolution_;
}

void App::follow(host::Runtime& runtime) {
    const auto now = std::chrono::steady_clock::now();
    const auto roots = plugin_roots();
    const bool first = later_ == nullptr;
    if (first) {
        if (!roots) return; // a folder of --plugins is away for now
        later_ = std::make_unique<Later>(Later{Catalog::open(*roots, paths.cache.string()), {}});
    }
    if (later_->catalog.refresh() || first) {
        placement_policy().trust.reload();
        agreed_.reset();
        held_back_.clear();
        later_->resolution = resolve(later_->catalog);
        if (!options.safe_mode && !paths.data.empty()) generations_.take(paths.data / host::packages_current);
        for (const auto& [subject, why] : held_back_) log().warn(why.message() + (why.hint().empty() ? "" : "; " + why.hint()));
        waiting_.clear();
        for (const auto& change : plugins_->follow(later_->catalog, later_->resolution)) waiting_.push_back({change, now, std::chrono::seconds(1)});
    }
    std::erase_if(waiting_, [&](Waiting& one) {
        if (one.next_try > now) return false;
        constexpr std::chrono::milliseconds patience{500};
        const Status done = one.change.next ? runtime.replace(one.change.now, *one.change.next, patience) : runtime.retire(one.change.now, patience);
        if (!done && done.error().code() == Code::busy) {
            if (one.pause == std::chrono::seconds(1)) report(one.change, done);
            one.next_try = now + one.pause;
            one.pause = std::min(one.pause * 2, std::chrono::seconds(60));
            return false;
        }
        plugins_->settle(one.change, done);
        report(one.change, done);
        return true;
    });
}

void App::report(const host::Plugins::Change& change, const Status& done) {
    const auto& entry = plugins_->entry(change.now);
    const auto name = entry.manifest->name();
    const auto version = entry.manifest->extension.version.text();
    if (!done) log().write(SYMPHONY_LOG_WARN, name, done.error().message() + "; version " + version + " goes on");
    else if (!change.next) log().write(SYMPHONY_LOG_INFO, name, "version " + version + " was removed");
    else log().write(SYMPHONY_LOG_INFO, name, "version " + plugins_->entry(*change.next).manifest->extension.version.text() + " serves from now on, instead of " + version);
}

const host::Plugins& App::plugins() {
    follow_catalog();
    if (!plugins_) plugins_.emplace(catalog(), resolution());
    return *plugins_;
}

const host::PlacementPolicy& App::placement_policy() {
    if (placement_policy_) return *placement_policy_;
    auto& policy = placement_policy_.emplace();
    // Of the user's two files, what they trust counts unless policy has that locked.
    const bool theirs = !options.safe_mode && !this->policy().in_process_locked();
    std::vector<host::Trust::File> files{{paths.prefix / "plugins.lock"}, {paths.prefix / "lib/symphony/plugins.lock"}};
    if (!paths.config.empty()) files.push_back({paths.config / "trust.toml", theirs});
    if (!paths.data.empty()) files.push_back({paths.data / host::packages_current / "plugins.lock", theirs});
    policy.trust = host::Trust::load(files);
    for (const auto& warning : policy.trust.warnings()) log().warn(warning);
    policy.only_trusted = this->policy().in_process_rule();
    policy.isolate_all = options.isolate_all;
    policy.isolate = {options.isolate.begin(), options.isolate.end()};
    policy.in_process = {options.in_process.begin(), options.in_process.end()};
    policy.in_process_all = policy.in_process.erase("all") > 0;
    return policy;
}

/// Policy may let only signed plugins be used besides those that the host came with.
std::optional<Error> App::barred_extension(const Catalog& from, Catalog::Ref ref, const host::Entry& entry) {
    const auto origin = from.root(ref).origin;
    if (policy().extensions().which == permissions::Extensions::any || origin == host::Origin::distribution || origin == host::Origin::prefix) return std::nullopt;
    const auto file = host::read_manifest_file(from.folder(ref), manifests::Strictness::load);
    const auto* artifact = file.parsed.manifest ? file.parsed.manifest->find_artifact(SYMPHONY_TRIPLE) : nullptr;
    permissions::Subject subject;
    subject.plugin = entry.id;
    if (artifact != nullptr) subject.digest = artifact->sha256;
    placement_policy().trust.identify(subject);
    const auto allowed = policy().extensions().check(entry.name, subject.publisher);
    return allowed ? std::nullopt : std::optional(allowed.error());
}

/// An update that wants more than was agreed to waits, and the old version serves. Looks at plugins that were agreed to only.
std::optional<Error> App::held_back(const std::string& folder, const host::Entry& entry) {
    std::error_code error;
    if (!agreed_) {
        agreed_.emplace();
        if (!paths.state.empty() && fs::exists(paths.state / "permissions.sqlite", error)) {
            permissions::Permissions::Options made;
            made.state_dir = paths.state;
            made.policy = policy();
            made.keep_audit = made.watch = false;
            consents_ = std::make_unique<permissions::Permissions>(std::move(made));
            if (const auto contents = consents_->contents()) {
                for (const auto& consent : contents->consents) agreed_->insert(consent.plugin);
            }
        }
    }
    if (!agreed_->contains(std::string(entry.id))) return std::nullopt;
    const auto file = host::read_manifest_file(folder, manifests::Strictness::load);
    const auto* artifact = file.parsed.manifest ? file.parsed.manifest->find_artifact(SYMPHONY_TRIPLE) : nullptr;
    if (artifact == nullptr) return std::nullopt;
    permissions::Subject subject;
    subject.plugin = entry.id;
    subject.name = entry.name;
    subject.version = entry.version;
    subject.digest = artifact->sha256;
    placement_policy().trust.identify(subject);
    subject.request = permissions::Request::of(*file.parsed.manifest, folder + "/manifest.toml");
    const auto state = consents_->consent_state(subject);
    if (state.kind != permissions::ConsentState::Kind::widened) return std::nullopt;
    Error why = state.error(subject);
    held_back_.emplace_back(std::move(subject), why);
    return why;
}

/// For who installs: a text of keys with blanks between them; empty: whom the user trusts.
std::string App::extension_publishers() {
    std::string out;
    if (const auto& keys = policy().extensions().publishers) {
        for (const auto& key : *keys) out += (out.empty() ? "" : " ") + key;
        if (keys->empty()) out = "none";
    }
    return out;
}

host::RuntimeOptions App::runtime_options() {
    if (!options.safe_mode && !paths.data.empty()) generations_.take(paths.data / host::packages_current);
    host::RuntimeOptions made;
    made.state_dir = paths.state;
    made.cache_dir = paths.cache;
    made.config_dir = paths.config;
    made.kept_out = {"/etc/symphony", paths.distribution(), paths.prefix / "plugins.lock", paths.prefix / "lib/symphony/plugins.lock"};
    if (!paths.data.empty()) made.kept_out.push_back(paths.data / "packages");
    made.about = {SYMPHONY_VERSION, SYMPHONY_TRIPLE, (paths.executable_dir / "symphony").string(), paths.prefix.string(), paths.config.string(), paths.state.string(),
                  paths.cache.string(), paths.data.string(), std::string(name_of(policy().extensions().which)), policy().extensions().file, extension_publishers()};
    made.safe_mode = options.safe_mode;
    made.paranoid = options.paranoid;
    made.grants.workspace = workspace_;
    made.triple = SYMPHONY_TRIPLE;
    made.placement = placement_policy();
    made.config = [this](const host::PluginEntry& entry) { return runtime_config(config(), *entry.manifest); };
    made.on_log = [this](std::string_view plugin, std::uint32_t level, std::string_view text) { log().write(level, plugin, text); };
    made.on_event = [this](const host::Event& event) {
        const bool transition = event.kind == host::Event::Kind::transition;
        // Whoever asked for a refused plugin is told by the answer; nobody asked for those that begin by themselves.
        const bool answered = event.kind == host::Event::Kind::refused && !starting_;
        const auto text = transition ? std::string(name_of(event.from)) + " -> " + std::string(name_of(event.to))
                                     : event.text + (event.reason.empty() ? "" : " [" + event.reason + "]");
        log().write(transition ? SYMPHONY_LOG_DEBUG : answered ? SYMPHONY_LOG_INFO : SYMPHONY_LOG_WARN, event.plugin, text);
    };
    config(); // made now: the functions above are called on other threads
    return made;
}

host::Isolation::Options App::isolation_options(std::function<void(const host::Violation&)> on_violation) {
    host::Isolation::Options made;
    made.runner = sandbox::find_runner(paths.executable_dir);
    if (const auto minimum = policy().minimum_grade()) made.minimum = static_cast<sandbox::Grade>(std::clamp(*minimum, 0, 4));
    made.on_violation = std::move(on_violation);
    return made;
}

const permissions::Policy& App::policy() {
    if (!policy_) policy_ = permissions::Policy::load_default(options.safe_mode ? fs::path() : paths.config, paths.distribution());
    return *policy_;
}

std::unique_ptr<permissions::Permissions> App::make_permissions(permissions::Prompt* prompt) {
    permissions::Permissions::Options made;
    made.state_dir = paths.state;
    made.policy = policy();
    made.prompt = prompt;
    auto permissions = std::make_unique<permissions::Permissions>(std::move(made));
    if (!paths.state.empty()) { // that there is none was said
        for (const auto& warning : permissions->warnings()) log().warn(warning);
    }
    return permissions;
}

/// A runtime that starts nothing: it knows quarantine, crashes and placement.
host::Runtime* App::judge() {
    if (!judge_) {
        if (auto runtime = host::Runtime::create(plugins(), runtime_options())) judge_.emplace(*std::move(runtime));
    }
    return judge_ ? &*judge_ : nullptr;
}

std::optional<host::Placement> App::placement(Catalog::Ref ref) {
    const auto index = plugins().at(ref);
    if (!index || judge() == nullptr || plugins().entry(*index).manifest == nullptr) return std::nullopt;
    return judge()->placement(*index);
}

PluginView App::view(Catalog::Ref ref) {
    PluginView made{ref, "usable", std::nullopt};
    const auto& all = resolution();
    const auto refused = std::lower_bound(all.refused.begin(), all.refused.end(), ref,
                                          [](const auto& item, Catalog::Ref wanted) { return item.plugin < wanted; });
    if (refused != all.refused.end() && refused->plugin == ref) {
        made.error = refused->error;
        made.state = made.error->reason() == "disabled" ? "disabled" : "refused";
        return made;
    }
    if (std::find(all.superseded.begin(), all.superseded.end(), ref) != all.superseded.end()) {
        made.state = "superseded";
        return made;
    }
    const auto index = plugins().at(ref);
    if (!index || judge() == nullptr) return made;
    if (auto error = judge()->refusal(*index)) {
        made.state = error->reason() == "disabled" ? "disabled" : error->reason() == "quarantined" ? "quarantined" : "refused";
        made.error = std::move(error);
    }
    return made;
}

std::vector<PluginView> App::views() {
    catalog().refresh();
    std::vector<PluginView> all;
    for (const auto ref : catalog().all()) all.push_back(view(ref));
    std::vector<std::pair<std::string, std::size_t>> names;
    for (std::size_t i = 0; i < all.size(); ++i) names.emplace_back(catalog().entry(all[i].ref).name, i);
    std::sort(names.begin(), names.end());
    std::vector<PluginView> sorted;
    for (const auto& [name, i] : names) sorted.push_back(std::move(all[i]));
    return sorted;
}

Result<Catalog::Ref> App::find_plugin(const std::string& id_or_name) {
    catalog().look_up(id_or_name); // compares with the disk; Plugins below sees what it found
    const auto index = SYMPHONY_TRY(plugins().find(id_or_name));
    return plugins().ref(index);
}

Result<App::PluginCommand> App::find_command(const std::string& name) {
    std::optional<Error> refusal;
    for (const auto ref : catalog().look_up_command(name)) {
        const auto index = plugins().at(ref);
        if (!index) continue;
        const auto& entry = plugins().entry(*index);
        if (entry.refusal) {
            if (!refusal) refusal = entry.refusal;
            continue;
        }
        for (const auto& command : entry.manifest->commands) {
            if (command.name == name) return PluginCommand{ref, command, entry.manifest->id()};
        }
    }
    if (refusal) return std::move(*refusal).in("command \"" + name + "\"");
    return Error(Code::not_found, "usage", "there is no command \"" + name + "\"", "symphony help lists the commands");
}

std::vector<App::PluginCommand> App::commands_that_add_to(manifests::AddsTo what) {
    std::vector<PluginCommand> out;
    const std::string tail = " " + std::string(name_of(what));
    for (const auto& [name, summary] : plugin_commands()) {
        if (!name.ends_with(tail)) continue; // the index knows names alone, and no manifest is read for the others
        auto found = find_command(name);
        if (found && found->command.adds_to == what) out.push_back(*std::move(found));
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> App::plugin_commands() {
    std::vector<std::pair<std::string, std::string>> commands;
    std::set<std::string, std::less<>> seen;
    for (const auto& own : host_commands()) seen.insert(own.name);
    host::Entry entry;
    for (const auto ref : resolution().order) {
        catalog().read(ref, entry);
        for (const auto& command : entry.commands) {
            if (seen.emplace(command.name).second) commands.emplace_back(command.name, command.summary);
        }
    }
    std::sort(commands.begin(), commands.end());
    return commands;
}

} // namespace symphony::app

// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include <symphony/manifests/toml_data.hpp>
#include <symphony/manifests/toml_guard.hpp>
#include <symphony/value.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

namespace symphony::host {
namespace fs = std::filesystem;
using manifests::Data;
using manifests::Diagnostic;
using manifests::Place;
using manifests::Setting;
using manifests::Severity;

namespace {

constexpr std::string_view variable_prefix = "SYMPHONY_SET__";
constexpr std::size_t file_bytes_max = 1024 * 1024;

// "word-count" -> "WORD_COUNT", as a variable of the environment may be called.
std::string variable_form(std::string_view word) {
    std::string form;
    for (const char c : word) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        form += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    return form;
}

Place place_of(const toml::source_region& source) { return {source.begin.line, source.begin.column}; }

Diagnostic problem(std::string reason, std::string message, std::string hint, std::string file, Place place = {}) {
    return {Severity::error, std::move(reason), std::move(message), std::move(hint), std::move(file), place.line, place.column};
}

void build(ValueBuilder& builder, const Data& data) {
    if (const auto* boolean = data.as<bool>()) {
        builder.boolean(*boolean);
    } else if (const auto* integer = data.as<std::int64_t>()) {
        builder.integer(*integer);
    } else if (const auto* number = data.as<double>()) {
        builder.number(*number);
    } else if (const auto* text = data.as<std::string>()) {
        builder.text(*text);
    } else if (const auto* list = data.as<Data::List>()) {
        builder.list();
        for (const auto& item : *list) build(builder, item);
        builder.end();
    } else if (const auto* map = data.as<Data::Map>()) {
        builder.map();
        for (const auto& [key, item] : *map) {
            builder.key(key);
            build(builder, item);
        }
        builder.end();
    } else {
        builder.null();
    }
}

} // namespace

Config Config::load(const Sources& sources) {
    Config config;
    if (!sources.distribution_dir.empty()) {
        config.read_file(sources.distribution_dir / "config.toml", config.files_);
        config.read_file(sources.distribution_dir / "locked.toml", config.locked_);
    }
    if (!sources.user_dir.empty()) {
        config.user_file_ = sources.user_dir / "config.toml";
        config.read_file(config.user_file_, config.files_);
    }
    if (!sources.workspace.empty()) config.find_project(sources.workspace);
    if (!config.project_file_.empty()) config.read_file(config.project_file_, config.files_);
    for (const auto& [name, value] : sources.environment.items()) {
        if (!name.starts_with(variable_prefix)) continue;
        config.environment_.push_back({{}, {name.substr(variable_prefix.size()), Data(value), name, {}, true}});
    }
    for (const auto& flag : sources.flags) {
        const auto equals = flag.find('=');
        const auto dot = flag.substr(0, equals).rfind('.');
        const bool named = dot != std::string::npos;
        const auto plugin = named ? flag.substr(0, dot) : sources.flag_plugin;
        const auto key = flag.substr(named ? dot + 1 : 0, equals == std::string::npos ? equals : equals - (named ? dot + 1 : 0));
        if (equals == std::string::npos || key.empty() || plugin.empty()) {
            config.diagnostics_.push_back(problem("bad-setting", "--set " + flag.substr(0, equals) + " is not PLUGIN.KEY=VALUE",
                                                  "write --set text.timeout=5s", "--set"));
            continue;
        }
        config.flags_.push_back({plugin, {key, Data(flag.substr(equals + 1)), "--set", {}, true}});
    }
    return config;
}

void Config::find_project(fs::path folder) {
    std::error_code error;
    folder = fs::absolute(folder, error).lexically_normal();
    for (; !folder.empty(); folder = folder.parent_path()) {
        const auto file = folder / ".symphony/config.toml";
        struct stat status {};
        if (::stat(file.c_str(), &status) == 0) {
            // Somebody else's file in a shared folder above, such as /tmp, must not steer this person's plugins.
            if (status.st_uid == ::geteuid() || status.st_uid == 0) {
                project_file_ = file;
            } else {
                diagnostics_.push_back({Severity::warning, "foreign-config", "is owned by another user and not read", {}, file.string(), 0, 0});
            }
            return;
        }
        if (folder == folder.root_path()) return;
    }
}

void Config::read_file(const fs::path& file, std::vector<Written>& to) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        std::error_code error;
        if (fs::exists(file, error)) {
            diagnostics_.push_back({Severity::warning, "unreadable", "cannot be read", {}, file.string(), 0, 0});
        }
        return;
    }
    std::string text(file_bytes_max + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (auto trouble = manifests::toml_trouble(text, file.string(), file_bytes_max)) {
        diagnostics_.push_back(std::move(*trouble));
        return;
    }
    try {
        const auto root = toml::parse(text);
        for (const auto& [key, node] : root) {
            if (key.str() != "plugins" || !node.is_table()) {
                diagnostics_.push_back({Severity::warning, "unknown-key", "unknown key \"" + std::string(key.str()) + "\"",
                                        "settings stand in [plugins.NAME]", file.string(), place_of(key.source()).line,
                                        place_of(key.source()).column});
                continue;
            }
            for (const auto& [plugin, settings] : *node.as_table()) {
                const auto* table = settings.as_table();
                if (table == nullptr) {
                    diagnostics_.push_back(problem("bad-setting", "plugins." + std::string(plugin.str()) + " is no table",
                                                   "write [plugins." + std::string(plugin.str()) + "] and the settings beneath",
                                                   file.string(), place_of(plugin.source())));
                    continue;
                }
                for (const auto& [name, value] : *table) {
                    to.push_back({std::string(plugin.str()),
                                      {std::string(name.str()), manifests::to_data(value), file.string(), place_of(name.source()), false}});
                }
            }
        }
    } catch (const toml::parse_error& error) {
        diagnostics_.push_back(problem("bad-toml", std::string(error.description()), {}, file.string(), place_of(error.source())));
    }
}

std::vector<Setting> Config::settings_of(std::string_view id, std::string_view name,
                                         const std::vector<manifests::ConfigKey>& keys) const {
    std::vector<Setting> settings;
    const auto mine = [&](const Written& written) { return written.plugin == id || written.plugin == name; };
    for (const auto& written : files_) {
        if (mine(written)) settings.push_back(written.setting);
    }
    for (const auto& owner : {variable_form(name), variable_form(id)}) {
        for (const auto& written : environment_) {
            const auto& variable = written.setting.key;
            if (!variable.starts_with(owner + "__")) continue;
            auto setting = written.setting;
            const auto rest = std::string_view(variable).substr(owner.size() + 2);
            const auto key = std::find_if(keys.begin(), keys.end(), [rest](const auto& item) { return variable_form(item.name) == rest; });
            setting.key = key != keys.end() ? key->name : std::string(rest);
            settings.push_back(std::move(setting));
        }
        if (id == name) break;
    }
    for (const auto& written : flags_) {
        if (mine(written)) settings.push_back(written.setting);
    }
    for (const auto& written : locked_) {
        if (mine(written)) settings.push_back(written.setting);
    }
    return settings;
}

manifests::EffectiveConfig Config::effective(const manifests::Manifest& manifest) const {
    const auto keys = manifests::config_keys(manifest);
    const auto settings = settings_of(manifest.id(), manifest.name(), keys);
    auto effective = manifests::check_config(keys, settings);
    if (!locked_.empty()) tell_locked(manifest, effective, settings);
    return effective;
}

/// What somebody wrote for a locked key has no effect: whoever typed it just now is stopped, what stands in a file or the environment is told.
void Config::tell_locked(const manifests::Manifest& manifest, manifests::EffectiveConfig& effective, const std::vector<Setting>& settings) const {
    for (const auto& locked : locked_) {
        if (locked.plugin != manifest.id() && locked.plugin != manifest.name()) continue;
        for (const auto& setting : settings) {
            const bool own = setting.origin == locked.setting.origin;
            const bool defaults = fs::path(setting.origin).parent_path() == fs::path(locked.setting.origin).parent_path();
            if (setting.key != locked.setting.key || own || defaults) continue;
            auto told = problem("locked-setting", "the distribution locks " + setting.key + " of " + manifest.name() + " (" + locked.setting.origin + ":" + std::to_string(locked.setting.place.line) + ")",
                                "leave it out", setting.origin, setting.place);
            if (setting.origin != "--set") told.severity = Severity::warning;
            effective.diagnostics.push_back(std::move(told));
        }
    }
}

bool Config::disabled(std::string_view id, std::string_view name) const {
    if (files_.empty() && environment_.empty() && flags_.empty() && locked_.empty()) return false;
    bool disabled = false;
    for (const auto& setting : settings_of(id, name, manifests::common_config_keys())) {
        if (setting.key != "enabled") continue;
        const auto* boolean = setting.value.as<bool>();
        const auto* text = setting.value.as<std::string>();
        disabled = boolean != nullptr ? !*boolean : text != nullptr && *text == "false";
    }
    return disabled;
}

std::vector<std::string> Config::flagged_plugins() const {
    std::vector<std::string> plugins;
    for (const auto& written : flags_) plugins.push_back(written.plugin);
    return plugins;
}

std::string encode_for_plugin(const manifests::EffectiveConfig& config) {
    std::set<std::string_view> secrets;
    for (const auto& setting : config.settings) {
        if (setting.secret) secrets.insert(setting.key);
    }
    ValueBuilder builder;
    builder.map();
    const auto values = config.values();
    for (const auto& [key, value] : *values.as<Data::Map>()) {
        if (secrets.contains(key)) continue;
        builder.key(key);
        build(builder, value);
    }
    builder.end();
    const auto value = builder.build();
    return std::string(reinterpret_cast<const char*>(value.bytes().data()), value.bytes().size());
}

} // namespace symphony::host

// SPDX-License-Identifier: Apache-2.0
#include "port_list.hpp"

#include "digest.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/permissions/subject.hpp>

namespace symphony::host {
namespace {

void put(ValueBuilder& out, const manifests::Data& data) {
    if (const auto* flag = data.as<bool>()) out.boolean(*flag);
    else if (const auto* integer = data.as<std::int64_t>()) out.integer(*integer);
    else if (const auto* number = data.as<double>()) out.number(*number);
    else if (const auto* text = data.as<std::string>()) out.text(*text);
    else if (const auto* list = data.as<manifests::Data::List>()) {
        out.list(list->size());
        for (const manifests::Data& item : *list) put(out, item);
        out.end();
    } else if (const auto* map = data.as<manifests::Data::Map>()) {
        out.map(map->size());
        for (const auto& [key, value] : *map) put(out.key(key), value);
        out.end();
    } else {
        out.null();
    }
}

void put_slots(ValueBuilder& out, const std::vector<manifests::Slot>& slots) {
    out.map(slots.size());
    for (const manifests::Slot& slot : slots) out.add(slot.name, slot.type.text());
    out.end();
}

void put_operations(ValueBuilder& out, const std::vector<manifests::Operation>& operations) {
    out.list(operations.size());
    for (const manifests::Operation& operation : operations) {
        out.map().add("name", operation.name).add("summary", operation.summary).add("pure", operation.pure);
        put_slots(out.key("inputs"), operation.inputs);
        put_slots(out.key("outputs"), operation.outputs);
        out.end();
    }
    out.end();
}

/// What the plugin is told by [configuration], as digests: enough to see that a key has another value, and not which. Of a secret only its name.
void put_configuration(ValueBuilder& out, const manifests::Manifest& manifest, const EffectiveConfig& config) {
    constexpr std::size_t digits = 16;
    out.map();
    for (const auto [key, value] : ValueView(bytes_of(config.values)).entries()) out.add(key, hex(sha256(text_of(value.bytes()))).substr(0, digits));
    for (const manifests::ConfigKey& key : manifest.configuration) {
        if (key.secret && config.secrets != nullptr) out.add(key.name, "secret");
    }
    out.end();
}

} // namespace

Value port_list(const PluginSource& source, std::string_view port, const InstanceHost& host,
                const std::function<std::optional<Error>(std::size_t)>& refusal) {
    ValueBuilder out;
    out.list();
    for (const std::size_t index : source.providers(port)) {
        const PluginEntry& entry = source.entry(index);
        if (entry.manifest == nullptr) continue;
        const manifests::Manifest& manifest = *entry.manifest;
        const auto threads = manifest.abi.threads;
        const auto why = refusal(index);
        const auto config = host.config_of(entry);
        const manifests::Artifact* artifact = manifest.find_artifact(host.options().triple);
        out.map();
        out.add("plugin", manifest.id()).add("name", manifest.name()).add("version", manifest.extension.version.text());
        out.add("description", manifest.extension.description);
        out.add("blocking", threads == manifests::Threads::blocking || threads == manifests::Threads::concurrent_blocking);
        out.add("concurrent", threads == manifests::Threads::concurrent || threads == manifests::Threads::concurrent_blocking);
        out.add("usable", !why.has_value());
        out.add("refusal", why ? why->message() : std::string());
        out.add("reason", why ? why->reason() : std::string_view()).add("hint", why ? std::string_view(why->hint()) : std::string_view());
        out.add("retry", config ? config->retry : 0u);
        out.add("sha256", artifact != nullptr ? artifact->sha256 : std::string());
        out.add("manifest", entry.manifest_sha256);
        if (const auto passed = source.passed_over(index)) {
            out.key("passed_over").map().add("manifest", passed->manifest_sha256).add("reason", passed->why.reason());
            out.add("message", passed->why.message()).add("hint", passed->why.hint()).end();
        }
        out.add("abi", std::to_string(manifest.abi.major) + "." + std::to_string(manifest.abi.minor));
        out.add("permissions", permissions::Request::of(manifest, {})->digest());
        if (config) put_configuration(out.key("configuration"), manifest, *config);
        else out.key("configuration").map().end();
        if (const manifests::Provide* provide = manifest.find_provide(port)) put(out.key("data"), manifests::Data(provide->data));
        else out.key("data").map().end();
        if (!manifest.operations.empty()) put_operations(out.key("operations"), manifest.operations);
        out.end();
    }
    out.end();
    return out.build();
}

} // namespace symphony::host

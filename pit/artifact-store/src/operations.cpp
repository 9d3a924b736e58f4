// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include "json_text.hpp"
#include "media_type.hpp"
#include "port_records.hpp"
#include "reading.hpp"

#include <symphony/inputs.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <array>

namespace symphony::store {
namespace {

constexpr std::uint64_t load_bytes_max = 64ull << 20;

std::string hex_of(std::uint64_t high, std::uint64_t low) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const std::uint64_t half : {high, low}) {
        for (int shift = 60; shift >= 0; shift -= 4) out += digits[half >> shift & 15];
    }
    return out;
}

/// A path out of a member, which is bytes where it is no UTF-8.
std::string path_text(ValueView value) { return to_valid_utf8(value.is_text() ? value.as_text() : text_of(value.as_bytes())); }

/// What is to be kept, and its name's last part.
struct Chosen {
    ValueView content;
    std::string path;
};
Result<Chosen> chosen_of(const Inputs& inputs) {
    Chosen out{SYMPHONY_TRY(inputs.any("value")), {}};
    const ValueView whole = out.content;
    if (inputs.given("name_from")) {
        const std::string_view member = SYMPHONY_TRY(inputs.text("name_from"));
        const ValueView found = whole[member];
        if (!found.is_text() && !found.is_bytes()) return inputs.error("wrong-kind", "input \"value\" has no text \"" + std::string(member) + "\" to take the name from");
        out.path = path_text(found);
    }
    if (inputs.given("content")) {
        const std::string_view member = SYMPHONY_TRY(inputs.text("content"));
        if (!whole[member].exists()) return inputs.error("missing-input", "input \"value\" has no member \"" + std::string(member) + "\" to keep");
        out.content = whole[member];
    }
    return out;
}

/// Control characters cannot be in a name; a file's name may have them.
std::string name_text(std::string_view text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    return out;
}

/// An id or name out of a text, or out of the map that an earlier `store` answered.
Result<ContentId> input_of(Store& store, const Inputs& inputs, std::string_view name, std::size_t index, ValueView item) {
    const ValueView id = item.is_map() ? item["id"] : item;
    if (!id.is_text()) return inputs.wrong_item(name, index, "an id, a name, or a map with an id", item);
    return resolve(store, id.as_text());
}

Result<std::vector<ContentId>> inputs_of(Store& store, const Inputs& inputs, const std::string& path) {
    std::vector<ContentId> out;
    if (inputs.given("inputs")) {
        std::size_t index = 0;
        for (const ValueView item : SYMPHONY_TRY(inputs.need("inputs", Kind::list)).items()) out.push_back(SYMPHONY_TRY(input_of(store, inputs, "inputs", index++, item)));
    }
    if (inputs.given("sources")) {
        std::size_t index = 0;
        for (const ValueView item : SYMPHONY_TRY(inputs.need("sources", Kind::list)).items()) {
            if (!path.empty() && path_text(item["path"]) == path) out.push_back(SYMPHONY_TRY(input_of(store, inputs, "sources", index, item)));
            ++index;
        }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

/// The digest of the plugin that made the value, which the host knows; a name nobody has is a mistake.
Result<std::string> digest_of(const Host& host, const Inputs& inputs) {
    const std::string_view plugin = SYMPHONY_TRY(inputs.text_or("plugin", ""));
    if (plugin.empty()) return std::string();
    const auto ports = SYMPHONY_TRY(host.ports());
    for (const std::string_view port : {"operator/1", "instrument/1"}) {
        const auto providers = ports.list(port);
        if (!providers) continue;
        for (const ProviderInfo& one : *providers) {
            if (one.name != plugin && one.plugin != plugin) continue;
            return one.name + "@" + one.version + (one.sha256.empty() ? "" : " sha256:" + one.sha256);
        }
    }
    return inputs.error("unknown-plugin", "no plugin is called \"" + std::string(plugin) + "\"", "symphony list shows them");
}

Result<PutOptions> options_of(Store& store, const Host& host, const Call& call, const Inputs& inputs, const Chosen& chosen) {
    PutOptions out;
    const std::string prefix(SYMPHONY_TRY(inputs.text_or("prefix", "")));
    const std::string name(SYMPHONY_TRY(inputs.text_or("name", "")));
    out.name = !name.empty() ? name : chosen.path.empty() ? std::string() : name_text(prefix + chosen.path);
    if (!out.name.empty()) SYMPHONY_TRY(check_artifact_name(out.name));
    out.media_type = SYMPHONY_TRY(inputs.text_or("media_type", ""));
    out.type = SYMPHONY_TRY(inputs.text_or("type", ""));
    out.message = SYMPHONY_TRY(inputs.text_or("message", ""));
    for (const std::string_view tag : SYMPHONY_TRY(inputs.texts("tags", false))) {
        SYMPHONY_TRY(check_artifact_tag(tag));
        out.tags.emplace_back(tag);
    }
    out.inputs = SYMPHONY_TRY(inputs_of(store, inputs, chosen.path));
    out.made_by.run = SYMPHONY_TRY(inputs.text_or("run", ""));
    const symphony_call& raw = call.raw();
    if (out.made_by.run.empty()) out.made_by.run = SYMPHONY_TRY(inputs.text_or("run_id", "")); // the workflow engine's
    if (out.made_by.run.empty() && (raw.trace_hi | raw.trace_lo) != 0) out.made_by.run = hex_of(raw.trace_hi, raw.trace_lo);
    out.made_by.node = SYMPHONY_TRY(inputs.text_or("node", ""));
    out.made_by.plugin_digest = SYMPHONY_TRY(digest_of(host, inputs));
    out.actor = "workflow";
    return out;
}

} // namespace

Result<Value> store_operation(Store& store, const Host& host, const Call& call, const Value& input) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("store", input, {"value", "content", "name", "name_from", "prefix", "tags", "type", "media_type", "message",
                                                                   "inputs", "sources", "run", "run_id", "node", "plugin"}));
    const Chosen chosen = SYMPHONY_TRY(chosen_of(inputs));
    PutOptions options = SYMPHONY_TRY(options_of(store, host, call, inputs, chosen));
    const ValueView content = chosen.content;
    std::string json;
    Bytes bytes;
    if (content.is_text()) {
        bytes = bytes_of(content.as_text());
    } else if (content.is_bytes()) {
        bytes = content.as_bytes();
    } else {
        json = SYMPHONY_TRY(json_of(content)) + "\n";
        bytes = bytes_of(json);
        if (options.media_type.empty()) options.media_type = "application/json";
    }
    if (options.media_type.empty()) options.media_type = media_type_of(options.name, bytes.first(std::min<std::size_t>(bytes.size(), 4096)));
    const ArtifactInfo info = SYMPHONY_TRY(store.put(bytes, options));
    ValueBuilder out;
    out.map().add("id", info.id.hex()).add("name", info.name).add("version", info.version).add("size", info.size);
    out.add("media_type", info.media_type).add("path", chosen.path);
    return out.end().build();
}

Result<Value> load_operation(Store& store, const Host& host, const Value& input) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("load", input, {"id", "as", "offset", "size"}));
    const std::string_view id = SYMPHONY_TRY(inputs.text("id"));
    const std::string_view as = SYMPHONY_TRY(inputs.text_or("as", ""));
    constexpr std::array<std::string_view, 4> kinds{"", "text", "bytes", "value"};
    if (std::find(kinds.begin(), kinds.end(), as) == kinds.end()) return inputs.error("unknown-kind", "input \"as\" is \"" + std::string(as) + "\", not text, bytes or value");
    constexpr std::uint64_t anywhere = ~std::uint64_t{0} >> 1;
    const std::uint64_t offset = SYMPHONY_TRY(inputs.integer_or("offset", 0, 0, anywhere));
    const std::uint64_t size = SYMPHONY_TRY(inputs.integer_or("size", 0, 0, load_bytes_max));
    const ArtifactInfo info = SYMPHONY_TRY(store.info(id));
    const Buffer content = SYMPHONY_TRY(read_range(store, host, info.id, offset, size, load_bytes_max));
    ValueBuilder out;
    out.map().add("id", info.id.hex()).add("name", info.name).add("version", info.version).add("size", info.size).add("media_type", info.media_type);
    out.key("content");
    if (as == "value") {
        auto value = value_of_json(content.text());
        if (!value) return inputs.error("no-json", info.id.hex() + " is no JSON: " + value.error().message());
        out.value(*value);
    } else if (as == "text" || (as.empty() && is_text_type(info.media_type) && is_valid_utf8(content.text()))) {
        if (!is_valid_utf8(content.text())) return inputs.error("not-utf8", info.id.hex() + " is not UTF-8", "load it as bytes");
        out.text(content.text());
    } else {
        out.bytes(content);
    }
    return out.end().build();
}

} // namespace symphony::store

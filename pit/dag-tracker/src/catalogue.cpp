// SPDX-License-Identifier: Apache-2.0
#include "catalogue.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

template <class List>
auto* find_named(const List& list, std::string_view name) noexcept {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
    return found == list.end() ? nullptr : &*found;
}

Type read_type(ValueView text) {
    auto type = Type::parse(text.as_text());
    return type ? *type : Type().as_optional();
}

/// {port: type} or [{name, type}]: a manifest may be written either way.
std::vector<PortSpec> read_ports(ValueView ports) {
    std::vector<PortSpec> made;
    for (const auto [name, type] : ports.entries()) made.push_back({std::string(name), read_type(type)});
    for (const auto port : ports.items()) made.push_back({std::string(port["name"].as_text()), read_type(port["type"])});
    return made;
}

} // namespace

const PortSpec* OperationSpec::input(std::string_view port) const noexcept { return find_named(inputs, port); }
const PortSpec* OperationSpec::output(std::string_view port) const noexcept { return find_named(outputs, port); }
const OperationSpec* Provider::operation(std::string_view wanted) const noexcept { return find_named(operations, wanted); }

void Catalogue::add(bool instrument, ValueView list) {
    for (const auto item : list.items()) {
        Provider provider;
        provider.id = item["plugin"].as_text();
        provider.name = item["name"].as_text();
        provider.version = item["version"].as_text();
        provider.refusal = item["refusal"].is_map() ? item["refusal"]["message"].as_text() : item["refusal"].as_text();
        if (const auto reason = item["reason"].as_text(); !reason.empty()) provider.refusal += " [" + std::string(reason) + "]";
        provider.remedy = item["hint"].as_text();
        provider.sha256 = item["sha256"].as_text();
        provider.abi = item["abi"].as_text();
        provider.permissions = item["permissions"].as_text();
        for (const auto [key, digest] : item["configuration"].entries()) provider.configuration.emplace_back(key, digest.as_text());
        std::sort(provider.configuration.begin(), provider.configuration.end());
        provider.instrument = instrument;
        provider.blocking = item["blocking"].as_bool();
        provider.concurrent = item["concurrent"].as_bool();
        provider.usable = item["usable"].as_bool(true);
        auto operations = item["operations"];
        if (!operations.exists()) operations = item["data"]["operations"];
        provider.typed = operations.is_list();
        for (const auto operation : operations.items()) {
            provider.operations.push_back({std::string(operation["name"].as_text()), read_ports(operation["inputs"]),
                                           read_ports(operation["outputs"]), operation["pure"].as_bool()});
        }
        providers_.push_back(std::move(provider));
    }
}

const Provider* Catalogue::find(bool instrument, std::string_view plugin) const noexcept {
    const Provider* found = nullptr;
    for (const auto& provider : providers_) {
        if (provider.instrument != instrument || (provider.id != plugin && provider.name != plugin)) continue;
        // Of several versions or namesakes the first usable one; the list is best first.
        if (provider.usable) return &provider;
        if (found == nullptr) found = &provider;
    }
    return found;
}

} // namespace symphony::tracker

// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/toml_data.hpp>

#include <cmath>

namespace symphony::manifests {

Data to_data(const toml::node& node) {
    if (const auto* value = node.as_boolean()) return Data(value->get());
    if (const auto* value = node.as_integer()) return Data(value->get());
    if (const auto* value = node.as_floating_point()) return std::isfinite(value->get()) ? Data(value->get()) : Data();
    if (const auto* value = node.as_string()) return Data(value->get());
    if (const auto* list = node.as_array()) {
        Data::List items;
        for (const auto& item : *list) items.push_back(to_data(item));
        return Data(std::move(items));
    }
    if (const auto* table = node.as_table()) {
        Data::Map entries;
        for (const auto& [key, item] : *table) entries.emplace_back(std::string(key.str()), to_data(item));
        return Data(std::move(entries));
    }
    return {};
}

} // namespace symphony::manifests

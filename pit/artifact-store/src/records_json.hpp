// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

#include <symphony/ports/artifact_store.hpp>
#include <symphony/value.hpp>

namespace symphony::store {

// The store's records as they stand in --json: the names of artifact-store/1, times also as RFC 3339.

void put_json(ValueBuilder& to, const ArtifactInfo& info);
void put_json(ValueBuilder& to, const Version& version);
void put_json(ValueBuilder& to, const Change& change);
void put_json(ValueBuilder& to, const LineageNode& node);
void put_json(ValueBuilder& to, const Finding& finding);
void put_json(ValueBuilder& to, const ports::QualityReport& report);
void put_json(ValueBuilder& to, const Error& error);

template <class T>
void put_json_list(ValueBuilder& to, std::string_view key, const std::vector<T>& items) {
    to.key(key).list(items.size());
    for (const T& item : items) put_json(to, item);
    to.end();
}
void put_json_texts(ValueBuilder& to, std::string_view key, const std::vector<std::string>& texts);

} // namespace symphony::store

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ports/search.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

/// The table that all providers of search/1 are held to: tests/search/vectors.json.
inline const nlohmann::json& vectors() {
    static const nlohmann::json table = nlohmann::json::parse(std::ifstream(SYMPHONY_SEARCH_VECTORS));
    return table;
}

inline std::vector<symphony::ports::Document> vector_documents() {
    std::vector<symphony::ports::Document> documents;
    for (const auto& item : vectors().at("documents")) {
        symphony::ports::Document document;
        document.id = item.at("id");
        document.name = item.at("name");
        document.text = item.at("text");
        document.type = item.at("type");
        document.tags = item.at("tags").get<std::vector<std::string>>();
        document.inputs = item.at("inputs").get<std::vector<std::string>>();
        document.date_unix_ms = item.at("date_unix_ms");
        documents.push_back(std::move(document));
    }
    return documents;
}

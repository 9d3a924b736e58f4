// SPDX-License-Identifier: Apache-2.0
// symphony search, symphony packages registry add, remove, list
#include "commands.hpp"
#include "registries.hpp"

#include <algorithm>
#include <set>

namespace symphony::packages {
namespace fs = std::filesystem;
namespace {

using packaging::RegistryList;

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

} // namespace

Result<std::int32_t> command_search(CommandLine& line) {
    std::string words;
    for (const auto& word : line.texts("words")) words += (words.empty() ? "" : " ") + word;
    const auto limit = static_cast<std::size_t>(SYMPHONY_TRY(line.number("limit", 20, 1, 10'000)));
    const auto registries = SYMPHONY_TRY(open_registries(line, line.on("offline")));
    Data::List list;
    std::set<std::string> seen;
    std::size_t found = 0;
    for (auto* registry : registries.all()) {
        const auto progress = line.progress("reading the index of " + registries.name_of(*registry));
        const auto index = SYMPHONY_TRY(registry->index([&](std::size_t done, std::size_t total) { return progress(done, total); }));
        std::size_t total = 0;
        for (const auto& hit : index.search(words, limit, &total)) {
            // An id belongs to the first registry that has it.
            if (list.size() == limit || !seen.insert(std::string(hit.summary.id)).second) continue;
            list.push_back(Data(Data::Map{{"id", hit.summary.id}, {"name", hit.summary.name}, {"version", hit.summary.version}, {"description", hit.summary.description}, {"registry", registries.name_of(*registry)}}));
            line.out(padded(std::string(hit.summary.id), 36) + "  " + padded(std::string(hit.summary.version), 10) + "  " + shown(hit.summary.description));
        }
        found += total;
    }
    line.answer(to_json(Data::Map{{"plugins", list}, {"found", static_cast<std::int64_t>(found)}}));
    if (list.empty()) line.err("no plugin has all these words");
    else if (found > list.size()) line.err(std::to_string(found - list.size()) + " more: --limit N shows them");
    return 0;
}

Result<std::int32_t> command_registry_add(CommandLine& line) {
    RegistryList::Entry entry;
    entry.name = line.text("name");
    if (!RegistryList::is_name(entry.name)) return usage("\"" + shown(entry.name) + "\" is no name of a registry", "use lower-case letters, digits and dashes");
    entry.address = is_web(line.text("address")) ? line.text("address") : line.path(line.text("address")).string();
    for (const auto& typed : line.texts("root-key")) entry.root_keys.push_back(SYMPHONY_TRY(line.key(typed)));
    if (entry.root_keys.empty()) return usage("a registry needs a root key", "who runs it gives it out: --root-key KEY");
    const auto change = SYMPHONY_TRY(line.begin()); // nobody else writes the file meanwhile
    auto list = SYMPHONY_TRY(RegistryList::load(registries_file(line)));
    if (list.find(entry.name) != nullptr) return Error(Code::conflict, "exists", "there is a registry " + entry.name, "symphony packages registry remove " + entry.name);
    const auto before = list;
    list.all.push_back(entry);
    SYMPHONY_TRY(list.save(registries_file(line)));
    if (auto tried = open_registries(line, false); !tried) { // what cannot be read is not kept
        SYMPHONY_TRY(before.save(registries_file(line)));
        return std::move(tried).error();
    }
    line.answer(to_json(Data::Map{{"name", entry.name}, {"address", entry.address}}));
    line.out("plugins are taken from " + entry.name + " (" + shown(entry.address) + ")");
    return 0;
}

Result<std::int32_t> command_registry_remove(CommandLine& line) {
    const auto change = SYMPHONY_TRY(line.begin());
    auto list = SYMPHONY_TRY(RegistryList::load(registries_file(line)));
    const std::string name = line.text("name");
    if (std::erase_if(list.all, [&](const RegistryList::Entry& one) { return one.name == name; }) == 0) {
        return Error(Code::not_found, "no-registry", "there is no registry \"" + shown(name) + "\"", "symphony packages registry list");
    }
    SYMPHONY_TRY(list.save(registries_file(line)));
    line.answer(to_json(Data::Map{{"name", name}}));
    line.out("no plugins are taken from " + shown(name) + " any more; what is installed stays");
    return 0;
}

Result<std::int32_t> command_registry_list(CommandLine& line) {
    const auto list = SYMPHONY_TRY(RegistryList::load(registries_file(line)));
    Data::List data;
    for (const auto& one : list.all) {
        Data::List keys;
        for (const auto& key : one.root_keys) keys.emplace_back(key.text());
        data.push_back(Data(Data::Map{{"name", one.name}, {"address", one.address}, {"root_keys", keys}}));
        line.out(padded(one.name, 16) + "  " + shown(one.address));
    }
    line.answer(to_json(Data::Map{{"registries", data}}));
    if (data.empty()) line.err("no registry is configured");
    return 0;
}

} // namespace symphony::packages

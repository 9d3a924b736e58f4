// SPDX-License-Identifier: Apache-2.0
// symphony packages keys, trust, revoke
#include "commands.hpp"

namespace symphony::packages {
namespace {

using packaging::Publishers;

Data texts(const std::vector<std::string>& list) {
    Data::List out;
    for (const auto& text : list) out.emplace_back(text);
    return out;
}

std::string joined(const std::vector<std::string>& list) {
    std::string out;
    for (const auto& text : list) out += (out.empty() ? "" : ", ") + text;
    return out;
}

} // namespace

Result<std::int32_t> command_keys(CommandLine& line) {
    const auto publishers = SYMPHONY_TRY(Publishers::load(line.publishers_file()));
    Data::List list;
    for (const auto& one : publishers.all()) {
        list.push_back(Data(Data::Map{{"key", one.key.text()}, {"number", packaging::text_of(one.key.id())}, {"name", one.name}, {"plugins", texts(one.plugins)}, {"revoked", one.revoked}, {"why", one.why}}));
        line.out(one.key.text() + (one.revoked ? "  revoked" : "  trusted") + (one.name.empty() ? "" : "  " + shown(one.name)) + (one.why.empty() ? "" : "  " + shown(one.why)));
        if (!one.plugins.empty()) line.out("    " + joined(one.plugins));
    }
    line.answer(to_json(Data::Map{{"publishers", list}}));
    if (list.empty()) line.err("no publisher is known");
    return 0;
}

Result<std::int32_t> command_trust(CommandLine& line) {
    const auto key = SYMPHONY_TRY(line.key(line.text("key")));
    const auto change = SYMPHONY_TRY(line.begin()); // whoever installs writes the same file
    auto publishers = SYMPHONY_TRY(Publishers::load(line.publishers_file()));
    SYMPHONY_TRY(publishers.trust(key, line.text("name")));
    const std::string plugin = line.text("plugin");
    if (!plugin.empty()) SYMPHONY_TRY(publishers.pin(plugin, key));
    SYMPHONY_TRY(publishers.save(line.publishers_file()));
    line.answer(to_json(Data::Map{{"key", key.text()}, {"plugin", plugin.empty() ? Data() : Data(plugin)}}));
    line.out(plugin.empty() ? "plugins that are signed with " + key.text() + " may be installed" : "plugin \"" + shown(plugin) + "\" has to be signed with " + key.text() + " from now on");
    return 0;
}

Result<std::int32_t> command_revoke(CommandLine& line) {
    const auto key = SYMPHONY_TRY(line.key(line.text("key")));
    auto change = SYMPHONY_TRY(line.begin());
    auto publishers = SYMPHONY_TRY(Publishers::load(line.publishers_file()));
    publishers.revoke(key, line.text("why"));
    SYMPHONY_TRY(publishers.save(line.publishers_file()));
    std::vector<std::string> isolated;
    const auto packages = change.profile().packages;
    for (auto package : packages) {
        if (package.publisher != key.text()) continue;
        package.publisher.clear(); // which takes it out of plugins.lock
        isolated.push_back(package.id);
        change.profile().put(std::move(package));
    }
    if (!isolated.empty()) SYMPHONY_TRY(change.commit("revoke " + key.text()));
    line.answer(to_json(Data::Map{{"key", key.text()}, {"isolated", texts(isolated)}}));
    line.out("nothing that is signed with " + key.text() + " is installed any more");
    if (!isolated.empty()) line.out("runs isolated from now on: " + joined(isolated) + "; symphony remove takes it away");
    return 0;
}

} // namespace symphony::packages

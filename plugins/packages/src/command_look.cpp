// SPDX-License-Identifier: Apache-2.0
// symphony generations, symphony verify: look and change nothing.
#include "commands.hpp"

#include <chrono>
#include <ctime>

namespace symphony::packages {
namespace {

using packaging::Installed;

std::string when(std::uint64_t ms) {
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm local{};
    char text[32] = "";
    if (ms != 0 && ::localtime_r(&seconds, &local) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

Data data_of(const Installed& package) {
    return Data::Map{{"id", package.id}, {"version", package.version}, {"digest", package.digest}, {"asked", package.asked}, {"publisher", package.publisher.empty() ? Data() : Data(package.publisher)}, {"source", package.source}, {"registry", package.registry}};
}

struct Verified {
    Data::List packages;
    std::size_t files = 0, damages = 0;
    std::uint64_t bytes = 0;
};

Status verify_one(const CommandLine& line, const Installed& package, Verified& all) {
    const auto store = line.store();
    const auto info = store.read(package.digest);
    auto found = store.verify(package.digest, line.progress("verifying " + package.id));
    if (!found && found.error().code() == Code::cancelled) return std::move(found).error();
    Data::List damages;
    const auto tell = [&](const std::string& reason, const std::string& path) {
        damages.push_back(Data(Data::Map{{"reason", reason}, {"path", path}}));
        line.out("  " + reason + "  " + (store.path_of(package.digest) / path).string());
        ++all.damages;
    };
    const std::size_t files = info ? info->files.files().size() : 0;
    const bool good = found && found->empty() && info;
    line.out(package.id + " " + package.version + (good ? ": all " + std::to_string(files) + " files are as they were packed" : ": damaged"));
    if (!found) tell(std::string(found.error().reason()), "");
    else for (const auto& one : *found) tell(one.reason, one.path);
    if (found && found->empty() && !info) tell(std::string(info.error().reason()), "manifest.toml");
    if (!good) line.err("hint: " + remedy(package));
    all.files += files;
    all.bytes += info ? info->files.payload_bytes() : 0;
    all.packages.push_back(Data(Data::Map{{"id", package.id}, {"version", package.version}, {"good", good}, {"files", static_cast<std::int64_t>(files)}, {"damages", damages}, {"remedy", good ? Data() : Data(remedy(package))}}));
    return {};
}

} // namespace

Result<std::int32_t> command_generations(CommandLine& line) {
    const auto generations = line.generations();
    const std::uint64_t current = SYMPHONY_TRY(generations.current());
    const auto numbers = SYMPHONY_TRY(generations.numbers());
    Data::List list;
    if (numbers.empty()) line.err("nothing was installed yet");
    for (const auto number : numbers) {
        const auto profile = generations.read(number);
        Data::List packages;
        if (profile) {
            for (const auto& package : profile->packages) packages.push_back(data_of(package));
        }
        const std::string action = profile ? profile->action : "cannot be read: " + profile.error().message();
        const auto made = generations.made_ms(number);
        line.out((number == current ? "* " : "  ") + std::to_string(number) + "  " + when(made) + "  " + std::to_string(packages.size()) + (packages.size() == 1 ? " plugin   " : " plugins  ") + shown(action));
        list.push_back(Data(Data::Map{{"number", static_cast<std::int64_t>(number)}, {"current", number == current}, {"made_ms", static_cast<std::int64_t>(made)}, {"action", action}, {"good", static_cast<bool>(profile)}, {"packages", packages}}));
    }
    line.answer(to_json(Data::Map{{"current", current == 0 ? Data() : Data(static_cast<std::int64_t>(current))}, {"generations", list}}));
    return 0;
}

Result<std::int32_t> command_verify(CommandLine& line) {
    const auto generations = line.generations();
    const std::uint64_t current = SYMPHONY_TRY(generations.current());
    const auto profile = SYMPHONY_TRY(generations.read(current));
    std::vector<Installed> chosen;
    for (const auto& typed : line.texts("plugin")) chosen.push_back(SYMPHONY_TRY(installed_as(profile, typed)));
    if (line.texts("plugin").empty()) chosen = profile.packages;
    Verified all;
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& package : chosen) SYMPHONY_TRY(verify_one(line, package, all));
    const auto wrong = SYMPHONY_TRY(generations.check(current, line.store()));
    Data::List links;
    for (const auto& sentence : wrong) {
        line.out(sentence);
        line.err("hint: symphony rollback goes back; installing anything makes the links anew");
        links.emplace_back(sentence);
    }
    const auto ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    const bool good = all.damages == 0 && wrong.empty();
    line.answer(to_json(Data::Map{{"good", good}, {"plugins", all.packages}, {"generation", links}, {"files", static_cast<std::int64_t>(all.files)}, {"bytes", static_cast<std::int64_t>(all.bytes)}, {"ms", ms}}));
    if (chosen.empty()) line.err("nothing is installed");
    return good ? 0 : 1;
}

} // namespace symphony::packages

// SPDX-License-Identifier: Apache-2.0
// What it is given: rights and settings.
#include "running.hpp"

#include <symphony/manifests/config.hpp>

namespace symphony::checker {
namespace {

struct Answer {
    std::string name;
    bool ok;
    Error error;
};

/// Starts with a host and calls every operation, with the same inputs each time. @return The answers, or why it did not start.
Result<std::vector<Answer>> answers_with(Case& at, const std::set<std::string>& withheld, std::uint64_t seed) {
    auto* const host = new HostDouble(at.manifest(), HostDouble::Age::own, withheld); // outlives the instance, which is not always ended
    host->set_configuration(at.subject.configuration());
    Running running(at, *host);
    std::vector<Answer> out;
    if (!running.use_library()) return out;
    SYMPHONY_TRY(running.start(at.subject.configuration()));
    Random random(seed);
    for (const auto& [port, operation] : at.subject.operations()) {
        OperationCall arguments(operation->name, make_input(*operation, Style::plain, random));
        auto* const call = new Recorder;
        const symphony_status status = running.invoke(*call, arguments.request(port, operation->name));
        const bool ended = status >= 0 && call->wait(patience);
        out.push_back({operation->name, ended && !call->failed(), from_c(call->error(), status < 0 ? status : SYMPHONY_E_PLUGIN_FAILED)});
    }
    static_cast<void>(running.end());
    return out;
}

std::string joined(const std::set<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "\"" : ", \"") + name + "\"";
    return out;
}

} // namespace

void check_grants(Case& at) {
    const auto grants = HostDouble::grants(at.manifest());
    if (grants.empty()) return at.skip("it asks for nothing that could be withheld");
    const std::uint64_t seed = at.random();
    const auto granted = answers_with(at, {}, seed);
    if (!granted) return;
    std::vector<std::set<std::string>> tries{{grants.begin(), grants.end()}};
    for (const auto& grant : grants) tries.push_back({grant});
    for (const auto& withheld : tries) {
        const auto denied = answers_with(at, withheld, seed);
        if (!denied) continue; // it refused to start, with an error
        for (std::size_t i = 0; i < denied->size(); ++i) {
            const Answer& answer = (*denied)[i];
            if (answer.ok || !(*granted)[i].ok || answer.error.code() == Code::not_granted) continue;
            at.find("grants-withheld", "without " + joined(withheld) + " a call of \"" + answer.name + "\", which else succeeds, fails with " +
                                           std::string(name_of(answer.error.code())) + " and not with not-granted");
        }
    }
}

void check_config_inside(Case& at) {
    const auto keys = manifests::config_keys(at.manifest());
    for (int i = 0; i < 12; ++i) {
        std::vector<manifests::Setting> settings;
        for (const auto& key : at.manifest().configuration) {
            if (!key.secret) settings.push_back({key.name, allowed_setting(key, at.random), "checker", {}, false});
        }
        const auto effective = manifests::check_config(keys, settings);
        manifests::Data::Map values;
        for (const auto& setting : effective.settings) {
            if (!setting.secret && !setting.value.is_null()) values.emplace_back(setting.key, setting.value);
        }
        if (!effective.ok()) continue; // two keys that do not go together
        const Value configuration = value_of(manifests::Data(values));
        auto* const host = new HostDouble(at.manifest());
        host->set_configuration(configuration);
        Running running(at, *host);
        if (!running.use_library()) return;
        if (running.start(configuration)) static_cast<void>(running.end());
    }
}

void check_config_outside(Case& at) {
    for (int i = 0; i < 24; ++i) {
        const Value configuration = forbidden_settings(at.manifest(), at.random);
        auto* const host = new HostDouble(at.manifest());
        host->set_configuration(configuration);
        Running running(at, *host);
        if (!running.use_library()) return;
        if (running.start(configuration)) static_cast<void>(running.end());
    }
}

namespace {

symphony_buf guarded_buf(const Guarded& state) {
    symphony_buf buf{};
    buf.struct_size = sizeof buf;
    buf.data = static_cast<const std::uint8_t*>(state.data());
    buf.size = state.size();
    return buf;
}

Status load(Running& into, std::string_view state) {
    Guarded guarded(state.data(), state.size());
    guarded.protect();
    const symphony_buf buf = guarded_buf(guarded);
    return into.load_state(buf);
}

/// The state of an instance that was used. @return Nothing when it keeps none.
std::optional<Result<Buffer>> used_state(Case& at, HostDouble& host, const Value& configuration) {
    host.set_configuration(configuration);
    Running first(at, host);
    if (!first.use_library() || !first.start(configuration)) return std::nullopt;
    if ((first.ops()->flags & SYMPHONY_INSTANCE_STATEFUL) == 0) {
        at.skip("it keeps no state");
        return std::nullopt;
    }
    for (const auto& [port, operation] : at.subject.operations()) {
        OperationCall arguments(operation->name, make_input(*operation, Style::plain, at.random));
        auto* const call = new Recorder; // for late answers
        static_cast<void>(first.call(*call, arguments.request(port, operation->name)));
    }
    return first.save_state();
}

} // namespace

void check_state(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    const auto saved = used_state(at, host, configuration);
    if (!saved) return;
    if (!*saved) return at.find("state-round-trip", "save_state of an active instance fails: " + saved->error().message());
    const std::string bytes((*saved)->text());
    Running second(at, host);
    if (!second.use_library() || !second.start(configuration)) return;
    if (Status loaded = load(second, bytes); !loaded) return at.find("state-round-trip", "it does not take its own state: " + loaded.error().message());
    const auto again = second.save_state();
    if (!again || again->text() != bytes) at.find("state-round-trip", "an instance that took a state of " + std::to_string(bytes.size()) +
        " bytes saves another one");
}

void check_state_garbage(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    const auto saved = used_state(at, host, configuration);
    if (!saved || !*saved) return;
    const std::string bytes((*saved)->text());
    constexpr std::size_t tries = 64;
    for (std::size_t i = 0; i < tries; ++i) {
        std::string bad = i % 2 == 0 ? bytes.substr(0, at.random() % (bytes.size() + 1)) : bytes;
        for (int n = 0; n < 4 && !bad.empty() && i % 2 == 1; ++n) bad[at.random() % bad.size()] = static_cast<char>(at.random());
        if (i % 8 == 7) bad.assign(at.random() % 64, static_cast<char>(at.random()));
        Running third(at, host);
        if (!third.use_library() || !third.start(configuration)) return;
        static_cast<void>(load(third, bad)); // refused or taken, and nothing else
        static_cast<void>(third.end());
    }
}

} // namespace symphony::checker

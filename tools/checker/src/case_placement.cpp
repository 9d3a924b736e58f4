// SPDX-License-Identifier: Apache-2.0
// The same calls here and in a sandbox.
#include "isolation.hpp"
#include "running.hpp"
#include "runtime.hpp"

#include <unistd.h>

namespace symphony::checker {
namespace {

std::filesystem::path runner_program() {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    return failed ? std::filesystem::path() : sandbox::find_runner(self.parent_path());
}

struct Reached {
    std::string name;
    bool pure;
    std::string outcome;
};

/// The outcomes of a fixed list of calls. Late answers are waited for by who owns `running`.
std::vector<Reached> outcomes(Case& at, Running& running, std::uint64_t seed) {
    Random random(seed);
    std::vector<Reached> out;
    constexpr int rounds = 6;
    for (int round = 0; round < rounds; ++round) {
        for (const auto& [port, operation] : at.subject.operations()) {
            const Style style = round < 2 ? Style::plain : round < 4 ? Style::declared : Style::hostile;
            OperationCall arguments(operation->name, make_input(*operation, style, random));
            auto* const call = new Recorder;
            const auto status = running.invoke(*call, arguments.request(port, operation->name));
            at.step("the wait for the end of \"" + operation->name + "\"");
            // A refusal and a failure with the same code are one to the caller.
            if (status >= 0) call->wait(patience);
            out.push_back({operation->name, operation->pure, status < 0 ? "error " + std::to_string(status) + " " : call->outcome()});
        }
    }
    return out;
}

} // namespace

void check_placement(Case& at) {
    if (at.manifest().abi.placement == manifests::Placement::in_process) return at.skip("it cannot be isolated: its manifest says placement = \"in-process\"");
    if (at.subject.operations().empty()) return at.skip("no operations to compare");
    const auto runner = runner_program();
    if (runner.empty()) return at.skip("there is no symphony-runner beside the checker");
    at.step("starting a sandbox");
    host::Isolation::Options options;
    options.runner = runner;
    host::Isolation isolation(std::move(options));
    const auto image = at.subject.image();
    if (!image) return;
    permissions::Subject who;
    who.plugin = at.manifest().id();
    who.name = at.manifest().name();
    who.version = at.manifest().extension.version.text();
    host::OutputBudget output;
    auto process = isolation.start({at.manifest(), *image, who, output, host::RuntimeOptions().cancel_grace, false, false, {}, {}, {}, {}});
    const auto leave = [&] { // without destructors: threads of the plugin may be about
        isolation.abandon();
        at.done();
        ::_exit(0);
    };
    if (!process) {
        at.skip("no sandbox on this machine: " + process.error().message());
        return leave();
    }
    if (auto facts = (*process)->remote().facts(std::chrono::steady_clock::now() + patience); !facts || !facts->load_error.empty()) {
        at.find("placement-equivalence", "it does not load in a sandbox: " + (facts ? facts->load_error : facts.error().message()));
        return leave();
    }
    const Value configuration = at.subject.configuration();
    HostDouble host_here(at.manifest()), host_there(at.manifest());
    host_here.set_configuration(configuration);
    host_there.set_configuration(configuration);
    Running here(at, host_here), there(at, host_there);
    if (!here.use_library()) return leave();
    there.use([&](const symphony_host* host, const symphony_buf* config, symphony_instance** out, const symphony_instance_ops** ops, symphony_error* error) {
        return (*process)->remote().create(host, config, out, ops, error);
    });
    const Status started_here = here.start(configuration), started_there = there.start(configuration);
    if (static_cast<bool>(started_here) != static_cast<bool>(started_there)) {
        at.find("placement-equivalence", started_here ? "it starts here, and in a sandbox not: " + started_there.error().message() : "it starts in a sandbox only");
        return leave();
    }
    const std::uint64_t seed = at.random();
    const auto first = outcomes(at, here, seed), second = outcomes(at, there, seed);
    for (std::size_t i = 0; i < first.size(); ++i) {
        const auto short_of = [](const std::string& text) { return text.starts_with("result") ? std::string("a result") : text; };
        // What is not pure may answer with the time; whether it answers is compared all the same.
        const bool same = first[i].pure ? first[i].outcome == second[i].outcome : short_of(first[i].outcome) == short_of(second[i].outcome);
        if (same) continue;
        at.find("placement-equivalence", "\"" + first[i].name + "\" gives " + short_of(first[i].outcome) + " here and " +
                                             (short_of(first[i].outcome) == short_of(second[i].outcome) ? "another one"
                                                 : short_of(second[i].outcome)) + " in a sandbox, for the same input");
    }
    leave();
}

} // namespace symphony::checker

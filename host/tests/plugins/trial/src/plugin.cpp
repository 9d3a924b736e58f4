// SPDX-License-Identifier: Apache-2.0
#include <symphony/files.hpp>
#include <symphony/json.hpp>
#include <symphony/plugin.hpp>
#include <symphony/ports/command.hpp>

#include <chrono>
#include <cstdio>
#include <thread>

#include <unistd.h>

using symphony::Code;
using symphony::Error;
using symphony::Result;
using symphony::Value;

class Trial final : public symphony::ports::Command {
public:
    explicit Trial(symphony::Host host) : host_(host) {}

    Result<std::int32_t> run(symphony::Call& call, std::string_view command, const Value& arguments,
                             const symphony::ports::CommandContext& context) override {
        const auto out = [&call](std::string_view text) {
            call.emit(symphony::ports::CommandOutput{symphony::ports::CommandStream::out, symphony::Buffer::copy(text)});
        };
        const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
        if (command == "say") {
            auto json = SYMPHONY_TRY(symphony::to_json(arguments));
            json["color"] = context.color;
            out(json.dump() + "\n");
            return 0;
        }
        if (command == "trial sleep" || command == "trial stubborn") {
            out("waiting\n");
            while (command == "trial stubborn" || !call.cancelled()) wait();
            return Error(Code::cancelled, "was told to stop");
        }
        if (command == "trial flood") {
            while (!call.cancelled()) out(std::string(1000, 'x') + "\n");
            return Error(Code::cancelled, "was told to stop");
        }
        if (command == "trial print") {
            std::printf("printed\n");
            std::fflush(stdout);
            const auto written = ::write(STDOUT_FILENO, "written\n", 8);
            out("data\n");
            return written == 8 ? 0 : 1;
        }
        if (command == "trial fail") return Error(Code::data_corrupt, "trial-reason", "the sky fell", "look up");
        if (command == "trial status") return std::stoi(std::string(arguments.view()["status"].as_text()));
        const auto path = std::string(arguments.view()["file"].as_text());
        auto files = SYMPHONY_TRY(host_.files());
        const auto text = SYMPHONY_TRY(files.read_all("selected", path));
        out(symphony::text_of(text.bytes()));
        return 0;
    }

private:
    symphony::Host host_;
};
SYMPHONY_PLUGIN_WITH(Trial, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)

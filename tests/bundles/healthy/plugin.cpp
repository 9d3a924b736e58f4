// SPDX-License-Identifier: Apache-2.0
#include <symphony/plugin.hpp>
#include <symphony/ports/command.hpp>

class Healthy final : public symphony::ports::Command {
public:
    explicit Healthy(symphony::Host) {}
    symphony::Result<std::int32_t> run(symphony::Call& call, std::string_view, const symphony::Value&,
                                       const symphony::ports::CommandContext&) override {
        symphony::ports::CommandOutput output{symphony::ports::CommandStream::out, symphony::Buffer::copy(std::string_view("well\n"))};
        call.emit(output);
        return 0;
    }
};
SYMPHONY_PLUGIN(Healthy)

// SPDX-License-Identifier: Apache-2.0
#include <symphony/plugin.hpp>
#include <symphony/ports/command.hpp>

class Adds final : public symphony::ports::Command {
public:
    explicit Adds(symphony::Host) {}
    symphony::Result<std::int32_t> run(symphony::Call& call, std::string_view, const symphony::Value&,
                                       const symphony::ports::CommandContext&) override {
        symphony::ports::CommandOutput output{symphony::ports::CommandStream::out, symphony::Buffer::copy(std::string_view("{\"half\": an answer\n"))};
        call.emit(output);
        return 0;
    }
};
SYMPHONY_PLUGIN(Adds)
